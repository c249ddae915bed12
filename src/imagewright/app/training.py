# SPDX-License-Identifier: Apache-2.0
"""Training: a profile made by running the interpreter's own tests, kept by content and named in the lock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.steps.python import train as run_training
from imagewright.errors import BuildError, MachineError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.lock import Lock, LockedProfile, Role
from imagewright.model.plan import Plan, PythonWork, Step, StepKind, StepRecord
from imagewright.model.ports import BlobStore
from imagewright.model.results import TrainedProfile
from imagewright.planning.locking import compiler_of
from imagewright.planning.steps import compilation
from imagewright.recipes.python import training_scripts

OUTPUT = "profile"


def training_plan(plan: Plan, definition: ImageDefinition, moment: int) -> tuple[Plan, Step]:
    """The part of a plan that training needs, with the training itself in place of the compile step.

    ``moment`` (seconds since the epoch) is part of the step's id: a training is never found done, because no two
    give the same counts.
    """
    python = next(step for step in plan.steps if step.kind is StepKind.PYTHON)
    work = python.work
    assert isinstance(work, PythonWork)
    wanted = compilation(replace(definition, profile=Profile.RELEASE), work.source, trained=False)
    scripts = training_scripts(wanted)
    step = Step(
        id=Digest.of(canonical_json(["train", python.id.hex, moment])),
        kind=StepKind.PYTHON,
        name=python.name.replace("python", "train", 1),
        work=replace(work, profile=None, scripts=scripts),
        needs=python.needs,
    )
    roots = {need for _, need in python.needs}
    return Plan((*(other for other in plan.steps if other.id in roots), step), ()), step


def training_runner(context: StepContext) -> Outcome:
    """Train; see :class:`imagewright.engine.context.StepRunner`."""
    return Outcome(((OUTPUT, run_training(context)),))


def locked_profile(definition: ImageDefinition, lock: Lock, record: StepRecord, blobs: BlobStore) -> LockedProfile:
    """How a lock names the profile that a training left."""
    suite, architecture = definition.name.suite, definition.platform.debian
    root = next(
        found
        for found in lock.sets
        if (found.role, found.suite, found.architecture) == (Role.BUILDROOT, suite, architecture)
        and found.key == definition.series
    )
    digest = record.output(OUTPUT)
    return LockedProfile(
        release=definition.name.release,
        suite=suite,
        architecture=architecture,
        flavour=definition.name.flavour.value,
        compiler=compiler_of(root),
        size=blobs.size(digest),
        sha256=digest,
        origin="store",
    )


def trained(profile: LockedProfile, record: StepRecord, blobs: BlobStore, output: Path | None) -> TrainedProfile:
    """What a person is told; a copy of the profile goes to ``output``. Raises :class:`MachineError`."""
    if profile.size == 0:
        raise BuildError("the training left an empty profile")
    if output is not None:
        try:
            output.write_bytes(blobs.path(profile.sha256).read_bytes())
        except OSError as error:
            raise MachineError(f"cannot write {output}", why=error.strerror or str(error)) from error
    return TrainedProfile(
        release=profile.release,
        suite=profile.suite,
        architecture=profile.architecture,
        flavour=profile.flavour,
        compiler=profile.compiler,
        sha256=profile.sha256,
        size=profile.size,
        seconds=record.seconds,
        path=output,
    )
