# SPDX-License-Identifier: Apache-2.0
"""From specifications to images in the store: lock, plan, fetch, run, check, write out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property

from imagewright.app.locks import changes, ensure_locked, load_lock, refresh, save_lock
from imagewright.app.steps import make_ports, make_runners
from imagewright.app.world import World
from imagewright.catalog.resolve import resolve
from imagewright.checks.selection import check_names
from imagewright.checks.suite import revision
from imagewright.engine.context import StepRunner
from imagewright.engine.executor import Executor, find, select
from imagewright.events import PlanReady, Sink
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.options import BuildOptions, LockOptions, RunOptions, TrainOptions
from imagewright.model.options import Selection as Wanted
from imagewright.model.plan import Plan, PlannedImage, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.model.results import (
    BuiltImage,
    BuiltLayer,
    BuiltStep,
    CheckResult,
    LockChanges,
    PlanView,
    TrainedProfile,
)
from imagewright.planning.explain import latest_records, plan_view, reason_of
from imagewright.planning.steps import PlanOptions, make_plan
from imagewright.store.images import StoredImage
from imagewright.store.store import Store


class Builder:
    """One use case on one open store."""

    def __init__(self, world: World, store: Store, sink: Sink) -> None:
        self._world = world
        self._store = store
        self._sink = sink

    @cached_property
    def _ports(self) -> Ports:
        return make_ports(self._world, self._store)

    def define(self, specs: Iterable[str], wanted: Wanted) -> tuple[tuple[str, ImageDefinition], ...]:
        """What each specification names on each platform, in order."""
        settings = self._world.settings(wanted)
        return tuple(
            (spec, resolve(spec, self._world.catalog, settings, platform))
            for spec in specs
            for platform in self._world.platforms(wanted)
        )

    def build(self, specs: tuple[str, ...], options: BuildOptions) -> tuple[BuiltImage, ...]:
        """Build images, check them, and write them out."""
        named = self.define(specs, options.selection)
        definitions = [definition for _, definition in named]
        lock = ensure_locked(self._world, self._store, self._ports, definitions, self._sink)
        plan = self._plan(definitions, lock)
        # The image as well as its check: a store may still remember the check of an image that it has forgotten.
        targets = [step for image in plan.images for step in (image.image, image.check)]
        records, ran = self._execute(plan, lock, targets, keep_failed=options.keep_failed)
        images = tuple(
            self._built(spec, definition, planned, records, ran, plan)
            for (spec, definition), planned in zip(named, plan.images, strict=True)
        )
        for image in images:
            self._remember(image)
        return self._write_out(images, options)

    def view(self, specs: tuple[str, ...], wanted: Wanted) -> PlanView:
        """What a build would do."""
        definitions = [definition for _, definition in self.define(specs, wanted)]
        lock = ensure_locked(self._world, self._store, self._ports, definitions, self._sink)
        plan = self._plan(definitions, lock)
        by_id = {step.id: step for step in plan.steps}
        return plan_view(
            plan,
            lambda step: find(by_id[step], self._ports),
            latest_records(record for record, _ in self._store.steps.all()),
            self._store.blobs.has,
        )

    def relock(self, specs: tuple[str, ...], options: LockOptions) -> LockChanges:
        """Lock anew what the specifications name."""
        definitions = tuple(definition for _, definition in self.define(specs, options.selection))
        before = load_lock(self._world.lock_path)
        after = refresh(
            self._world, self._store, self._ports, definitions, before, self._sink, toolchain=options.toolchain
        )
        save_lock(self._world, after)
        return changes(self._world.lock_path, before, after)

    def check(self, spec: str, wanted: Wanted) -> tuple[CheckResult, ...]:
        """Build the image if need be, then run its checks again."""
        from imagewright.app.checking import run_again

        records, _, check = self._image_of(spec, wanted)
        return run_again(check, records, self._ports, self._sink, self._world.jobs)

    def run(self, spec: str, argv: tuple[str, ...], options: RunOptions) -> int:
        """Run a command in an image, built first if need be."""
        from imagewright.app.running import run_command

        records, image, check = self._image_of(spec, options.selection)
        needs = {role: records[need] for role, need in check.needs}
        return run_command(image, records, needs, argv, options, self._ports)

    def train(self, spec: str, options: TrainOptions) -> TrainedProfile:
        """Train a profile, keep it and name it in the lock."""
        from imagewright.app import training
        from imagewright.planning.locking import with_profile

        definition = self.define((spec,), options.selection)[0][1]
        lock = ensure_locked(self._world, self._store, self._ports, [definition], self._sink)
        moment = int(self._world.clock.now().timestamp())
        plan, step = training.training_plan(self._plan([definition], lock), definition, moment)
        runners = {StepKind.PYTHON: training.training_runner}
        records, _ = self._execute(plan, lock, [step.id], keep_failed=False, runners=runners)
        record = records[step.id]
        profile = training.locked_profile(definition, lock, record, self._store.blobs)
        save_lock(self._world, with_profile(lock, profile))
        return training.trained(profile, record, self._store.blobs, options.output)

    def _image_of(self, spec: str, wanted: Wanted) -> tuple[Mapping[Digest, StepRecord], Step, Step]:
        """Records of everything that an image and its check need, built if need be; both steps."""
        definitions = [definition for _, definition in self.define((spec,), wanted)]
        lock = ensure_locked(self._world, self._store, self._ports, definitions, self._sink)
        plan = self._plan(definitions, lock)
        image = plan.images[0]
        by_id = {step.id: step for step in plan.steps}
        check = by_id[image.check]
        records, _ = self._execute(plan, lock, [need for _, need in check.needs], keep_failed=False)
        return records, by_id[image.image], check

    def _plan(self, definitions: Iterable[ImageDefinition], lock: Lock) -> Plan:
        settings = self._world.settings()
        return make_plan(
            definitions,
            lock,
            self._world.catalog,
            PlanOptions(
                checks=check_names,
                check_revision=revision(),
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
        runners: Mapping[StepKind, StepRunner] | None = None,
    ) -> tuple[Mapping[Digest, StepRecord], frozenset[Digest]]:
        """Bring every target into the store; all records, and which steps ran."""
        wanted = tuple(targets)
        selection = select(plan, wanted, self._ports)
        names = tuple(step.name for step in plan.steps)
        self._sink(PlanReady(names, len(plan.steps) - len(selection.missing)))
        if not selection.missing:
            return self._complete(plan, selection.ready), frozenset()
        from imagewright.app.archives import fetch_inputs

        fetch_inputs(self._world, self._store, self._ports, selection.missing, lock, self._sink)
        done = self._executor(runners or {}, keep_failed=keep_failed).run(plan, selection)
        return self._complete(plan, done), frozenset(step.id for step in selection.missing)

    def _executor(self, runners: Mapping[StepKind, StepRunner], *, keep_failed: bool) -> Executor:
        previous = latest_records(record for record, _ in self._store.steps.all())
        logs = self._store.layout.logs
        return Executor(
            self._ports,
            {**make_runners(self._sink), **runners},
            logs=logs,
            failed=logs if keep_failed else None,
            jobs=self._world.jobs,
            sink=self._sink,
            hold=self._store.locks.step,
            reason=lambda step: reason_of(step, previous),
        )

    def _complete(self, plan: Plan, done: Mapping[Digest, StepRecord]) -> Mapping[Digest, StepRecord]:
        """The records of the whole plan, as far as there are any: results name every step."""
        others = {step.id: self._store.steps.get(step.id) for step in plan.steps if step.id not in done}
        return {**done, **{step: record for step, record in others.items() if record is not None}}

    def _built(
        self,
        spec: str,
        definition: ImageDefinition,
        planned: PlannedImage,
        records: Mapping[Digest, StepRecord],
        ran: frozenset[Digest],
        plan: Plan,
    ) -> BuiltImage:
        record = records[planned.image]
        names = {step.id: step.name for step in plan.steps}
        facts = dict(record.facts)
        layers = tuple(
            BuiltLayer(digest, int(facts[f"{name}.size"]), facts[f"{name}.step"])
            for name, digest in sorted(record.outputs)
            if name.startswith("layer")
        )
        steps = tuple(
            BuiltStep(names[step], step, step not in ran, records[step].seconds if step in ran else 0.0)
            for step in planned.steps
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
        )

    def _remember(self, image: BuiltImage) -> None:
        """Name the image in the store's index, unless it says so already."""
        known = self._store.images.get(image.image, image.platform)
        if known is not None and (known.manifest, known.tags) == (image.digest, image.tags):
            return
        finished = int(self._world.clock.now().timestamp())
        self._store.images.put(
            StoredImage(image.image, image.platform, image.digest, image.tags, image.size, finished)
        )

    def _write_out(self, images: tuple[BuiltImage, ...], options: BuildOptions) -> tuple[BuiltImage, ...]:
        if options.output is None:
            return images
        from imagewright.app.exporting import write_out

        write_out(images, self._store.blobs, options.output, options.format)
        if options.output.is_file():
            options.output.chmod(0o666 & ~self._world.umask)
        return tuple(replace(image, archive=options.output) for image in images)
