# SPDX-License-Identifier: Apache-2.0
"""Runs a plan: only what the wanted results lack, each step once, independent steps side by side.

Asking the index costs O(steps); nothing below a step that is already in the store is looked at.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from imagewright.engine.context import Outcome, StepContext, StepLog, StepRunner
from imagewright.errors import BuildError, ImagewrightError
from imagewright.events import Event, Sink, StepFailed, StepFinished, StepStarted
from imagewright.model.digest import Digest
from imagewright.model.plan import Plan, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.planning.inputs import FACT, dump_inputs

StepLock = Callable[[Digest], AbstractContextManager[None]]
"""Holds a step for this process, so that two builds on one store do not do the same work twice."""

Reason = Callable[[Step], str]
"""Says why a step must run."""

_LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Selection:
    """What a plan comes to on this store: records that are there, and steps to run, in order."""

    ready: Mapping[Digest, StepRecord]
    missing: tuple[Step, ...]


def select(plan: Plan, targets: Iterable[Digest], ports: Ports) -> Selection:
    """Which steps must run so that every target has a record: those reachable without crossing a record."""
    by_id = {step.id: step for step in plan.steps}
    ready: dict[Digest, StepRecord] = {}
    wanted: set[Digest] = set()
    todo = list(targets)
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
    return Selection(ready, tuple(step for step in plan.steps if step.id in wanted))


def find(step: Step, ports: Ports) -> StepRecord | None:
    """What the step left, if it can be used: a build root is nothing but its tree, which may be gone."""
    record = ports.steps.get(step.id)
    if record is not None and step.kind is StepKind.BUILDROOT and ports.trees.get(step.id) is None:
        return None
    return record


class Executor:
    """Runs the missing steps of a plan with one runner per kind of step."""

    def __init__(
        self,
        ports: Ports,
        runners: Mapping[StepKind, StepRunner],
        *,
        logs: Path,
        failed: Path | None,
        jobs: int,
        sink: Sink,
        hold: StepLock,
        reason: Reason,
    ) -> None:
        self._ports = ports
        self._runners = runners
        self._logs = logs
        self._failed = failed
        self._jobs = jobs
        self._sink = sink
        self._hold = hold
        self._reason = reason

    def run(self, plan: Plan, selection: Selection) -> dict[Digest, StepRecord]:
        """Run what is missing; the records of everything ready and done. The first failure is raised, after
        the steps that were already running have ended; nothing new is started."""
        done = dict(selection.ready)
        for step in plan.steps:
            if step.id in done:
                self._sink(StepFinished(str(step.id), step.name, cached=True, seconds=0.0))
        waiting = {step.id: step for step in selection.missing}
        running: dict[Future[StepRecord], Step] = {}
        failures: list[BaseException] = []
        with ThreadPoolExecutor(max_workers=max(2, self._jobs), thread_name_prefix="step") as pool:
            try:
                while (waiting and not failures) or running:
                    self._start(pool, waiting, running, done)
                    failures += self._collect(running, done)
                    if failures:
                        waiting.clear()
            except BaseException:  # Ctrl-C: nothing of what runs is worth waiting for
                self._ports.sandbox.stop()
                raise
        if failures:
            raise failures[0]
        return done

    def _start(
        self,
        pool: ThreadPoolExecutor,
        waiting: dict[Digest, Step],
        running: dict[Future[StepRecord], Step],
        done: Mapping[Digest, StepRecord],
    ) -> None:
        """Start every waiting step whose needs are met."""
        for step in [step for step in waiting.values() if all(need in done for _, need in step.needs)]:
            del waiting[step.id]
            needs = {role: done[need] for role, need in step.needs}
            running[pool.submit(self._run_step, step, needs)] = step

    def _collect(
        self, running: dict[Future[StepRecord], Step], done: dict[Digest, StepRecord]
    ) -> list[BaseException]:
        """Wait until something ends; what went wrong, if anything did."""
        failures = []
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            step = running.pop(future)
            error = future.exception()
            if error is None:
                done[step.id] = future.result()
            else:
                failures.append(error)
        return failures

    def _run_step(self, step: Step, needs: Mapping[str, StepRecord]) -> StepRecord:
        with self._hold(step.id):
            already = find(step, self._ports)
            if already is not None:
                self._emit(StepFinished(str(step.id), step.name, cached=True, seconds=0.0))
                return already
            return self._run_held(step, needs)

    def _run_held(self, step: Step, needs: Mapping[str, StepRecord]) -> StepRecord:
        clock = self._ports.clock
        started = clock.monotonic()
        self._emit(StepStarted(str(step.id), step.name, self._reason(step)))
        path = self._logs / f"{step.kind}-{step.id.short}.log"
        with path.open("wb") as file, self._ports.trees.workspace(f"{step.kind}-{step.id.short}") as workspace:
            log = StepLog(step, path, file, self._sink)
            context = StepContext(step, needs, self._ports, workspace, log, self._jobs)
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
