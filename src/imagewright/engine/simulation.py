# SPDX-License-Identifier: Apache-2.0
"""A build on paper: the real scheduler, with a clock that only counts what steps are expected to last.

Steps alone are simulated: neither fetching inputs nor moving results between workers takes time here.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagewright.engine.loads import load_of
from imagewright.engine.scheduling import Budget, Grant, Scheduler, Task
from imagewright.engine.timing import Guess
from imagewright.model.digest import Digest
from imagewright.model.plan import ONLY_TREES, Step
from imagewright.model.schedules import Schedule, ScheduledStep, Source, Workers

Duration = Callable[[Digest, int], float]
"""Seconds that a step lasts with so many processes; never more with more of them."""

Expected = Callable[[Step, int], Guess]

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Placed:
    """When and where a step ran; ``again`` is what had to be done again for it on that worker."""

    grant: Grant
    begin: float
    end: float
    again: tuple[Digest, ...] = ()


def simulate(
    tasks: Sequence[Task],
    budget: Budget,
    duration: Duration,
    *,
    workers: int = 1,
    local: frozenset[Digest] = frozenset(),
) -> tuple[Placed, ...]:
    """Run tasks on paper; in the order in which they begin. ``local`` results cannot leave their worker."""
    needs = {task.id: task.needs for task in tasks}
    scheduler = Scheduler(tasks, budget, workers)
    made: dict[int, set[Digest]] = {}
    placed: list[Placed] = []
    ends: list[tuple[float, int, Digest]] = []
    now = 0.0
    while scheduler.waiting or ends:
        for grant in scheduler.start():
            here = made.setdefault(grant.worker, set())
            again = tuple(_lacking(grant.id, needs, local - here))
            here.update(again, {grant.id} & local)
            end = now + sum(duration(step, grant.jobs) for step in (*again, grant.id))
            heapq.heappush(ends, (end, len(placed), grant.id))
            placed.append(Placed(grant, now, end, again))
        now = ends[0][0]
        while ends and ends[0][0] <= now:
            scheduler.finish(heapq.heappop(ends)[2])
    return tuple(placed)


def _lacking(step: Digest, needs: Mapping[Digest, tuple[Digest, ...]], absent: frozenset[Digest]) -> list[Digest]:
    """What a step needs, in order, of that which is not on its worker."""
    found: dict[Digest, None] = {}
    for need in needs[step]:
        if need in absent:
            found |= dict.fromkeys([*_lacking(need, needs, absent), need])
    return list(found)


def critical_path(tasks: Sequence[Task], seconds: Callable[[Digest], float]) -> tuple[Digest, ...]:
    """The chain of tasks that lasts longest; of several, the one whose tasks come first."""
    length: dict[Digest, float] = {}
    before: dict[Digest, Digest | None] = {}
    for task in tasks:
        known = [need for need in task.needs if need in length]
        last = max(known, key=length.__getitem__, default=None)
        before[task.id] = last
        length[task.id] = seconds(task.id) + (0.0 if last is None else length[last])
    at = max(length, key=length.__getitem__, default=None)
    found: list[Digest] = []
    while at is not None:
        found.append(at)
        at = before[at]
    return tuple(reversed(found))


def forecast(steps: Sequence[Step], expected: Expected, workers: Workers) -> Schedule:
    """What becomes of steps that are to run, on workers whose cores and memory are said."""
    by_id = {step.id: step for step in steps}
    wanted = by_id.keys()

    def duration(step: Digest, jobs: int) -> float:
        return expected(by_id[step], jobs).seconds

    def alone(step: Digest) -> float:
        return duration(step, workers.cores)

    tasks = [
        Task(step.id, tuple(need for _, need in step.needs if need in wanted), load_of(step), alone(step.id))
        for step in steps
    ]
    local = frozenset(step.id for step in steps if step.kind in ONLY_TREES)
    budget = Budget(workers.cores, workers.memory)
    placed = simulate(tasks, budget, duration, workers=workers.count, local=local)
    path = critical_path(tasks, alone)
    longest = sum(map(alone, path))
    # With more processes a step takes more processor time, never less: what it takes with one is the least.
    least = sum(duration(step.id, 1) for step in steps) / (workers.count * workers.cores)
    held = _held(placed) / _HOUR
    shown = tuple(_shown(by_id[one.grant.id], one, expected, frozenset(path)) for one in placed)
    seconds = max((one.end for one in placed), default=0.0)
    return Schedule(
        workers=workers.count,
        cores=workers.cores,
        memory=workers.memory,
        seconds=seconds,
        critical_seconds=longest,
        bound=max(longest, least),
        utilisation=_busy(placed) / (seconds * workers.count * workers.cores) if seconds else 0.0,
        worker_hours=held,
        cost=None if workers.price is None else held * workers.price,
        currency=workers.currency,
        estimates=sum(one.source is not Source.RECORDED for one in shown),
        critical_path=path,
        steps=shown,
    )


def _busy(placed: Iterable[Placed]) -> float:
    """Seconds of all cores together."""
    return sum(one.grant.jobs * (one.end - one.begin) for one in placed)


def _held(placed: Iterable[Placed]) -> float:
    """Seconds of all workers together, each from the beginning to the end of its last step."""
    last: dict[int, float] = {}
    for one in placed:
        last[one.grant.worker] = max(last.get(one.grant.worker, 0.0), one.end)
    return sum(last.values())


def _shown(step: Step, one: Placed, expected: Expected, path: frozenset[Digest]) -> ScheduledStep:
    return ScheduledStep(
        id=step.id,
        name=step.name,
        kind=step.kind.value,
        worker=one.grant.worker,
        begin=one.begin,
        end=one.end,
        jobs=one.grant.jobs,
        source=expected(step, one.grant.jobs).source,
        critical=step.id in path,
        again=one.again,
    )
