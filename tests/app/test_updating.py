# SPDX-License-Identifier: Apache-2.0
"""``imagewright update`` from the network to its files: both providers on loopback, every kind of evidence."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from imagewright.app.application import Imagewright
from imagewright.app.world import SystemClock, World
from imagewright.catalog.versions import directory
from imagewright.errors import FetchError, ImagewrightError, UsageError, VerificationError
from imagewright.events import Event
from imagewright.model.general import GlobalOptions
from imagewright.model.options import UpdateOptions
from imagewright.model.results import FoundRelease, Updated
from support.archive import SignedArchive, SigningKey
from support.loopback import Loopback, serve

pytestmark = pytest.mark.loopback

KEY = SigningKey.make()
MANAGER = SigningKey.make("Release Manager <manager@example.org>")
STRANGER = SigningKey.make("Stranger <stranger@example.org>")
TIME = 1_795_000_000
ONLY_RELEASES = UpdateOptions(series=("3.13",), packages=False)
SIGNED = f"""
[[catalog.series]]
name = "3.14"
status = "bugfix"
end_of_life = "2030-10"
current = "3.14.10"
suites = ["trixie"]
setuptools = false
lang = false
openpgp = "{MANAGER.fingerprint}"
"""


def source(version: str, content: bytes = b"int main(void) { return 0; }\n") -> bytes:
    """A source archive of a few bytes, the same each time."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:xz") as archive:
        member = tarfile.TarInfo(f"Python-{version}/python.c")
        member.size, member.mtime = len(content), TIME
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


@dataclass
class Site:
    """python.org, and an archive of Debian's form that has the sources of ``trixie``."""

    directory: Path
    debian: SignedArchive
    files: dict[str, bytes] = field(default_factory=dict)
    releases: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, Any]] = field(default_factory=list)
    address: Loopback | None = None
    archive: Loopback | None = None
    events: list[Event] = field(default_factory=list)

    def publish(self, version: str, data: bytes, *, signer: SigningKey | None = None, **values: Any) -> None:
        """Put a release on python.org; ``values`` replace fields of its file in the API."""
        number = len(self.releases) + 1
        name = f"Python-{version}.tar.xz"
        path = f"ftp/python/{directory(version)}/{name}"
        self.files[path] = data
        if signer is not None:
            self.files[f"{path}.asc"] = signer.detached(data)
        url = f"https://www.python.org/{path}"
        self.releases.append({
            "name": f"Python {version}", "is_published": True, "pre_release": "rc" in version,
            "release_date": "2026-11-18T13:00:00Z",
            "resource_uri": f"https://www.python.org/api/v2/downloads/release/{number}/",
        })  # fmt: skip
        self.listed.append({
            "name": "XZ compressed source tarball", "is_source": True, "url": url, "filesize": len(data),
            "gpg_signature_file": f"{url}.asc" if signer else "", "sigstore_bundle_file": "",
            "sha256_sum": hashlib.sha256(data).hexdigest(), **values,
        })  # fmt: skip
        self.files["api/v2/downloads/release/"] = json.dumps(self.releases).encode()
        self.files["api/v2/downloads/release_file/"] = json.dumps(self.listed).encode()

    def in_debian(self, version: str, data: bytes) -> None:
        """Put a release into the suite's Sources."""
        series = version.rpartition(".")[0]
        self.debian.add_source(f"python{series}", f"{version}-1", {f"python{series}_{version}.orig.tar.xz": data})
        self.debian.write()

    def update(
        self, options: UpdateOptions = ONLY_RELEASES, *, mirrors: tuple[str, ...] = ("python", "debian")
    ) -> Updated:
        addresses = {"python": str(self.address), "debian": str(self.archive)}
        options_ = GlobalOptions(
            store=self.directory / "store",
            config=self.directory / "imagewright.toml",
            lock=self.directory / "imagewright.lock",
            mirrors=tuple(
                (role, addresses[role] if role in mirrors else "http://127.0.0.1:9") for role in addresses
            ),
        )
        return Imagewright(World(options_, SystemClock(), 0o022)).update(options, self.events.append)

    @property
    def found(self) -> Path:
        return self.directory / "imagewright.releases.toml"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Both providers, with keys of their own; nothing is published yet."""
    (tmp_path / "keys.asc").write_text(KEY.certificate)
    (tmp_path / "manager.asc").write_text(MANAGER.certificate)
    suites = "".join(_suite(name) for name in ("bullseye", "bookworm", "trixie", "forky"))
    (tmp_path / "imagewright.toml").write_text(f'[catalog]\nkeyrings = ["keys.asc", "manager.asc"]\n{suites}')
    site = Site(tmp_path, SignedArchive(tmp_path / "archive", KEY))
    site.files["api/v2/downloads/release/"] = site.files["api/v2/downloads/release_file/"] = b"[]"
    site.debian.add_source("hello", "1.0-1", {"hello_1.0.orig.tar.xz": b"x"})
    site.debian.write()
    with serve(site.files) as address, site.debian.serve() as archive:
        site.address, site.archive = address, archive
        yield site


def _suite(name: str) -> str:
    return f"""
