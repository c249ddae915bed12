# SPDX-License-Identifier: Apache-2.0
"""Many images: who is chosen, where they are written, what memory there is, which errors stay by themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.archives import refuse_all, refused_steps
from imagewright.app.choosing import choose, warn_of
from imagewright.app.exporting import file_name, is_directory, refuse_output
from imagewright.app.following import follow_images
from imagewright.app.locks import _each
from imagewright.app.machine import available_memory
from imagewright.app.world import World, make_world
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.engine.executor import Selection
from imagewright.errors import FetchError, ImagewrightError, SolveError, UsageError, VerificationError
from imagewright.events import Event, Warned
from imagewright.events.building import BuildProgress, StepFailed, StepFinished
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat, GlobalOptions
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.options import BuildOptions
from imagewright.model.options import Selection as Wanted
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import Plan, PlannedImage, RootWork, Step, StepKind
from imagewright.model.platforms import parse_platform
from imagewright.model.results import LeftOut
from support.fake_application import IMAGE
from support.locks import definition

AMD64 = parse_platform("linux/amd64")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.chdir(tmp_path)
    return make_world(GlobalOptions())


def test_named_images_are_chosen_on_each_platform(world: World) -> None:
    platforms = (AMD64, parse_platform("linux/arm64"))
    chosen = choose(world, ("3.13-slim-trixie",), Wanted(platforms=platforms))
    assert [(spec, str(item.name), str(item.platform)) for spec, item in chosen.named] == [
        ("3.13-slim-trixie", "3.13.15-slim-trixie", "linux/amd64"),
        ("3.13-slim-trixie", "3.13.15-slim-trixie", str(platforms[1])),
    ]


def test_all_are_chosen_as_the_catalog_offers_them(world: World) -> None:
    chosen = choose(world, (), Wanted(platforms=(AMD64,), everything=True, only=("3.13-slim-trixie",)))
    assert [spec for spec, _ in chosen.named] == ["3.13.15-slim-trixie"]
    with pytest.raises(UsageError, match="matches no image"):
        choose(world, (), Wanted(platforms=(AMD64,), everything=True, only=("nothing",)))
    with pytest.raises(UsageError, match="--all takes every image"):
        choose(world, ("3.13",), Wanted(everything=True))


def test_what_is_left_out_is_said_once_for_each_reason() -> None:
    said: list[Event] = []
    warn_of([LeftOut(name, "linux/386", "no such suite") for name in ("a", "b", "c")], said.append)
    assert said == [Warned("a linux/386 and 2 more left out: no such suite")]


def test_one_file_holds_one_image(tmp_path: Path) -> None:
    file = BuildOptions(output=tmp_path / "x.tar")
    one, two = [definition("3.13-slim")], [definition("3.13-slim"), definition("3.13")]
    refuse_output(one, file)
    with pytest.raises(UsageError, match="is one file, and these are 2 images"):
        refuse_output(two, file)
    refuse_output(two, replace(file, format=ArchiveFormat.OCI_DIR))
    refuse_output(two, replace(file, separate=True))
    refuse_output(two, BuildOptions(output=tmp_path))
    assert is_directory(BuildOptions(output=tmp_path))
    (tmp_path / "x.tar").touch()
    with pytest.raises(UsageError, match="in the way"):
        refuse_output(one, replace(file, separate=True))
    assert file_name(IMAGE) == "3.13.15-slim-trixie.linux-amd64.tar"


def test_one_image_for_several_platforms_is_one_but_for_docker(tmp_path: Path) -> None:
    file = BuildOptions(output=tmp_path / "x.tar")
    both = [definition("3.13-slim"), definition("3.13-slim", platform="arm64")]
    refuse_output(both, file)
    with pytest.raises(UsageError, match="is one file, and these are 2 images"):
        refuse_output(both, replace(file, format=ArchiveFormat.DOCKER_ARCHIVE))


def test_memory_is_what_the_machine_has_free_and_the_cgroups_allow(tmp_path: Path) -> None:
    proc, groups = tmp_path / "proc", tmp_path / "cgroup"
    assert available_memory(proc, groups) > 1 << 60
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 9000 kB\nMemAvailable:    2000 kB\n")
    assert available_memory(proc, groups) == int(0.9 * 2000 * 1024)
    (proc / "self/cgroup").write_text("0::/outer/inner\n")
    for place, limit in (("outer", "1000000"), ("outer/inner", "max")):
        (groups / place).mkdir(parents=True, exist_ok=True)
        (groups / place / "memory.max").write_text(limit)
        (groups / place / "memory.current").write_text("400000")
    assert available_memory(proc, groups) == int(0.9 * 600_000)


def definitions() -> list[ImageDefinition]:
    names = ("3.13-slim-trixie", "3.12-slim-trixie", "3.13-slim-bookworm")
    return [resolve(name, shipped_catalog(), resolve_settings(), AMD64) for name in names]


def locking(
    bad: dict[str, ImagewrightError], asked: list[list[str]]
) -> Callable[[Sequence[ImageDefinition]], Lock]:
    def attempt(some: Sequence[ImageDefinition]) -> Lock:
        names = [str(item.name) for item in some]
        asked.append(names)
        for name in names:
            if name in bad:
                raise bad[name]
        return Lock()

    return attempt


def test_an_image_that_does_not_go_together_is_locked_out_alone() -> None:
    asked: list[list[str]] = []
    wanted = definitions()
    second = str(wanted[1].name)
    lock, failures = _each(wanted, locking({second: SolveError("no")}, asked))
    assert lock == Lock()
    assert list(failures) == [1]
    assert [len(names) for names in asked] == [3, 2, 1, 1, 1]


def test_an_archive_that_is_not_there_takes_its_images_at_once() -> None:
    asked: list[list[str]] = []
    wanted = definitions()
    _, failures = _each(wanted, locking({str(wanted[0].name): FetchError("gone")}, asked))
    assert sorted(failures) == [0, 1]
    assert [len(names) for names in asked] == [3, 2, 1]


def test_where_nothing_can_be_locked_the_error_is_raised() -> None:
    wanted = definitions()
    bad = {str(item.name): VerificationError("not signed") for item in wanted}
    with pytest.raises(VerificationError, match="not signed"):
        _each(wanted, locking(bad, []))


PACKAGES = [
    LockedPackage(name, "1", "amd64", name, "1", 1, Digest.of(name.encode()), f"pool/{name}.deb", "trixie")
    for name in ("one", "other")
]


def root(package: LockedPackage) -> Step:
    work = RootWork("trixie", "amd64", (package,), (), (), (), layered=True)
    return Step(Digest.of(b"step" + package.name.encode()), StepKind.BASE, f"base {package.name}", work)


ONE, OTHER = map(root, PACKAGES)


def test_a_file_that_is_not_to_be_had_stops_only_what_reads_it() -> None:
    failures: dict[Digest, ImagewrightError] = {PACKAGES[0].sha256: FetchError("cannot fetch one")}
    refused = refused_steps([ONE, OTHER], failures)
    assert {step: str(error) for step, error in refused.items()} == {ONE.id: "cannot fetch one"}
    refuse_all(Selection({}, (ONE, OTHER), (ONE.id, OTHER.id)), refused, failures)
    with pytest.raises(FetchError, match="cannot fetch one"):
        refuse_all(Selection({}, (ONE, OTHER), (ONE.id,)), refused, failures)


def test_progress_counts_images_once_all_their_steps_are_there() -> None:
    said: list[Event] = []
    images = tuple(
        PlannedImage(step.name, "linux/amd64", (), (step.id,), step.id, step.id) for step in (ONE, OTHER)
    )
    plan = Plan((ONE, OTHER), images)
    selection = Selection({}, plan.steps, (ONE.id, OTHER.id))
    sink = follow_images(plan, selection, {}, said.append)
    sink(StepFinished(str(ONE.id), ONE.name, cached=False, seconds=1.0))
    sink(StepFailed(str(OTHER.id), OTHER.name, 1.0, ""))
    progress = [(event.done, event.failed) for event in said if isinstance(event, BuildProgress)]
    assert progress == [(0, 0), (1, 0), (1, 1)]
    alone = follow_images(Plan((ONE,), images[:1]), selection, {}, said.append)
    assert alone == said.append
