# SPDX-License-Identifier: Apache-2.0
"""What a plan comes to on a store: which steps are there, which will run, and why. Pure, given lookups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from imagewright.model.digest import Digest
from imagewright.model.plan import Plan, Step, StepKind, StepRecord
from imagewright.model.results import PlanImage, PlanInput, PlanStep, PlanView
from imagewright.planning.inputs import FACT, changed_inputs, step_inputs

_SHOWN = 3
"""Changed inputs named in one reason."""

Lookup = Callable[[Digest], StepRecord | None]
Previous = Callable[[StepKind, str], StepRecord | None]
Stored = Callable[[Digest], bool]


@dataclass(frozen=True, slots=True)
class Explanation:
    """One step: whether it is in the store, whether it will run, and why in words."""

    step: Step
    cached: bool
    runs: bool
    reason: str


def latest_records(records: Iterable[StepRecord]) -> Previous:
    """A lookup of the newest record of a kind and name."""
    newest: dict[tuple[StepKind, str], StepRecord] = {}
    for record in records:
        rival = newest.get((record.kind, record.name))
        if rival is None or rival.finished <= record.finished:
            newest[record.kind, record.name] = record
    return lambda kind, name: newest.get((kind, name))


def explain(plan: Plan, get: Lookup, previous: Previous = lambda _kind, _name: None) -> tuple[Explanation, ...]:
    """Every step of a plan, in its order.

    A step runs if it lies between an image that is wanted and what is in the store; others are not looked for
    further: what only a cached step needed is not needed.
    """
    by_id = {step.id: step for step in plan.steps}
    records: dict[Digest, StepRecord | None] = {}
    running: set[Digest] = set()
    todo = [image.check for image in plan.images]
    while todo:
        step_id = todo.pop()
        if step_id in records:
            continue
        records[step_id] = get(step_id)
        if records[step_id] is None:
            running.add(step_id)
            todo.extend(need for _, need in by_id[step_id].needs)
    found: list[Explanation] = []
    for step in plan.steps:
        record = records[step.id] if step.id in records else get(step.id)
        runs = step.id in running
        reason = (
            reason_of(step, previous) if runs else ("cached" if record else "not needed: what it serves is cached")
        )
        found.append(Explanation(step, record is not None, runs, reason))
    return tuple(found)


def reason_of(step: Step, previous: Previous) -> str:
    """Why a step that is not in the store must run."""
    before = previous(step.kind, step.name)
    if before is None:
        return "not built yet"
    changed = changed_inputs(dict(before.facts).get(FACT, ""), step)
    if not changed:
        return "a step it needs, its recipe or a setting changed"
    more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    return f"inputs changed: {', '.join(changed[:_SHOWN])}{more}"


def compiles(explanations: Iterable[Explanation]) -> int:
    """How many interpreters will be compiled."""
    return sum(found.runs and found.step.kind is StepKind.PYTHON for found in explanations)


def plan_view(plan: Plan, get: Lookup, previous: Previous, stored: Stored) -> PlanView:
    """The answer of ``imagewright plan``. ``stored`` says whether a blob is in the store."""
    explanations = explain(plan, get, previous)
    return PlanView(
        images=tuple(PlanImage(image.spec, image.tags, image.platform, image.steps) for image in plan.images),
        steps=tuple(_view(found, stored) for found in explanations),
        compiles=compiles(explanations),
        interpreters=sum(step.kind is StepKind.PYTHON for step in plan.steps),
    )


def _view(found: Explanation, stored: Stored) -> PlanStep:
    inputs = tuple(
        PlanInput(f"{one.name} {one.version}", one.digest, one.size, stored(one.digest))
        for one in step_inputs(found.step.work)
        if one.read
    )
    needs = tuple(need for _, need in found.step.needs)
    return PlanStep(found.step.id, found.step.name, found.cached, found.reason, inputs, needs)
