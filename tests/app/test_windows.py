# SPDX-License-Identifier: Apache-2.0
"""Images of Windows from registry and archive to registry, all of them on loopback; nothing of Windows runs."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from imagewright.app.building import Builder
from imagewright.app.publishing import push
from imagewright.app.updating import Updater
from imagewright.app.world import SystemClock, World
from imagewright.errors import ImagewrightError, RegistryError, UsageError, VerificationError
from imagewright.events import discard
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat, GlobalOptions
from imagewright.model.options import BuildOptions, LockOptions, Selection, UpdateOptions
from imagewright.model.pushing import PushOptions
from imagewright.model.results import BuiltImage
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.layout_source import LayoutDirectory
from imagewright.store.fsck import check as fsck
from imagewright.store.store import Store
from support.loopback import Loopback, serve
from support.registry import Registry, run_registry
from support.windows import (
    PIP,
    RELEASE,
    VERSIONS,
    embedded,
    files,
    nupkg,
    pip_wheel,
    publish_base,
    zipped,
)

pytestmark = pytest.mark.loopback
SPEC = "3.13-windowsservercore-ltsc2025"
OLDER = "3.13-windowsservercore-ltsc2022"
PLAIN = RegistryAccess(plain=True)


@dataclass
class Place:
    """A workshop for images of Windows: a registry with bases, a server with archives, a directory."""

    registry: Registry
    server: Loopback
    directory: Path

    def configure(self, archive: bytes, name: str = f"python.{RELEASE}.nupkg", more: str = "") -> None:
        """Name an archive and pip in the configuration, and serve both."""
        wheel = pip_wheel()
        self.server.files[name] = archive
        self.server.files[f"files/{PIP}"] = wheel
        link = f'<a href="/files/{PIP}#sha256={hashlib.sha256(wheel).hexdigest()}">{PIP}</a>'
        self.server.files["simple/pip/"] = f"<!DOCTYPE html><body>{link}</body>".encode()
        (self.directory / "imagewright.toml").write_text(f"""
