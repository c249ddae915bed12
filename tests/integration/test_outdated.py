# SPDX-License-Identifier: Apache-2.0
"""A security update comes out: ``outdated`` shows it first, ``update`` locks it, ``build`` compiles nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
import tomli_w

from imagewright.app.application import Imagewright
from imagewright.app.world import SystemClock, World
from imagewright.catalog.shipped import shipped_documents
from imagewright.errors import BuildError, UsageError
from imagewright.events import discard
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Profile
from imagewright.model.options import BuildOptions, Selection, UpdateOptions
from imagewright.model.refreshing import RefreshOptions
from imagewright.planning.lockfile import read_lock
from imagewright.store.store import Store
from peers.fixtures import QUICK, Built
from peers.registries import real_registry
from support.archive import SignedArchive, SigningKey
from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

KEY = SigningKey.make()
PATCHED = ("hostname", "netbase")
"""One package of the base, one of the runtime layer."""


@dataclass(frozen=True)
class Patched:
    """An application whose suite has a security archive of its own with newer packages."""

    application: Imagewright
    platform: str
    lock: Path


@pytest.fixture
def patched(quick_image: Built, tmp_path: Path) -> Iterator[Patched]:
    """The workshop's store and lock, and two packages that were patched a minute ago."""
    with patching(quick_image, tmp_path) as made:
        yield made


@contextmanager
def patching(
    quick_image: Built, tmp_path: Path, script: str = "", *, patch: tuple[str, ...] = PATCHED, beside: bool = False
) -> Iterator[Patched]:
    """See :func:`patched`; ``script`` is what configures the packages, in place of their own. With ``beside`` the
    archive also has what is locked from the real one, so that nothing but ``patch`` changes."""
    program("dpkg-deb", "dpkg")
    workshop = quick_image.workshop
    forget_others(workshop.store, quick_image.answer["image"], quick_image.answer["platform"])
    archive = SignedArchive(tmp_path / "archive", KEY)
    for deb in newer_debs(workshop.lock, workshop.store, tmp_path, script, patch):
        archive.add_deb(deb)
    for deb in locked_debs(workshop.lock, workshop.store, tmp_path) if beside else ():
        archive.add_deb(deb)
    # No younger than the real one, which the shared store would else refuse as a rollback from then on.
    locked = {one.name: one for one in read_lock(workshop.lock.read_text()).archives}
    date = datetime.fromisoformat(locked["trixie-security"].date)
    archive.write(suite="stable-security", codename="trixie-security", date=date)
    shutil.copy(workshop.lock, tmp_path / "imagewright.lock")
    (tmp_path / "imagewright.toml").write_text(configuration())
    (tmp_path / "key.asc").write_text(KEY.certificate)
    with archive.serve() as url:
        options = GlobalOptions(
            store=workshop.store,
            config=tmp_path / "imagewright.toml",
            lock=tmp_path / "imagewright.lock",
            mirrors=(("debian-security", str(url)),),
        )
        application = Imagewright(World(options, SystemClock(), 0o022))
        yield Patched(application, quick_image.answer["platform"], tmp_path / "imagewright.lock")
    # The store is shared: other tests expect the image that their own lock describes.
    again = json.loads(workshop.call("build", *QUICK, "--json", "--progress", "none").stdout)
    assert again[0]["digest"] == quick_image.answer["digest"]


def forget_others(store: Path, spec: str, platform: str) -> None:
    """Take the names of other tests' images away, which this archive has no packages for."""
    with Store.open(store, clock=SystemClock()) as opened:
        others = [image for image in opened.images.all() if (image.spec, image.platform) != (spec, platform)]
        opened.images.remove(others)


def locked_debs(lock: Path, store: Path, directory: Path) -> Iterator[Path]:
    """What is locked from the security archive and in this store, as it is."""
    packages = {one.sha256: one for found in read_lock(lock.read_text()).sets for one in found.packages}
    for sha256, package in packages.items():
        if package.archive == "trixie-security":
            with Store.open(store, clock=SystemClock()) as opened:
                if not opened.blobs.has(sha256):
                    continue  # of a build root that nobody unpacked here
                path = directory / Path(package.path).name
                path.write_bytes(opened.blobs.path(sha256).read_bytes())
            yield path


def newer_debs(
    lock: Path, store: Path, directory: Path, script: str, patch: tuple[str, ...] = PATCHED
) -> Iterator[Path]:
    """The locked packages once more, as a later version."""
    packages = {package.name: package for found in read_lock(lock.read_text()).sets for package in found.packages}
    for name in patch:
        package = packages[name]
        with Store.open(store, clock=SystemClock()) as opened:
            deb = opened.blobs.path(package.sha256)
        root = directory / name
        subprocess.run(["dpkg-deb", "-R", deb, root], check=True)
        control = root / "DEBIAN" / "control"
        control.write_text(
            control.read_text().replace(f"Version: {package.version}", f"Version: {package.version}.1")
        )
        if script:
            (root / "DEBIAN" / "postinst").write_text(script)
            (root / "DEBIAN" / "postinst").chmod(0o755)
        path = directory / f"{name}_9_{package.architecture}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=subprocess.DEVNULL)
        yield path


def configuration() -> str:
    """Debian's own archives, but for the security archive, which the test's key signs."""
    suites = tomllib.loads(shipped_documents()["suites.toml"])["suite"]
    trixie = next(suite for suite in suites if suite["name"] == "trixie")
    for archive in trixie["archives"]:
        if archive["name"] == "trixie-security":
            archive["keys"] = [KEY.fingerprint]
    return tomli_w.dumps({"catalog": {"keyrings": ["key.asc"], "suite": [trixie]}})


