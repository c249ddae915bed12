# SPDX-License-Identifier: Apache-2.0
"""A security update comes out: ``outdated`` shows it first, ``update`` locks it, ``build`` compiles nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.application import Imagewright
from imagewright.app.world import SystemClock
from imagewright.errors import BuildError, UsageError
from imagewright.events import discard
from imagewright.model.images import Profile
from imagewright.model.options import BuildOptions, Selection, UpdateOptions
from imagewright.model.refreshing import RefreshOptions
from imagewright.store.store import Store
from peers.fixtures import Built
from peers.patched import PATCHED, Patched, patching
from peers.registries import real_registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def patched(quick_image: Built, tmp_path: Path) -> Iterator[Patched]:
    """The workshop's store and lock, and two packages that were patched a minute ago."""
    with patching(quick_image, tmp_path) as made:
        yield made


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
