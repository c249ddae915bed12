# SPDX-License-Identifier: Apache-2.0
"""Runs a plan: only what the wanted results lack, each step once, independent steps side by side.

What fails takes with it what needs it, and nothing else (:mod:`imagewright.engine.fate`); what runs beside what
is :mod:`imagewright.engine.scheduling`'s to say.

Asking the index costs O(steps); nothing below a step that is already in the store is looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from imagewright.engine.context import Outcome, StepContext, StepLog, StepRunner
from imagewright.engine.fate import Fate
from imagewright.engine.loads import tasks_of
from imagewright.engine.scheduling import Budget, Scheduler
from imagewright.engine.timing import StepTimes
from imagewright.errors import BuildError, ImagewrightError
from imagewright.events import Event, Sink
from imagewright.events.building import StepFailed, StepFinished, StepStarted
from imagewright.model.digest import Digest
from imagewright.model.plan import ONLY_TREES, Plan, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.planning.inputs import FACT, dump_inputs

StepLock = Callable[[Digest], AbstractContextManager[None]]
"""Holds a step for this process, so that two builds on one store do not do the same work twice."""

Reason = Callable[[Step], str]
"""Says why a step must run."""

_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """What a plan comes to on a store: records that are there, steps to run, in order, and what for."""

    ready: Mapping[Digest, StepRecord]
    missing: tuple[Step, ...]
    targets: tuple[Digest, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a plan: all records there are, which steps ran, what failed, first things first.

    ``skipped`` are steps that were never begun, with the failed step they would have needed, or that stopped all.
    """

    records: Mapping[Digest, StepRecord]
    ran: frozenset[Digest] = frozenset()
    failures: Mapping[Digest, Exception] = field(default_factory=dict)
    skipped: Mapping[Digest, Digest] = field(default_factory=dict)

    def cause(self, steps: Iterable[Digest]) -> Exception | None:
        """Why there is no image of these steps; ``None`` if none of them failed or was left out."""
        for step in steps:
            failed = step if step in self.failures else self.skipped.get(step)
            if failed is not None:
                return self.failures[failed]
        return None

    def raise_first(self) -> None:
        """Raise the first failure, if there is one."""
        for error in self.failures.values():
            raise error


def select(plan: Plan, targets: Iterable[Digest], ports: Ports) -> Selection:
    """Which steps must run so that every target has a record: those reachable without crossing a record."""
    by_id = {step.id: step for step in plan.steps}
    ready: dict[Digest, StepRecord] = {}
    wanted: set[Digest] = set()
    asked = tuple(targets)
    todo = list(asked)
    while todo:
        step_id = todo.pop()
        if step_id in ready or step_id in wanted:
            continue
        record = find(by_id[step_id], ports)
        if record is not None:
            ready[step_id] = record
            continue
        wanted.add(step_id)
        todo.extend(need for _, need in by_id[step_id].needs)
    return Selection(ready, tuple(step for step in plan.steps if step.id in wanted), asked)


def find(step: Step, ports: Ports) -> StepRecord | None:
    """What the step left, if it can be used: some are nothing but their tree, which may be gone."""
    record = ports.steps.get(step.id)
    if record is not None and step.kind in ONLY_TREES and ports.trees.get(step.id) is None:
        return None
    return record