def test_a_security_update_is_seen_locked_and_built_without_a_compile(patched: Patched) -> None:
    application = patched.application
    behind = application.outdated(("3.13-slim-trixie",), discard)
    (image,) = (one for one in behind if one.platform == patched.platform)
    first = [(package.name, package.security) for package in image.packages[:2]]
    assert first == [(name, True) for name in PATCHED]
    assert image.packages[0].available == f"{image.packages[0].have}.1"
    assert image.rebuild is not None
    assert image.rebuild.compiles == 0
    assert {step.name.split()[0] for step in image.rebuild.steps} == {"base", "runtime", "image", "check"}
    assert image.rebuild.seconds > 0

    done = application.update(UpdateOptions(releases=False), discard)
    assert {package.name for package in done.packages if package.security} == set(PATCHED)
    assert application.update(UpdateOptions(releases=False), discard).packages == ()

    options = BuildOptions(selection=Selection(profile=Profile.QUICK))
    (built,) = application.build(("3.13-slim-trixie",), options, discard).built
    ran = {step.name.split()[0] for step in built.steps if not step.cached}
    assert ran == {"base", "runtime", "image", "check"}
    assert application.outdated(("3.13-slim-trixie",), discard) == ()


def test_one_command_builds_publishes_and_tells(patched: Patched, quick_image: Built, tmp_path: Path) -> None:
    application, spec = patched.application, quick_image.answer["image"]
    before = patched.lock.read_bytes()
    looked = application.refresh((spec,), RefreshOptions(releases=False, dry_run=True), discard)
    assert [image.spec for image in looked.behind] == [spec]
    assert patched.lock.read_bytes() == before

    (tmp_path / "registry").mkdir()
    with real_registry(tmp_path / "registry") as registry:
        options = RefreshOptions(
            repository=f"{registry.host}/team/python", releases=False, force=True, notes=tmp_path / "notes"
        )
        with pytest.raises(UsageError, match="quick profile"):
            application.refresh((spec,), replace(options, force=False), discard)
        done = application.refresh((spec,), options, discard)
        (image,) = done.refreshed
        assert (done.compiles, done.failed) == (0, ())
        assert str(image.previous) == quick_image.answer["digest"] != str(image.digest)
        # Others go back to the main archive's version: the test's security archive has these two alone.
        changed = {change.name: change for change in image.difference.packages}
        assert all(changed[name].after == f"{changed[name].before}.1" for name in PATCHED)
        assert image.note is not None
        assert all(name in image.note.read_text() for name in PATCHED)
        (published,) = done.pushed
        assert published.images[0].moved == published.images[0].tags
        assert str(published.tags[0]) in quick_image.answer["tags"]
        assert patched.lock.read_bytes() != before

        again = application.refresh((spec,), options, discard)
        assert (again.behind, again.refreshed, again.pushed[0].bytes) == ((), (), 0)
    assert sorted(path.name for path in patched.lock.parent.glob("*refresh*")) == []


def test_an_update_of_the_base_leaves_the_layers_above_as_a_build_from_nothing_would(
    quick_image: Built, tmp_path: Path
) -> None:
    with patching(quick_image, tmp_path, patch=PATCHED[:1], beside=True) as made:
        done = made.application.refresh((quick_image.answer["image"],), RefreshOptions(releases=False), discard)
        (image,) = done.refreshed
        assert [change.name for change in image.difference.packages] == list(PATCHED[:1])
        changed = [layer.comment for layer in image.difference.layers if not layer.same]
        assert changed == ["files of the distribution's base packages", "the package database of all of them"]

        bring_interpreters(quick_image.workshop.store, tmp_path / "nothing")
        world = made.application._world
        other = Imagewright(replace(world, options=replace(world.options, store=tmp_path / "nothing")))
        options = BuildOptions(selection=Selection(profile=Profile.QUICK))
        (again,) = other.build(("3.13-slim-trixie",), options, discard).built
        assert {step.name.split()[0] for step in again.steps if not step.cached} >= {"base", "runtime"}
        assert again.digest == image.digest


def bring_interpreters(source: Path, target: Path) -> None:
    """Give an empty store what was compiled in another one, and nothing else."""
    with Store.open(source, clock=SystemClock()) as one, Store.open(target, clock=SystemClock()) as other:
        for record, _ in one.steps.all():
            if record.name == "python 3.13.15 trixie amd64":
                for _, digest in record.outputs:
                    other.blobs.put([one.blobs.path(digest).read_bytes()], expected=digest)
                other.steps.put(record)


def test_what_cannot_be_built_changes_neither_lock_nor_tags(quick_image: Built, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    with (
        patching(quick_image, tmp_path, "#!/bin/sh\nexit 1\n") as broken,
        real_registry(tmp_path / "registry") as registry,
    ):
        before = broken.lock.read_bytes()
        options = RefreshOptions(repository=f"{registry.host}/team/python", releases=False, force=True)
        with pytest.raises(BuildError):
            broken.application.refresh((quick_image.answer["image"],), options, discard)
        assert broken.lock.read_bytes() == before
        assert sorted(path.name for path in broken.lock.parent.glob("*refresh*")) == []
        assert not list((registry.directory / "data").rglob("link"))
