# SPDX-License-Identifier: Apache-2.0
"""From specifications to images in the store: lock, plan, fetch, run, check, write out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from imagewright.app import exporting
from imagewright.app.choosing import choose, warn_of
from imagewright.app.following import follow_images
from imagewright.app.locks import (
    change_lock,
    changes,
    ensure_each,
    ensure_locked,
    load_lock,
    refresh_each,
    save_lock,
)
from imagewright.app.machine import available_memory
from imagewright.app.naming import remember
from imagewright.app.outcomes import as_left_out, failure_of, not_locked, outcome, without
from imagewright.app.sharing import Sharing, make_sharing
from imagewright.app.statuses import (
    CHECKED_AGAIN,
    forget_failure,
    key_of,
    note_failure,
    noting_failures,
    told_of,
)
from imagewright.app.steps import make_ports, make_runners
from imagewright.app.timekeeping import remembered_times
from imagewright.app.untrained import warn_untrained
from imagewright.app.world import World
from imagewright.catalog.shipped import shipped_speeds
from imagewright.checks.selection import check_names, told
from imagewright.checks.suite import revision
from imagewright.describe.status import Key
from imagewright.engine.context import StepRunner
from imagewright.engine.executor import Executor, Run, find, select
from imagewright.engine.scheduling import Budget
from imagewright.errors import ImmutableTagError
from imagewright.events import Sink
from imagewright.events.building import PlanReady
from imagewright.model.digest import Digest
from imagewright.model.images import Foreign, ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.options import BuildOptions, CacheOptions, LockOptions, RunOptions, TrainOptions
from imagewright.model.options import Selection as Wanted
from imagewright.model.plan import Plan, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.model.results import (
    BuildReport,
    BuiltImage,
    CheckResult,
    FailedImage,
    LockChanges,
    PlanView,
    TrainedProfile,
)
from imagewright.planning.explain import Explanation, explain, latest_records, plan_view, reason_of
from imagewright.planning.steps import PlanOptions, make_plan
from imagewright.store.store import Store


class Builder:
    """One use case on one open store."""

    def __init__(self, world: World, store: Store, sink: Sink, cache: CacheOptions | None = None) -> None:
        self._world = world
        self._store = store
        self._sink = sink
        self._cache_options = cache or CacheOptions()

    @cached_property
    def _ports(self) -> Ports:
        return make_ports(self._world, self._store)

    @cached_property
    def _shared(self) -> Sharing:
        """The cache that machines share, if there is one."""
        return make_sharing(self._world, self._store, self._cache_options, self._sink)

    def build(self, specs: tuple[str, ...], options: BuildOptions) -> BuildReport:
        """Build images, check them, and write them out. What fails does not keep the others from being built.

        Where a single image was asked for, or nothing could begin, its error is raised.
        """
        clock = self._world.clock
        begun = clock.monotonic()
        chosen = choose(self._world, specs, options.selection)
        warn_of(chosen.left_out, self._sink)
        exporting.refuse_output(chosen.definitions, options)
        with noting_failures(self._store, clock, chosen.definitions):
            lock, unlocked = ensure_each(self._world, self._store, self._ports, chosen.definitions, self._sink)
            named = without(chosen.named, unlocked)
            definitions = [definition for _, definition in named]
            plan = self._plan(definitions, lock)
            warn_untrained(plan, definitions, self._ports, self._sink)
            # The image as well as its check: a store may remember the check of an image that it has forgotten.
            targets = [step for image in plan.images for step in (image.image, image.check)]
            run = self._execute(plan, lock, targets, keep_failed=options.keep_failed, fail_fast=options.fail_fast)
        records = self._complete(plan, run.records)
        self._shared.keep(plan, records.values())
        self._note_failures(plan, run)
        for place, error in unlocked.items():
            self._note(key_of(chosen.definitions[place]), f"lock: {told_of(error)}")
        if len(chosen.named) == 1:
            run.raise_first()
        planned = iter(zip(named, plan.images, strict=True))
        images = self._write_out(
            [
                not_locked(spec, definition, unlocked[place])
                if place in unlocked
                else outcome(*next(planned), run, records, plan)
                for place, (spec, definition) in enumerate(chosen.named)
            ],
            options,
        )
        pythons = {step.id for step in plan.steps if step.kind is StepKind.PYTHON}
        return BuildReport(
            images, clock.monotonic() - begun, len(pythons & run.ran), len(pythons), chosen.left_out
        )

    def _note_failures(self, plan: Plan, run: Run) -> None:
        """Remember, for ``imagewright status``, which images failed, and which do no longer."""
        names = {step.id: step.name for step in plan.steps}
        for image in plan.images:
            key = (image.spec, image.platform)
            cause = next((step for step in image.steps if step in run.failures), None)
            if cause is not None:
                self._note(key, f"{names[cause]}: {told_of(run.failures[cause])}")
            elif image.check in run.records:
                forget_failure(self._store, key, checked=image.check in run.ran)

    def _note(self, key: Key, what: str) -> None:
        note_failure(self._store, key, int(self._world.clock.now().timestamp()), what)

    def view(self, specs: tuple[str, ...], wanted: Wanted) -> PlanView:
        """What a build would do."""
        return self.planned(specs, wanted)[1]

    def planned(self, specs: tuple[str, ...], wanted: Wanted) -> tuple[Plan, PlanView]:
        """The plan of a build, and what it would do."""
        chosen = choose(self._world, specs, wanted)
        lock, unlocked = ensure_each(self._world, self._store, self._ports, chosen.definitions, self._sink)
        plan = self._plan(without(chosen.definitions, unlocked), lock)
        by_id = {step.id: step for step in plan.steps}
        view = plan_view(
            plan,
            lambda step: find(by_id[step], self._ports),
            latest_records(record for record, _ in self._store.steps.all()),
            self._store.blobs.has,
        )
        lost = (not_locked(*chosen.named[place], error) for place, error in sorted(unlocked.items()))
        return plan, replace(view, left_out=(*chosen.left_out, *map(as_left_out, lost)))

    def running(self, plan: Plan) -> tuple[Step, ...]:
        """The steps of a plan that a build would run."""
        by_id = {step.id: step for step in plan.steps}
        return tuple(each.step for each in explain(plan, lambda one: find(by_id[one], self._ports)) if each.runs)

    def laid_out(self, specs: tuple[str, ...], wanted: Wanted) -> tuple[Plan, Lock, tuple[ImageDefinition, ...]]:
        """The plan of what is locked, its lock, and the definitions in the order of the plan's images."""
        chosen = choose(self._world, specs, wanted)
        lock, unlocked = ensure_each(self._world, self._store, self._ports, chosen.definitions, self._sink)
        definitions = tuple(without(chosen.definitions, unlocked))
        return self._plan(definitions, lock), lock, definitions

    def plan_of(self, definitions: Iterable[ImageDefinition], lock: Lock) -> Plan:
        """The plan from a lock, as a build would have it. Raises :class:`StaleLockError`."""
        return self._plan(definitions, lock)

    def bring(self, plan: Plan, lock: Lock, targets: Iterable[Digest]) -> Mapping[Digest, StepRecord]:
        """Have some steps of a plan done; the first failure is raised."""
        run = self._execute(plan, lock, targets, keep_failed=False)
        run.raise_first()
        return self._complete(plan, run.records)

    def explained(self, definitions: Iterable[ImageDefinition], lock: Lock) -> tuple[Explanation, ...]:
        """Each step of a build from a lock, and whether it would run."""
        plan = self._plan(definitions, lock)
        by_id = {step.id: step for step in plan.steps}
        return explain(plan, lambda step: find(by_id[step], self._ports))

    def relock(self, specs: tuple[str, ...], options: LockOptions) -> LockChanges:
        """Lock anew what the specifications name."""
        chosen = choose(self._world, specs, options.selection)
        warn_of(chosen.left_out, self._sink)
        before = load_lock(self._world.lock_path)
        after, unlocked = refresh_each(
            self._world,
            self._store,
            self._ports,
            chosen.definitions,
            before,
            self._sink,
            toolchain=options.toolchain,
        )
        save_lock(self._world, after, before=before)
        failed = tuple(not_locked(*chosen.named[place], error) for place, error in sorted(unlocked.items()))
        return replace(changes(self._world.lock_path, before, after), failed=failed)

    def check(self, specs: tuple[str, ...], wanted: Wanted) -> tuple[CheckResult, ...]:
        """Build the images if need be, then run their checks again. What fails does not keep the others from it.

        An image that could not be built has one result, which says why; where only one was asked for, the error is
        raised.
        """
        from imagewright.app.checking import not_checked, run_again

        chosen = choose(self._world, specs, wanted)
        warn_of(chosen.left_out, self._sink)
        lock, unlocked = ensure_each(self._world, self._store, self._ports, chosen.definitions, self._sink)
        plan, run = self._images_of(without(chosen.definitions, unlocked), lock)
        if len(chosen.definitions) == 1:
            run.raise_first()
        records = self._complete(plan, run.records)
        by_id = {step.id: step for step in plan.steps}
        planned = iter(plan.images)
        found: list[CheckResult] = []
        for place, definition in enumerate(chosen.definitions):
            if place in unlocked:
                found.append(not_checked(definition, unlocked[place]))
                continue
            image = next(planned)
            if error := run.cause(image.steps):
                found.append(not_checked(definition, error))
                continue
            results = run_again(by_id[image.check], records, self._ports, self._sink, self._world.jobs)
            self._note_checks((image.spec, image.platform), results)
            found += results
        return tuple(found)

    def _note_checks(self, key: tuple[str, str], results: Iterable[CheckResult]) -> None:
        """Remember a failure, or the record of an earlier check would go on vouching for the image."""
        failed = ", ".join(result.check for result in results if not result.passed)
        if failed:
            self._note(key, f"{CHECKED_AGAIN}: {failed}")
        else:
            forget_failure(self._store, key, checked=True)

    def run(self, spec: str, argv: tuple[str, ...], options: RunOptions) -> int:
        """Run a command in an image, built first if need be."""
        from imagewright.app.running import run_command

        definitions = choose(self._world, (spec,), options.selection).definitions
        lock = ensure_locked(self._world, self._store, self._ports, definitions, self._sink)
        plan, run = self._images_of(definitions, lock)
        run.raise_first()
        records = self._complete(plan, run.records)
        by_id = {step.id: step for step in plan.steps}
        image = plan.images[0]
        needs = {role: records[need] for role, need in by_id[image.check].needs}
        return run_command(by_id[image.image], records, needs, argv, options, self._ports)

    def train(self, spec: str, options: TrainOptions) -> TrainedProfile:
        """Train a profile, keep it and name it in the lock."""
        from imagewright.app import training
        from imagewright.planning.locking import with_profile

        # A training runs what it compiles.
        definition = self._single(spec, replace(options.selection, foreign=Foreign.EMULATED))
        lock = ensure_locked(self._world, self._store, self._ports, [definition], self._sink)
        moment = int(self._world.clock.now().timestamp())
        plan, step = training.training_plan(self._plan([definition], lock), definition, moment)
        runners = {StepKind.PYTHON: training.training_runner}
        run = self._execute(plan, lock, [step.id], keep_failed=False, runners=runners)
        run.raise_first()
        record = run.records[step.id]
        profile = training.locked_profile(definition, lock, record, self._store.blobs)
        # A training takes minutes, in which another command may have written the lock.
        change_lock(self._world, lambda latest: with_profile(latest or lock, profile))
        return training.trained(profile, record, self._store.blobs, options.output)

    def _single(self, spec: str, wanted: Wanted) -> ImageDefinition:
        return choose(self._world, (spec,), wanted).definitions[0]

    def _images_of(self, definitions: Sequence[ImageDefinition], lock: Lock) -> tuple[Plan, Run]:
        """Bring images, and what their checks need, into the store, unchecked, as far as nothing fails."""
        plan = self._plan(definitions, lock)
        checks = {image.check for image in plan.images}
        targets = [need for step in plan.steps if step.id in checks for _, need in step.needs]
        return plan, self._execute(plan, lock, targets, keep_failed=False)

    def _plan(self, definitions: Iterable[ImageDefinition], lock: Lock) -> Plan:
        settings = self._world.settings()
        return make_plan(
            definitions,
            lock,
            self._world.catalog,
            PlanOptions(
                checks=check_names,
                told=told,
                check_revision=revision(),
                speeds=shipped_speeds(),
                image_sources={role: addresses[0] for role, addresses in settings.image_sources if addresses},
            ),
        )

    def _execute(
        self,
        plan: Plan,
        lock: Lock,
        targets: Iterable[Digest],
        *,
        keep_failed: bool,
        fail_fast: bool = False,
        runners: Mapping[StepKind, StepRunner] | None = None,
    ) -> Run:
        """Bring every target into the store, as far as nothing fails. Raises where nothing could even begin."""
        targets = tuple(targets)
        self._shared.bring(plan, targets, self._ports)
        selection = select(plan, targets, self._ports)
        names = tuple(step.name for step in plan.steps)
        self._sink(PlanReady(names, len(plan.steps) - len(selection.missing)))
        if not selection.missing:
            return Run(selection.ready)
        from imagewright.app.archives import fetch_inputs, refuse_all, refused_steps

        self._shared.bring_profiles(selection.missing)
        failures = fetch_inputs(self._world, self._store, self._ports, selection.missing, lock, self._sink)
        refused = refused_steps(selection.missing, failures)
        refuse_all(selection, refused, failures)
        follow = follow_images(plan, selection, refused, self._sink)
        executor = self._executor(runners or {}, follow, keep_failed=keep_failed)
        return executor.run(plan, selection, refused=refused, fail_fast=fail_fast)

    def _executor(self, runners: Mapping[StepKind, StepRunner], sink: Sink, *, keep_failed: bool) -> Executor:
        previous = latest_records(record for record, _ in self._store.steps.all())
        logs = self._store.layout.logs
        return Executor(
            self._ports,
            {**make_runners(sink), **runners},
            logs=logs,
            failed=logs if keep_failed else None,
            budget=Budget(self._world.jobs, available_memory()),
            sink=sink,
            hold=self._store.locks.step,
            reason=lambda step: reason_of(step, previous),
            times=remembered_times(self._store),
        )

    def _complete(self, plan: Plan, done: Mapping[Digest, StepRecord]) -> Mapping[Digest, StepRecord]:
        """The records of the whole plan, as far as there are any: results name every step."""
        others = {step.id: self._store.steps.get(step.id) for step in plan.steps if step.id not in done}
        return {**done, **{step: record for step, record in others.items() if record is not None}}

    def _name(self, image: BuiltImage, *, single: bool) -> BuiltImage | FailedImage:
        """Name the image in the store's index. One that must not have its tags fails alone."""
        try:
            return remember(self._world, self._store, image)
        except ImmutableTagError as error:
            if single:
                raise
            return FailedImage(image.spec, image.image, image.platform, image.tags, failure_of(error), image.steps)

    def _write_out(
        self, images: Sequence[BuiltImage | FailedImage], options: BuildOptions
    ) -> tuple[BuiltImage | FailedImage, ...]:
        single = len(images) == 1
        images = [self._name(image, single=single) if isinstance(image, BuiltImage) else image for image in images]
        if options.output is None:
            return tuple(images)
        return exporting.write_all(images, self._store.blobs, options, umask=self._world.umask)
