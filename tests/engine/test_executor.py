# SPDX-License-Identifier: Apache-2.0
"""Running a plan: only what lacks, each step once, failures told with everything a person needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.executor import Executor, Run, find, select
from imagewright.engine.scheduling import Budget
from imagewright.engine.timing import Guess
from imagewright.errors import BuildError
from imagewright.events import Event
from imagewright.events.building import StepFailed, StepFinished, StepOutput, StepPhase, StepStarted
from imagewright.model.digest import Digest
from imagewright.model.images import ImageConfiguration
from imagewright.model.plan import ImageWork, Plan, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.model.sandboxing import Output, PlainRoot, SandboxRequest, SandboxResult
from imagewright.model.schedules import Source
from support.fake_store import FakeBlobs, FakeClock, FakeSteps, FakeTrees

WORK = ImageWork("x", "linux/amd64", ImageConfiguration((), ()), 0, ())


@dataclass
class StubSandbox:
    """Answers with one status, after one line of output."""

    status: int = 0
    stopped: bool = False

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        output(b"::phase build\nhello\nwor")
        output(b"ld")
        return SandboxResult(self.status, 0.1, 1)

    def stop(self) -> None:
        self.stopped = True

    def replay(self, request: SandboxRequest) -> str:
        assert isinstance(request.root, PlainRoot)
        return f"replay {request.root.path}"


@dataclass
class Times:
    """Expects one second of every step, and remembers what it is told."""

    noted: list[tuple[str, float, int]] = field(default_factory=list)

    def expected(self, step: Step, jobs: int) -> Guess:
        return Guess(1.0, Source.ASSUMED)

    def note(self, step: Step, seconds: float, jobs: int) -> None:
        self.noted.append((step.name, seconds, jobs))


@dataclass
class House:
    """A plan's surroundings, and what happened."""

    ports: Ports
    directory: Path
    sandbox: StubSandbox
    events: list[Event] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    held: list[Digest] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    guard: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def hold(self, step: Digest) -> Iterator[None]:
        with self.guard:
            self.held.append(step)
        yield

    def runner(self, context: StepContext) -> Outcome:
        with self.guard:
            self.ran.append(context.step.name)
        text = "+".join([context.step.name, *(need.name for need in context.needs.values())])
        return Outcome((("layer", context.ports.blobs.put([text.encode()])),), (("text", text),))

    def failing(self, context: StepContext) -> Outcome:
        context.run(SandboxRequest(PlainRoot(context.workspace), ("/bin/false",)))
        raise AssertionError("a failed command must not be followed by anything")

    def executor(self, *, failing: StepKind | None = None, failed: Path | None = None) -> Executor:
        runners = {kind: self.failing if kind is failing else self.runner for kind in StepKind}
        return Executor(
            self.ports,
            runners,
            logs=self.directory,
            failed=failed,
            budget=Budget(2, 1 << 40),
            sink=self.events.append,
            hold=self.hold,
            reason=lambda step: f"{step.name} was not built yet",
            times=self.times,
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    sandbox = StubSandbox()
    for name in ("blobs", "trees", "logs"):
        (tmp_path / name).mkdir()
    blobs = FakeBlobs(tmp_path / "blobs")
    ports = Ports(
        clock=FakeClock(),
        fetcher=None,  # type: ignore[arg-type] # no step may fetch
        blobs=blobs,
        steps=FakeSteps(blobs),
        trees=FakeTrees(tmp_path / "trees"),
        sandbox=sandbox,
    )
    return House(ports, tmp_path / "logs", sandbox)


def step(name: str, *needs: Step, kind: StepKind = StepKind.IMAGE) -> Step:
    return Step(Digest.of(name.encode()), kind, name, WORK, tuple((need.name, need.id) for need in needs))


BASE = step("base", kind=StepKind.BASE)
ROOT = step("buildroot", kind=StepKind.BUILDROOT)
PYTHON = step("python", ROOT, kind=StepKind.PYTHON)
RUNTIME = step("runtime", BASE, PYTHON, kind=StepKind.RUNTIME)
IMAGE = step("image", BASE, PYTHON, RUNTIME)
PLAN = Plan((BASE, ROOT, PYTHON, RUNTIME, IMAGE), ())


def run(house: House, **options: object) -> dict[Digest, StepRecord]:
    ended = house.executor(**options).run(PLAN, select(PLAN, [IMAGE.id], house.ports))  # type: ignore[arg-type]
    ended.raise_first()
    return dict(ended.records)


def test_every_missing_step_runs_once_after_what_it_needs(house: House) -> None:
    records = run(house)
    assert sorted(house.ran) == ["base", "buildroot", "image", "python", "runtime"]
    for each in PLAN.steps:
        for name, _ in each.needs:
            assert house.ran.index(name) < house.ran.index(each.name)
    assert records[IMAGE.id].fact("text") == "image+base+python+runtime"
    assert set(house.held) == {each.id for each in PLAN.steps}
    started = [event for event in house.events if isinstance(event, StepStarted)]
    assert {event.reason for event in started} == {f"{each.name} was not built yet" for each in PLAN.steps}


def test_a_second_run_finds_everything(house: House) -> None:
    run(house)
    house.ran.clear()
    house.events.clear()
    assert IMAGE.id in run(house)
    assert house.ran == []
    assert [event.cached for event in house.events if isinstance(event, StepFinished)] == [True]


def test_nothing_below_a_record_is_looked_at(house: House) -> None:
    run(house)
    selection = select(PLAN, [IMAGE.id], house.ports)
    assert set(selection.ready) == {IMAGE.id}
    assert selection.missing == ()


def test_a_build_root_without_its_tree_does_not_count(house: House) -> None:
    house.ports.steps.put(StepRecord(ROOT.id, ROOT.kind, ROOT.name, (), (), 1.0, 1))
    assert find(ROOT, house.ports) is None
    with house.ports.trees.workspace("root") as workspace:
        (workspace / "tree").mkdir()
        house.ports.trees.adopt(workspace / "tree", ROOT.id)
    assert find(ROOT, house.ports) is not None


def test_a_failure_stops_the_rest_and_tells_where_to_look(house: House) -> None:
    house.sandbox.status = 2
    with pytest.raises(BuildError) as caught:
        run(house, failing=StepKind.PYTHON)
    assert "status 2" in caught.value.message
    assert caught.value.why == "its last words: world"
    assert "--keep-failed" in caught.value.hint
    log = Path(str(caught.value.details["log"]))
    assert log.read_bytes() == b"::phase build\nhello\nworld"
    assert "runtime" not in house.ran
    assert "image" not in house.ran
    assert house.ports.steps.get(PYTHON.id) is None
    assert any(isinstance(event, StepFailed) and event.log == str(log) for event in house.events)
    lines = [event.line for event in house.events if isinstance(event, StepOutput)]
    assert lines == ["hello", "world"]
    assert [event.phase for event in house.events if isinstance(event, StepPhase)] == ["build"]


def test_a_failed_root_is_kept_when_asked_for(house: House, tmp_path: Path) -> None:
    kept = tmp_path / "failed"
    kept.mkdir()
    house.sandbox.status = 139
    with pytest.raises(BuildError, match="signal 11") as caught:
        run(house, failing=StepKind.BASE, failed=kept)
    root = Path(str(caught.value.details["root"]))
    assert root.is_dir()
    assert root.parent == kept
    assert caught.value.details["replay"] == f"replay {root}"


def test_what_another_process_did_meanwhile_is_taken(house: House) -> None:
    selection = select(PLAN, [IMAGE.id], house.ports)
    run(house)
    house.ran.clear()
    house.executor().run(PLAN, selection)
    assert house.ran == ["buildroot"]  # the fake runner makes no tree, so the build root alone is made again


OTHER_PYTHON = step("other python", ROOT, kind=StepKind.PYTHON)
OTHER = step("other image", BASE, OTHER_PYTHON)
MANY = Plan((BASE, ROOT, PYTHON, OTHER_PYTHON, IMAGE_OF := step("image of it", PYTHON), OTHER), ())


def run_many(house: House, fail: frozenset[str], **options: Any) -> Run:
    """Run two images; the steps named in ``fail`` do."""

    def runner(context: StepContext) -> Outcome:
        if context.step.name in fail:
            raise BuildError(f"{context.step.name} broke")
        return house.runner(context)

    executor = house.executor()
    executor._runners = dict.fromkeys(StepKind, runner)
    return executor.run(MANY, select(MANY, [IMAGE_OF.id, OTHER.id], house.ports), **options)


def test_a_failure_takes_only_what_needs_it(house: House) -> None:
    ended = run_many(house, frozenset({"python"}))
    assert list(ended.failures) == [PYTHON.id]
    assert ended.skipped == {IMAGE_OF.id: PYTHON.id}
    assert OTHER.id in ended.records
    assert ended.ran == {BASE.id, ROOT.id, OTHER_PYTHON.id, OTHER.id}
    with pytest.raises(BuildError, match="python broke"):
        ended.raise_first()


def test_a_shared_step_takes_all(house: House) -> None:
    ended = run_many(house, frozenset({"buildroot"}))
    assert list(ended.failures) == [ROOT.id]
    assert set(ended.skipped) == {PYTHON.id, OTHER_PYTHON.id, IMAGE_OF.id, OTHER.id}


def test_what_is_refused_beforehand_never_begins(house: House) -> None:
    ended = run_many(house, frozenset(), refused={PYTHON.id: BuildError("no source")})
    assert "python" not in house.ran
    assert str(ended.failures[PYTHON.id]) == "no source"
    assert OTHER.id in ended.records


def test_fail_fast_begins_nothing_new(house: House) -> None:
    ended = run_many(house, frozenset({"buildroot", "base"}), fail_fast=True)
    assert set(house.ran) <= {"base", "buildroot"}
    assert not {IMAGE_OF.id, OTHER.id} & ended.records.keys()


def test_a_defect_of_one_step_is_a_failure_like_others(house: House) -> None:
    def runner(context: StepContext) -> Outcome:
        if context.step.name == "python":
            raise RuntimeError("never thought of")
        return house.runner(context)

    executor = house.executor()
    executor._runners = dict.fromkeys(StepKind, runner)
    ended = executor.run(MANY, select(MANY, [IMAGE_OF.id, OTHER.id], house.ports))
    assert isinstance(ended.failures[PYTHON.id], RuntimeError)
    assert OTHER.id in ended.records


def test_an_interruption_stops_everything_at_once(house: House) -> None:
    def runner(context: StepContext) -> Outcome:
        raise KeyboardInterrupt

    executor = house.executor()
    executor._runners = dict.fromkeys(StepKind, runner)
    with pytest.raises(KeyboardInterrupt):
        executor.run(MANY, select(MANY, [IMAGE_OF.id, OTHER.id], house.ports))
    assert house.sandbox.stopped


def test_steps_get_their_share_of_the_budget(house: House) -> None:
    seen: dict[str, int] = {}

    def runner(context: StepContext) -> Outcome:
        seen[context.step.name] = context.jobs
        return house.runner(context)

    executor = house.executor()
    executor._runners = dict.fromkeys(StepKind, runner)
    executor.run(MANY, select(MANY, [IMAGE_OF.id, OTHER.id], house.ports))
    assert seen["python"] == seen["other python"] == 1
