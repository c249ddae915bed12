# SPDX-License-Identifier: Apache-2.0
"""Which step begins next, and with how many processes. Pure: no clock, no threads, the same answers every time.

What has the longest way to the end before it goes first (critical path first, as in list scheduling: R. L. Graham,
"Bounds on multiprocessing timing anomalies", 1969). Three rules besides:

- Steps that last about as long as each other share the budget evenly, also with those that are about to begin, so
  that two compiles on two cores run one process each. A process that was granted is never taken back.
- A long step does not begin narrow because a short one still holds a core: it waits, and nothing overtakes it.
- What does not fit into memory may be overtaken, :data:`OVERTAKEN` times; then it is waited for.

A build has one worker, this machine. A simulation (:mod:`imagewright.engine.simulation`) may have several alike: a
step runs on one of them, the one with the most free processes, and the even share is that of one worker.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagewright.model.digest import Digest

OVERTAKEN = 16
"""How often a step that does not fit may see a less urgent one begin."""

_PATIENCE = 0.1
"""A step waits for another one to give way if that lasts at most this share of its own time."""

_TIE = 1e-9
"""Part of a time by which two that are the same may differ, for how each was calculated."""

_PEER = 0.5
"""A step shares the budget with those that last at least this share of its own time."""

_SPARE_FROM = 4
"""Processes in a budget from which a long step leaves one to the short ones that are ready."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a step takes: ``cores`` it can keep busy, ``memory`` in bytes, and ``per_job`` for each process."""

    cores: int
    memory: int
    per_job: int = 0

    def needs(self, jobs: int) -> int:
        """Bytes of memory with so many processes."""
        return self.memory + self.per_job * jobs


@dataclass(frozen=True, slots=True)
class Budget:
    """Processes and bytes of memory that all steps of one worker may take together."""

    jobs: int
    memory: int


@dataclass(frozen=True, slots=True)
class Task:
    """A step to schedule: what it waits for, what it takes, and how many ``seconds`` it is thought to last."""

    id: Digest
    needs: tuple[Digest, ...]
    load: Load
    seconds: float


@dataclass(frozen=True, slots=True)
class Grant:
    """A step may begin on a ``worker`` (from 0), with so many processes and so much memory (bytes)."""

    id: Digest
    jobs: int
    memory: int
    worker: int = 0


def remaining(tasks: Sequence[Task]) -> dict[Digest, float]:
    """Seconds from a task's beginning to the end of everything that waits for it; each task after its needs."""
    after: dict[Digest, float] = {}
    found: dict[Digest, float] = {}
    for task in reversed(tasks):
        found[task.id] = task.seconds + after.get(task.id, 0.0)
        for need in task.needs:
            after[need] = max(after.get(need, 0.0), found[task.id])
    return found


