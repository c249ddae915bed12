# SPDX-License-Identifier: Apache-2.0
"""Builds on paper: within the bounds of list scheduling, the same every time, and as the real scheduler has it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.engine.scheduling import Budget, Load, Scheduler, Task
from imagewright.engine.simulation import Placed, critical_path, forecast, simulate
from imagewright.engine.timing import Guess
from imagewright.model.digest import Digest
from imagewright.model.images import ImageConfiguration, RootKind
from imagewright.model.plan import ImageWork, RootWork, Step, StepKind
from imagewright.model.schedules import Source, Workers

ROOMY = 1 << 40
NARROW = Load(cores=1, memory=0)
WIDE = Load(cores=64, memory=0)


def name(word: object) -> Digest:
    return Digest.of(str(word).encode())


@st.composite
def graphs(draw: st.DrawFn, load: Load = NARROW) -> list[Task]:
    tasks: list[Task] = []
    for number in range(draw(st.integers(1, 16))):
        needs = draw(st.lists(st.sampled_from(tasks), unique=True, max_size=3)) if tasks else []
        seconds = draw(st.sampled_from([1.0, 2.0, 7.0, 40.0, 300.0]))
        tasks.append(Task(name(number), tuple(need.id for need in needs), load, seconds))
    return tasks


def lasting(tasks: list[Task]) -> Callable[[Digest, int], float]:
    """As long as is said, however many processes."""
    by_id = {task.id: task.seconds for task in tasks}
    return lambda step, jobs: by_id[step]


def amdahl(tasks: list[Task]) -> Callable[[Digest, int], float]:
    """Half of it is serial."""
    by_id = {task.id: task.seconds for task in tasks}
    return lambda step, jobs: by_id[step] * (0.5 + 0.5 / jobs)


def makespan(placed: tuple[Placed, ...]) -> float:
    return max(one.end for one in placed)


def longest(tasks: list[Task]) -> float:
    by_id = {task.id: task.seconds for task in tasks}
    return sum(by_id[step] for step in critical_path(tasks, by_id.__getitem__))


machines = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(graphs(), machines)
def test_the_wall_time_is_within_grahams_bounds(tasks: list[Task], machine: tuple[int, int]) -> None:
    """R. L. Graham, 1969: work / m at least, and at most work / m + (1 - 1 / m) of the longest chain."""
    workers, cores = machine
    m = workers * cores
    found = makespan(simulate(tasks, Budget(cores, ROOMY), lasting(tasks), workers=workers))
    work = sum(task.seconds for task in tasks)
    assert found >= max(longest(tasks), work / m) - 1e-6
    assert found <= work / m + (1 - 1 / m) * longest(tasks) + 1e-6
    assert found <= (2 - 1 / m) * max(longest(tasks), work / m) + 1e-6


@given(graphs(WIDE), machines)
def test_steps_of_any_width_keep_to_their_worker_and_their_order(
    tasks: list[Task], machine: tuple[int, int]
) -> None:
    workers, cores = machine
    placed = simulate(tasks, Budget(cores, ROOMY), amdahl(tasks), workers=workers)
    by_id = {one.grant.id: one for one in placed}
    assert sorted(by_id) == sorted(task.id for task in tasks)
    for task in tasks:
        assert all(by_id[need].end <= by_id[task.id].begin for need in task.needs)
    for one in placed:
        beside = [
            other.grant.jobs
            for other in placed
            if other.grant.worker == one.grant.worker and other.begin <= one.begin < other.end
        ]
        assert sum(beside) <= cores
        assert one.grant.worker < workers
    assert all(first.begin <= second.begin for first, second in pairwise(placed))
    alone = {task.id: amdahl(tasks)(task.id, cores) for task in tasks}
    least = sum(amdahl(tasks)(task.id, 1) for task in tasks) / (workers * cores)
    path = sum(alone[step] for step in critical_path(tasks, alone.__getitem__))
    assert max(path, least) - 1e-6 <= makespan(placed) <= sum(amdahl(tasks)(task.id, 1) for task in tasks) + 1e-6


@given(graphs(WIDE), machines)
def test_the_same_every_time(tasks: list[Task], machine: tuple[int, int]) -> None:
    workers, cores = machine
    first = simulate(tasks, Budget(cores, ROOMY), amdahl(tasks), workers=workers)
    assert first == simulate(tasks, Budget(cores, ROOMY), amdahl(tasks), workers=workers)


@given(graphs(WIDE), st.integers(1, 6))
def test_one_worker_is_what_the_real_scheduler_does(tasks: list[Task], cores: int) -> None:
    """Its owner asks after every end; the ends here come when the simulation says they do."""
    placed = simulate(tasks, Budget(cores, ROOMY), amdahl(tasks))
    scheduler = Scheduler(tasks, Budget(cores, ROOMY))
    begun: list[tuple[Digest, int]] = []
    for now in sorted({0.0, *(one.end for one in placed)}):
        for one in placed:
            if one.end == now:
                scheduler.finish(one.grant.id)
        begun += [(grant.id, grant.jobs) for grant in scheduler.start()]
    assert begun == [(one.grant.id, one.grant.jobs) for one in placed]
    assert not scheduler.waiting


@given(graphs(), machines, st.sampled_from([1.0, 1.5, 3.0]))
def test_slower_steps_make_no_bound_smaller(tasks: list[Task], machine: tuple[int, int], factor: float) -> None:
    """Facts are monotone, schedules are not: Graham's anomalies."""
    slower = [Task(task.id, task.needs, task.load, task.seconds * factor) for task in tasks]
    assert longest(slower) >= longest(tasks)
    assert longest(slower) == pytest.approx(longest(tasks) * factor)