class Executor:
    """Runs the missing steps of a plan with one runner per kind of step, within a budget."""

    def __init__(
        self,
        ports: Ports,
        runners: Mapping[StepKind, StepRunner],
        *,
        logs: Path,
        failed: Path | None,
        budget: Budget,
        sink: Sink,
        hold: StepLock,
        reason: Reason,
        times: StepTimes,
    ) -> None:
        self._ports = ports
        self._runners = runners
        self._logs = logs
        self._failed = failed
        self._budget = budget
        self._sink = sink
        self._hold = hold
        self._reason = reason
        self._times = times

    def run(
        self,
        plan: Plan,
        selection: Selection,
        *,
        refused: Mapping[Digest, ImagewrightError] | None = None,
        fail_fast: bool = False,
    ) -> Run:
        """Run what is missing; what became of it.

        A step that failed, or that is ``refused`` beforehand, takes with it what needs it, and what only that
        needed; everything else goes on. With ``fail_fast`` nothing new begins after the first failure. Ctrl-C,
        and what is no ``Exception``, stops everything at once and is raised.
        """
        for step in plan.steps:
            if step.id in selection.ready:
                self._sink(StepFinished(str(step.id), step.name, cached=True, seconds=0.0))
        jobs = self._budget.jobs
        tasks = tasks_of(selection.missing, lambda step: self._times.expected(step, jobs).seconds)
        scheduler = Scheduler(tasks, self._budget)
        fate = Fate(selection.missing, selection.targets)
        done = dict(selection.ready)
        for step_id, error in (refused or {}).items():
            scheduler.drop(fate.fail(step_id, error, everything=fail_fast))
        by_id = {step.id: step for step in selection.missing}
        running: dict[Future[StepRecord], Digest] = {}
        with ThreadPoolExecutor(max_workers=max(1, self._budget.jobs), thread_name_prefix="step") as pool:
            try:
                while scheduler.waiting or running:
                    for grant in scheduler.start():
                        step = by_id[grant.id]
                        needs = {role: done[need] for role, need in step.needs}
                        running[pool.submit(self._run_step, step, needs, grant.jobs)] = grant.id
                    assert running, "something waits for what never begins"
                    for step_id, outcome in _ended(running):
                        if isinstance(outcome, StepRecord):
                            done[step_id] = outcome
                            scheduler.finish(step_id)
                        else:
                            scheduler.fail(step_id)
                            scheduler.drop(fate.fail(step_id, outcome, everything=fail_fast))
            except BaseException:  # Ctrl-C: nothing of what runs is worth waiting for
                self._ports.sandbox.stop()
                raise
        ran = frozenset(by_id) & done.keys()
        return Run(done, ran, fate.failures, {one: why for one, why in fate.skipped.items() if one not in done})

    def _run_step(self, step: Step, needs: Mapping[str, StepRecord], jobs: int) -> StepRecord:
        with self._hold(step.id):
            already = find(step, self._ports)
            if already is not None:
                self._emit(StepFinished(str(step.id), step.name, cached=True, seconds=0.0))
                return already
            return self._run_held(step, needs, jobs)

    def _run_held(self, step: Step, needs: Mapping[str, StepRecord], jobs: int) -> StepRecord:
        clock = self._ports.clock
        started = clock.monotonic()
        self._emit(StepStarted(str(step.id), step.name, self._reason(step)))
        path = self._logs / f"{step.kind}-{step.id.short}.log"
        with path.open("wb") as file, self._ports.trees.workspace(f"{step.kind}-{step.id.short}") as workspace:
            log = StepLog(step, path, file, self._sink)
            context = StepContext(step, needs, self._ports, workspace, log, jobs)
            try:
                outcome = self._runners[step.kind](context)
            except BaseException as error:
                log.close()
                self._emit(StepFailed(str(step.id), step.name, clock.monotonic() - started, str(path)))
                self._explain(step, log, error)
                self._keep(step, workspace, error)
                raise
            log.close()
        record = self._record(step, outcome, clock.monotonic() - started)
        self._ports.steps.put(record)
        self._times.note(step, record.seconds, jobs)
        self._emit(StepFinished(str(step.id), step.name, cached=False, seconds=record.seconds))
        return record

    def _record(self, step: Step, outcome: Outcome, seconds: float) -> StepRecord:
        return StepRecord(
            id=step.id,
            kind=step.kind,
            name=step.name,
            outputs=tuple(sorted(outcome.outputs)),
            facts=tuple(sorted((*outcome.facts, (FACT, dump_inputs(step))))),
            seconds=round(seconds, 3),
            finished=int(self._ports.clock.now().timestamp()),
        )

    def _explain(self, step: Step, log: StepLog, error: BaseException) -> None:
        """Where a command failed, its last words say why; the rest is in the log."""
        if not isinstance(error, ImagewrightError):
            return
        error.details.setdefault("log", str(log.path))
        if "status" in error.details and log.last:
            error.why = f"its last words: {log.last[:_LONGEST_REASON]}"
        if isinstance(error, BuildError) and not error.hint:
            keep = "" if self._failed else "; --keep-failed keeps its root for a look inside"
            error.hint = f"all of {step.name} is in {log.path}{keep}"

    def _keep(self, step: Step, workspace: Path, error: BaseException) -> None:
        """Leave the failed root for the person who asked for it, and say where it is."""
        if not isinstance(error, ImagewrightError) or self._failed is None:
            return
        kept = self._failed / f"{step.kind}-{step.id.short}"
        shutil.rmtree(kept, ignore_errors=True)
        workspace.rename(kept)
        workspace.mkdir()
        replay = str(error.details.get("replay", "")).replace(str(workspace), str(kept))
        error.details.update({"root": str(kept), "replay": replay})
        error.hint = f"its root is kept in {kept}; replay with: {replay}" if replay else f"kept in {kept}"

    def _emit(self, event: Event) -> None:
        self._sink(event)


def _ended(running: dict[Future[StepRecord], Digest]) -> list[tuple[Digest, StepRecord | Exception]]:
    """Wait until something ends; what it came to. Raises what is no ``Exception``."""
    ended: list[tuple[Digest, StepRecord | Exception]] = []
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        step_id = running.pop(future)
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        ended.append((step_id, future.result() if error is None else error))
    return ended