[windows]
base = "{self.registry.host}/windows/servercore"
plain_http = true
[mirrors]
pypi = "{self.server}/simple"
[[catalog.distribution]]
release = "{RELEASE}"
filename = "{name}"
size = {len(archive)}
sha256 = "{hashlib.sha256(archive).hexdigest()}"
url = "{self.server}/{name}"
[[catalog.wheel]]
name = "pip"
version = "99.1"
filename = "{PIP}"
size = {len(wheel)}
sha256 = "{hashlib.sha256(wheel).hexdigest()}"
windows = true
why = "installs packages"
{more}""")

    def world(self) -> World:
        options = GlobalOptions(
            config=self.directory / "imagewright.toml", lock=self.directory / "imagewright.lock"
        )
        return World(options, SystemClock(), 0o022)

    def store(self, name: str = "store") -> Store:
        return Store.open(self.directory / name, clock=SystemClock())

    def build(self, *specs: str, store: str = "store", **options: Any) -> list[BuiltImage]:
        with self.store(store) as opened:
            report = Builder(self.world(), opened, discard).build(specs, BuildOptions(**options))
            assert not report.failed, report.failed
            return list(report.built)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with run_registry() as registry, serve({}) as server:
        for suite in VERSIONS:
            publish_base(registry.repository("windows/servercore"), suite)
        found = Place(registry, server, tmp_path)
        found.configure(nupkg())
        yield found


def document(place: Place, digest: Digest) -> Any:
    with place.store() as store, store.blobs.open(digest) as file:
        return json.loads(file.read())


def layer_of(place: Place, image: BuiltImage) -> tarfile.TarFile:
    """The image's own layer, by Python's own tar."""
    with place.store() as store:
        return tarfile.open(fileobj=io.BytesIO(store.blobs.path(image.layers[-1].digest).read_bytes()))


def test_an_image_is_a_layer_on_a_base_that_stays_what_it_is(place: Place) -> None:
    (image,) = place.build(SPEC)
    base = publish_base(place.registry.repository("windows/servercore"), "ltsc2025")
    manifest, config = document(place, image.digest), document(place, image.config_digest)
    assert [layer["digest"] for layer in manifest["layers"][:2]] == list(base.layers)
    assert manifest["layers"][0]["urls"] == list(base.urls)
    assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    assert "urls" not in manifest["layers"][1]
    assert (config["os"], config["os.version"], config["os.features"]) == (
        "windows",
        VERSIONS["ltsc2025"],
        ["win32k"],
    )
    assert len(config["rootfs"]["diff_ids"]) == len(config["history"]) == 3
    assert config["config"]["Cmd"] == ["python"]
    assert config["config"]["Env"] == [
        "TEMP=C:\\Temp",
        "PATH=C:\\Python\\Scripts;C:\\Python;C:\\Windows",
        f"PYTHON_VERSION={RELEASE}",
    ]
    assert image.platform == "windows/amd64"
    assert f"{RELEASE}-windowsservercore-ltsc2025" in image.tags
    assert "3.13-windowsservercore" in image.tags
    with place.store() as store:
        assert not store.blobs.has(Digest.parse(base.layers[0])), "it is elsewhere, and stays there"
        assert store.blobs.has(Digest.parse(base.layers[1]))
        assert fsck(store).problems == ()
    asked = [line for line in place.registry.asked if base.layers[0] in line]
    assert asked == []


def test_the_layer_is_in_the_form_of_windows(place: Place) -> None:
    (image,) = place.build(SPEC)
    with layer_of(place, image) as archive:
        members = archive.getmembers()
        names = [member.name for member in members]
        assert names == sorted(names)
        assert names[:3] == ["Files", "Files/Python", "Files/Python/DLLs"]
        assert names[-1] == "Hives"
        for member in members:
            records = member.pax_headers
            parent = member.name.rpartition("/")[0]
            assert not parent or parent in names[: names.index(member.name)]
            assert records["MSWINDOWS.fileattr"] == ("16" if member.isdir() else "32")
            assert records["LIBARCHIVE.creationtime"] == str(member.mtime) == str(image.created)
            assert ("MSWINDOWS.rawsd" in records) == ("/" in member.name)
            assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        content = {member.name: archive.extractfile(member) for member in members if member.isfile()}
        expected = {name for name in files() if "pip" not in name}
        assert {f"Files/Python/{name}" for name in expected} <= set(content)
        launcher = content["Files/Python/Scripts/pip3.13.exe"]
        assert launcher is not None
        assert b"#!C:\\Python\\python.exe\r\nPK" in launcher.read()
    scripts = [name for name in names if name.startswith("Files/Python/Scripts/")]
    assert scripts == [f"Files/Python/Scripts/{name}.exe" for name in ("pip", "pip3.13", "pip3")]
    assert not any("pip-1.dist-info" in name for name in names), "another pip would be found first"


def test_the_same_inputs_give_the_same_bytes(place: Place) -> None:
    (one,) = place.build(SPEC)
    (other,) = place.build(SPEC, store="another")
    again = place.build(SPEC)[0]
    assert one.digest == other.digest == again.digest
    assert all(step.cached for step in again.steps)
    place.configure(nupkg(), more='[defaults]\nenvironment = { APP = "x" }\n')
    changed = place.build(SPEC)[0]
    assert changed.digest != one.digest
    assert [step.cached for step in changed.steps] == [True, False, False]


def test_every_form_of_distribution_gives_an_image(place: Place) -> None:
    for name, archive in (
        (f"python-{RELEASE}-amd64.zip", zipped(files())),
        (f"python-{RELEASE}-embed-amd64.zip", zipped(embedded())),
    ):
        place.configure(archive, name)
        (place.directory / "imagewright.lock").unlink(missing_ok=True)
        (image,) = place.build(SPEC)
        with layer_of(place, image) as layer:
            found = {member.name: member for member in layer.getmembers()}
            assert "Files/Python/Lib/site-packages/pip/__init__.py" in found
            if "embed" in name:
                paths = layer.extractfile("Files/Python/python313._pth")
                assert paths is not None
                assert paths.read().endswith(b"automatically\r\nimport site\r\n")


def test_versions_of_windows_share_tags(place: Place) -> None:
    where = f"{place.registry.host}/python"
    options = PushOptions(Selection(), PLAIN)
    for specs in ((SPEC,), (OLDER,)):  # one after the other, as two machines would
        with place.store() as store:
            push(place.world(), store, specs, where, options, discard)
    repository = place.registry.repository("python")

    def index(tag: str) -> Any:
        return json.loads(repository.manifests[repository.tags[tag]][1])

    for tag, versions in (
        ("3.13-windowsservercore", set(VERSIONS.values())),
        ("3.13", set(VERSIONS.values())),
        ("3.13-windowsservercore-ltsc2025", {VERSIONS["ltsc2025"]}),
        ("3.13-windowsservercore-ltsc2022", {VERSIONS["ltsc2022"]}),
    ):
        platforms = [entry["platform"] for entry in index(tag)["manifests"]]
        assert {one["os.version"] for one in platforms} == versions, tag
        assert all((one["os"], one["architecture"]) == ("windows", "amd64") for one in platforms)
    assert place.registry.audit() == []
    with place.store() as store:
        again = push(place.world(), store, (SPEC, OLDER), where, options, discard)
    assert [one.moved for one in again.images] == [(), ()]


def test_a_shared_tag_gives_up_what_left_the_catalog(place: Place) -> None:
    where, repository = f"{place.registry.host}/python", place.registry.repository("python")
    with place.store() as store:
        push(place.world(), store, (SPEC,), where, PushOptions(Selection(), PLAIN), discard)
    tag = "3.13-windowsservercore"
    document = json.loads(repository.manifests[repository.tags[tag]][1])
    (entry,) = document["manifests"]
    entry["annotations"]["io.imagewright.image"] = "3.13.14-windowsservercore-ltsc2022"
    entry["platform"]["os.version"] = VERSIONS["ltsc2022"]
    content = json.dumps(document).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    repository.manifests[digest] = (document["mediaType"], content)
    repository.tags[tag] = digest
    with place.store() as store:
        push(place.world(), store, (SPEC,), where, PushOptions(Selection(), PLAIN), discard)
    (left,) = json.loads(repository.manifests[repository.tags[tag]][1])["manifests"]
    assert left["platform"]["os.version"] == VERSIONS["ltsc2025"]


def test_a_base_moves_only_when_it_is_asked_to(place: Place) -> None:
    (before,) = place.build(SPEC)
    publish_base(place.registry.repository("windows/servercore"), "ltsc2025", version="10.0.26100.9999")
    assert place.build(SPEC)[0].digest == before.digest
    with place.store() as store:
        changes = Builder(place.world(), store, discard).relock((SPEC,), LockOptions()).changed
    assert [(one.what, one.name) for one in changes] == [("windows", "ltsc2025")]
    after = place.build(SPEC)[0]
    assert after.digest != before.digest
    assert [step.cached for step in after.steps] == [True, False, False], "the layer is the same on every base"
    assert document(place, after.config_digest)["os.version"] == "10.0.26100.9999"


def test_an_update_brings_the_base_of_now(place: Place) -> None:
    place.build(SPEC)
    publish_base(place.registry.repository("windows/servercore"), "ltsc2025", version="10.0.26100.9999")
    with place.store() as store:
        Updater(place.world(), store, discard).update(UpdateOptions(releases=False))
    (image,) = place.build(SPEC)
    assert document(place, image.config_digest)["os.version"] == "10.0.26100.9999"


def test_a_layout_holds_everything_but_what_is_elsewhere(place: Place) -> None:
    output = place.directory / "layout"
    (image,) = place.build(SPEC, output=output, format=ArchiveFormat.OCI_DIR)
    layout = LayoutDirectory(output)
    (entry,) = layout.index.manifests
    assert entry.platform is not None
    assert entry.platform.os_version == VERSIONS["ltsc2025"]
    assert layout.verify() == 4, "manifest, configuration, the layer of the base that is here, and ours"
    assert image.size == sum(path.stat().st_size for path in (output / "blobs/sha256").iterdir()) - entry.size


def refused(place: Place, *specs: str) -> ImagewrightError:
    with pytest.raises(ImagewrightError) as caught:
        place.build(*(specs or (SPEC,)))
    return caught.value


def test_a_base_of_another_windows_is_refused(place: Place) -> None:
    publish_base(place.registry.repository("windows/servercore"), "ltsc2025", version=VERSIONS["ltsc2022"])
    error = refused(place)
    assert isinstance(error, VerificationError)
    assert VERSIONS["ltsc2022"] in error.why


def test_a_base_that_is_not_there_is_told(place: Place) -> None:
    place.registry.repository("windows/servercore").tags.clear()
    assert isinstance(refused(place), RegistryError)


def test_an_archive_that_is_not_what_its_digest_says_is_refused(place: Place) -> None:
    place.server.files[f"python.{RELEASE}.nupkg"] = nupkg()[:-1] + b"x"
    assert isinstance(refused(place), VerificationError)


def test_an_interpreter_of_another_release_does_not_pass(place: Place) -> None:
    other = {**files(), "python313.dll": files("3.13.14")["python313.dll"]}
    place.configure(zipped(other), f"python-{RELEASE}-amd64.zip")
    error = refused(place)
    assert "windows-interpreter" in error.message
    assert f"does not say that it is {RELEASE}" in error.why


def test_what_nothing_is_known_of_is_refused_with_a_way_out(place: Place) -> None:
    error = refused(place, "3.14-windowsservercore-ltsc2025")
    assert isinstance(error, UsageError)
    assert "docs/how-to/windows.md" in error.hint
    place.configure(nupkg(), more='[defaults]\npackages = ["git"]\n')
    assert "nothing is run to make it" in refused(place).why


def test_other_platforms_are_refused(place: Place) -> None:
    from imagewright.model.platforms import parse_platform

    wanted = replace(Selection(), platforms=(parse_platform("linux/amd64"),))
    with pytest.raises(UsageError, match="not built for linux/amd64"):
        place.build(SPEC, selection=wanted)