@given(st.lists(st.floats(1, 100), min_size=1, max_size=8))
def test_enough_workers_do_everything_at_once(seconds: list[float]) -> None:
    tasks = [Task(name(number), (), WIDE, each) for number, each in enumerate(seconds)]
    placed = simulate(tasks, Budget(2, ROOMY), lasting(tasks), workers=len(tasks))
    assert makespan(placed) == max(seconds)
    assert {one.grant.worker for one in placed} == set(range(len(tasks)))
    assert {one.grant.jobs for one in placed} == {2}


def step(word: str, kind: StepKind, *needs: Step) -> Step:
    roles = tuple((need.name, need.id) for need in needs)
    root = RootWork("trixie", "amd64", (), (), (), (), layered=False, kind=RootKind.CONFIGURED)
    work = (
        root if kind is StepKind.BUILDROOT else ImageWork(word, "linux/amd64", ImageConfiguration((), ()), 0, ())
    )
    return Step(name(word), kind, word, work, roles)


ROOT = step("root", StepKind.BUILDROOT)
ONE, OTHER = step("one", StepKind.IMAGE, ROOT), step("other", StepKind.IMAGE, ROOT)


def hundred(each: Step, jobs: int) -> Guess:
    return Guess(10.0 if each is ROOT else 100.0, Source.RECORDED if each is ROOT else Source.ASSUMED)


def test_a_tree_that_does_not_travel_is_made_again_where_it_is_needed() -> None:
    found = forecast([ROOT, ONE, OTHER], hundred, Workers(2, 1, ROOMY))
    ends = {one.name: (one.worker, one.begin, one.end, one.again) for one in found.steps}
    assert ends["one"] == (0, 10.0, 110.0, ())
    assert ends["other"] == (1, 10.0, 120.0, (ROOT.id,))
    assert found.seconds == 120.0
    assert found.worker_hours == pytest.approx((110 + 120) / 3600)


def test_what_it_costs_and_how_sure_it_is() -> None:
    found = forecast([ROOT, ONE, OTHER], hundred, Workers(1, 2, ROOMY, price=0.5, currency="EUR"))
    assert found.seconds == 110.0
    assert found.cost == pytest.approx(0.5 * 110 / 3600)
    assert found.estimates == 2
    assert found.critical_path == (ROOT.id, ONE.id)
    assert (found.critical_seconds, found.bound) == (110.0, 110.0)
    assert found.utilisation == pytest.approx(1.0)
    assert [one.critical for one in found.steps] == [True, True, False]


def test_a_shared_cost_is_given_back_when_a_worker_has_nothing_left() -> None:
    short = step("short", StepKind.IMAGE)

    def lasts(each: Step, jobs: int) -> Guess:
        return Guess(3600.0 if each is ONE else 360.0, Source.SIMILAR)

    found = forecast([step("one", StepKind.IMAGE), short], lasts, Workers(4, 1, ROOMY, price=2.0))
    assert found.worker_hours == pytest.approx(0.2)
    assert found.cost == pytest.approx(0.4)


def test_nothing_to_do_takes_no_time() -> None:
    found = forecast([], hundred, Workers(2, 2, ROOMY, price=1.0))
    assert (found.seconds, found.utilisation, found.cost, found.steps) == (0.0, 0.0, 0.0, ())
