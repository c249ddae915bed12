# SPDX-License-Identifier: Apache-2.0
"""What became of each image of a build: built, or why not."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TypeVar

from imagewright.engine.executor import Run
from imagewright.errors import ImagewrightError
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.plan import Plan, PlannedImage, StepRecord
from imagewright.model.results import BuiltImage, BuiltLayer, BuiltStep, FailedImage, Failure, LeftOut

_T = TypeVar("_T")


def outcome(
    named: tuple[str, ImageDefinition],
    planned: PlannedImage,
    run: Run,
    records: Mapping[Digest, StepRecord],
    plan: Plan,
) -> BuiltImage | FailedImage:
    """What became of one image; ``records`` are all that the store has of the plan."""
    spec, definition = named
    names = {step.id: step.name for step in plan.steps}
    cause = next((step for step in planned.steps if step in run.failures), None)
    stopped = next((run.skipped[step] for step in planned.steps if step in run.skipped), None)
    steps = tuple(
        BuiltStep(names[step], step, step not in run.ran, records[step].seconds if step in run.ran else 0.0)
        for step in planned.steps
        if step in records
    )
    if cause is not None:
        failure = failure_of(run.failures[cause], names[cause])
    elif stopped is not None:
        failure = _not_begun(run.failures[stopped], names[stopped])
    else:
        return _built(spec, definition, planned, records[planned.image], steps)
    return FailedImage(spec, planned.spec, planned.platform, planned.tags, failure, steps)


def not_locked(spec: str, definition: ImageDefinition, error: ImagewrightError) -> FailedImage:
    """An image whose packages could not even be chosen."""
    tags = (*definition.tags, *definition.shared_tags)
    return FailedImage(spec, str(definition.name), str(definition.platform), tags, failure_of(error, "lock"))


def as_left_out(image: FailedImage) -> LeftOut:
    """An image that a plan cannot hold, and why."""
    return LeftOut(image.image, image.platform, ": ".join(filter(None, (image.error.message, image.error.why))))


def without(items: Sequence[_T], places: Container[int]) -> list[_T]:
    """The items that are at no such place."""
    return [item for place, item in enumerate(items) if place not in places]


def failure_of(error: BaseException, step: str = "") -> Failure:
    """An error as a result; ``step`` is the name of the step that it ended."""
    if not isinstance(error, ImagewrightError):
        return Failure(
            1, "defect", "this is a defect in imagewright", f"{type(error).__name__}: {error}", step=step
        )
    log = str(error.details.get("log", ""))
    return Failure(error.code, error.kind, error.message, error.why, error.hint, step, log)


def _not_begun(error: BaseException, step: str) -> Failure:
    """Nothing is wrong with this image itself: ``--fail-fast`` stopped it."""
    return Failure(1, "skipped", "not built: another image failed first", f"{step}: {error}", step=step)


def _built(
    spec: str,
    definition: ImageDefinition,
    planned: PlannedImage,
    record: StepRecord,
    steps: tuple[BuiltStep, ...],
) -> BuiltImage:
    facts = dict(record.facts)
    layers = tuple(
        BuiltLayer(digest, int(facts[f"{name}.size"]), facts[f"{name}.step"])
        for name, digest in sorted(record.outputs)
        if name.startswith("layer")
    )
    return BuiltImage(
        spec=spec,
        image=planned.spec,
        platform=planned.platform,
        digest=record.output("manifest"),
        config_digest=record.output("config"),
        size=int(facts["size"]),
        layers=layers,
        tags=planned.tags,
        steps=steps,
        profile=definition.profile.value,
        repository=definition.repository,
        created=int(facts["created"]),
    )