[[catalog.suite]]
name = "{name}"
distribution = "debian"
version = "0"
status = "stable"
compiler = "gcc-14"
architectures = ["amd64"]
archives = [{{ name = "{name}", mirror = "debian", components = ["main"], keys = ["{KEY.fingerprint}"] }}]
"""


def only(done: Updated) -> FoundRelease:
    (release,) = done.releases
    return release


def test_debian_vouches_for_a_release_and_it_becomes_the_current_one(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.in_debian("3.13.99", data)
    release = only(site.update())
    assert release.taken
    assert (release.version, release.provenance, release.size) == ("3.13.99", "debian trixie", len(data))
    assert release.released == "2026-11-18T11:06:40Z"
    text = site.found.read_text()
    assert hashlib.sha256(data).hexdigest() in text
    assert 'debian = "pool/main/p/python3.13/python3.13_3.13.99.orig.tar.xz"' in text
    assert site.update().releases == ()
    assert site.found.read_text() == text


def test_a_dry_run_says_the_same_and_writes_nothing(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.in_debian("3.13.99", data)
    done = site.update(replace(ONLY_RELEASES, dry_run=True))
    assert only(done).taken
    assert done.dry_run
    assert not site.found.exists()


def test_the_release_managers_signature_vouches_for_a_release(site: Site) -> None:
    configuration = site.directory / "imagewright.toml"
    configuration.write_text(configuration.read_text() + SIGNED)
    signed = UpdateOptions(series=("3.14",), packages=False)
    site.publish("3.14.99", source("3.14.99"), signer=MANAGER)
    assert only(site.update(signed)).provenance == f"openpgp {MANAGER.fingerprint}"
    # Found once; the person's own configuration keeps another release as the current one.
    assert site.update(signed).releases == ()


@pytest.mark.parametrize("debian", [False, True])
def test_a_signature_that_does_not_hold_is_an_error_whoever_else_vouches(site: Site, debian: bool) -> None:
    configuration = site.directory / "imagewright.toml"
    configuration.write_text(configuration.read_text() + SIGNED)
    data = source("3.14.99")
    site.publish("3.14.99", data, signer=STRANGER)
    if debian:
        site.in_debian("3.14.99", data)
    with pytest.raises(VerificationError):
        site.update(UpdateOptions(series=("3.14",), packages=False))
    assert not site.found.exists()


def test_what_only_python_org_says_is_not_taken_until_it_is_named(site: Site) -> None:
    site.publish("3.13.99", source("3.13.99"))
    release = only(site.update())
    assert (release.taken, release.provenance) == (False, "unverified")
    assert "--accept 3.13.99" in release.detail
    assert not site.found.exists()
    assert only(site.update(replace(ONLY_RELEASES, accept=("3.13.99",)))).taken
    assert 'provenance = "unverified"' in site.found.read_text()


def test_a_release_without_a_digest_is_pinned_by_what_arrived(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data, sha256_sum="")
    release = only(site.update(replace(ONLY_RELEASES, accept=("3.13.99",))))
    assert release.sha256 is not None
    assert release.sha256.hex == hashlib.sha256(data).hexdigest()


def test_accepting_what_is_not_there_is_told(site: Site) -> None:
    site.update(replace(ONLY_RELEASES, accept=("3.13.77",)))
    assert any("--accept 3.13.77 had nothing to accept" in str(event) for event in site.events)


@pytest.mark.parametrize("who", ["python.org", "debian"])
def test_a_release_whose_digest_changed_is_an_error(site: Site, who: str) -> None:
    other = source("3.13.15", b"evil\n")
    if who == "debian":
        site.in_debian("3.13.15", other)
    else:
        site.publish("3.13.15", other)
    with pytest.raises(VerificationError, match=r"CPython 3\.13\.15 changed"):
        site.update()
    assert not site.found.exists()


def test_providers_that_contradict_each_other_are_an_error(site: Site) -> None:
    site.publish("3.13.99", source("3.13.99", b"evil\n"))
    site.in_debian("3.13.99", source("3.13.99"))
    with pytest.raises(VerificationError, match="contradicts itself"):
        site.update()


def test_a_file_that_is_not_what_was_said_is_an_error(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.files["ftp/python/3.13.99/Python-3.13.99.tar.xz"] = data[:-1] + b"\0"
    with pytest.raises(VerificationError, match=r"Python-3\.13\.99\.tar\.xz"):
        site.update()


def test_a_source_that_no_mirror_has_yet_is_told_and_left(site: Site) -> None:
    site.publish("3.13.99", source("3.13.99"))
    del site.files["ftp/python/3.13.99/Python-3.13.99.tar.xz"]
    release = only(site.update())
    assert not release.taken
    assert "not to be had yet" in release.detail


def test_without_the_api_the_directories_are_read(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.in_debian("3.13.99", data)
    for broken in (None, b"<html>maintenance</html>"):
        if broken is None:
            del site.files["api/v2/downloads/release/"]
        else:
            site.files["api/v2/downloads/release/"] = broken
        site.files["ftp/python/"] = b'<a href="3.13.15/">x</a><a href="3.13.99/">x</a><a href="../">x</a>'
        site.files["ftp/python/3.13.99/"] = b'<a href="Python-3.13.99.tar.xz">x</a>'
        site.files["ftp/python/3.13.15/"] = b""
        assert only(site.update(replace(ONLY_RELEASES, dry_run=True))).provenance == "debian trixie"


def test_one_provider_is_enough_and_none_is_an_error(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.in_debian("3.13.99", data)
    dry = replace(ONLY_RELEASES, dry_run=True)
    assert only(site.update(dry, mirrors=("debian",))).provenance == "debian trixie"
    assert only(site.update(dry, mirrors=("python",))).provenance == "unverified"
    with pytest.raises(FetchError, match="nobody could be asked"):
        site.update(dry, mirrors=())


def test_an_archive_signed_by_a_stranger_vouches_for_nothing(site: Site) -> None:
    data = source("3.13.99")
    site.publish("3.13.99", data)
    site.in_debian("3.13.99", data)
    site.debian.write(signers=[STRANGER])
    assert only(site.update()).provenance == "unverified"


def test_prereleases_wait_until_they_are_asked_for(site: Site) -> None:
    site.publish("3.13.99rc1", source("3.13.99rc1"))
    assert site.update().releases == ()
    asked = replace(ONLY_RELEASES, prereleases=True, accept=("3.13.99rc1",))
    assert only(site.update(asked)).taken
    world = World(
        GlobalOptions(config=site.directory / "imagewright.toml", lock=site.directory / "imagewright.lock"),
        SystemClock(),
        0o022,
    )
    assert "3.13.99rc1" in world.catalog.by_release
    assert world.catalog.by_series["3.13"].current != "3.13.99rc1"


def test_an_unknown_series_is_a_wrong_word(site: Site) -> None:
    with pytest.raises(UsageError, match=r"there is no series 3\.99"):
        site.update(UpdateOptions(series=("3.99",)))


def test_a_damaged_file_of_found_releases_is_not_overwritten(site: Site) -> None:
    site.publish("3.13.99", source("3.13.99"))
    site.found.write_text("nonsense")
    with pytest.raises(ImagewrightError, match="is not TOML"):
        site.update(replace(ONLY_RELEASES, accept=("3.13.99",)))
    assert site.found.read_text() == "nonsense"