class Scheduler:
    """Hands out a budget. Its owner asks :meth:`start` after every change, and says what ended.

    ``tasks`` come in an order in which each is after all it needs; needs that are no tasks are met already.
    """

    def __init__(self, tasks: Sequence[Task], budget: Budget, workers: int = 1) -> None:
        self._budget = Budget(max(1, budget.jobs), budget.memory)
        self._workers = range(max(1, workers))
        self._tasks = {task.id: task for task in tasks}
        length = remaining(tasks)
        self._rank = {task.id: (-length[task.id], place) for place, task in enumerate(tasks)}
        self._open = {task.id: {need for need in task.needs if need in self._tasks} for task in tasks}
        self._waiting_for: dict[Digest, list[Digest]] = {}
        for task in tasks:
            for need in self._open[task.id]:
                self._waiting_for.setdefault(need, []).append(task.id)
        self._ready: list[Digest] = []
        self._overtaken: dict[Digest, int] = {}
        self._running: dict[Digest, Grant] = {}
        for task in tasks:
            if not self._open[task.id]:
                self._enter(task.id)

    @property
    def waiting(self) -> tuple[Digest, ...]:
        """What has not begun."""
        return tuple(self._open)

    @property
    def running(self) -> Mapping[Digest, Grant]:
        """What has begun and not ended."""
        return self._running

    def start(self) -> tuple[Grant, ...]:
        """What begins now, most urgent first. Empty only while something runs, or when nothing is left."""
        begun: list[Grant] = []
        passed: list[Digest] = []
        for step in tuple(self._ready):
            offers = self._offers(self._tasks[step])
            if not offers:
                break
            grant = next((grant for grant in offers if grant is not None), None)
            if grant is None:
                if self._overtaken.get(step, 0) >= OVERTAKEN:
                    break
                passed.append(step)
                continue
            self._begin(grant)
            begun.append(grant)
            for other in passed:
                self._overtaken[other] = self._overtaken.get(other, 0) + 1
                if self._overtaken[other] >= OVERTAKEN:
                    return tuple(begun)
        return tuple(begun)

    def finish(self, step: Digest) -> None:
        """A step is done: what it held is free, and what waited for it may begin."""
        self._running.pop(step)
        for waiting in self._waiting_for.get(step, ()):
            if waiting in self._open:
                self._open[waiting].discard(step)
                if not self._open[waiting]:
                    self._enter(waiting)

    def fail(self, step: Digest) -> None:
        """A step failed: what it held is free, and what waited for it never begins."""
        self._running.pop(step)

    def drop(self, steps: Iterable[Digest]) -> None:
        """Take out what has not begun."""
        gone = {step for step in steps if step in self._open}
        self._ready = [step for step in self._ready if step not in gone]
        for step in gone:
            del self._open[step]

    def _enter(self, step: Digest) -> None:
        insort(self._ready, step, key=self._rank.__getitem__)

    def _begin(self, grant: Grant) -> None:
        self._ready.remove(grant.id)
        del self._open[grant.id]
        self._running[grant.id] = grant

    def _on(self, worker: int) -> list[Grant]:
        """What runs on a worker."""
        return [grant for grant in self._running.values() if grant.worker == worker]

    def _free_jobs(self, worker: int) -> int:
        return self._budget.jobs - sum(grant.jobs for grant in self._on(worker))

    def _offers(self, task: Task) -> list[Grant | None]:
        """What each worker has for it that has processes, the freest first; ``None`` where it lacks memory."""
        share = self._share(task)
        freest = sorted(self._workers, key=self._free_jobs, reverse=True)
        offers = ((worker, self._jobs_for(task, share, worker)) for worker in freest)
        return [self._fitted(task, jobs, worker) for worker, jobs in offers if jobs]

    def _jobs_for(self, task: Task, share: int, worker: int) -> int:
        """How many processes it gets there now; 0 to wait for more."""
        free = self._free_jobs(worker)
        if free >= share:
            return share
        return 0 if free < 1 or self._worth_waiting(task, share - free, worker) else free

    def _share(self, task: Task) -> int:
        """An even part of the budget, among those that last as long."""
        near = [other for other in (*self._ready, *self._running, *self._soon()) if other != task.id]
        least = _PEER * task.seconds * (1 - _TIE)
        peers = 1 + sum(self._tasks[other].seconds >= least for other in near)
        spare = self._budget.jobs >= _SPARE_FROM and peers <= len(near)
        beside = -(-peers // len(self._workers))  # of those that last as long, on one worker
        return max(1, min(task.load.cores, (self._budget.jobs - spare) // beside))

    def _soon(self) -> list[Digest]:
        """What begins as soon as something that runs now has ended."""
        found = {step for running in self._running for step in self._waiting_for.get(running, ())}
        return [step for step in found if step in self._open and self._open[step].issubset(self._running)]

    def _worth_waiting(self, task: Task, lacking: int, worker: int) -> bool:
        """Whether steps that are short beside this one hold there what it lacks."""
        most = _PATIENCE * task.seconds * (1 + _TIE)
        short = (g for g in self._on(worker) if self._tasks[g.id].seconds <= most)
        return sum(grant.jobs for grant in short) >= lacking

    def _fitted(self, task: Task, jobs: int, worker: int) -> Grant | None:
        """A grant that fits into memory, with fewer processes if it must; what runs alone always fits."""
        beside = self._on(worker)
        free = self._budget.memory - sum(grant.memory for grant in beside)
        while jobs > 1 and task.load.needs(jobs) > free:
            jobs -= 1
        needed = task.load.needs(jobs)
        return Grant(task.id, jobs, needed, worker) if needed <= free or not beside else None
