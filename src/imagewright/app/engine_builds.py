# SPDX-License-Identifier: Apache-2.0
"""``build --engine``: from the lock to images in the store, built by another engine and checked by us."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from imagewright.app import exporting
from imagewright.app.baking import bake_images
from imagewright.app.building import Builder
from imagewright.app.checking import refuse_failed, run_image_checks
from imagewright.app.choosing import choose
from imagewright.app.contexts import ContextWriter
from imagewright.app.dockerfiles import NAME, Printer
from imagewright.app.engines import Job, make_engine
from imagewright.app.locks import ensure_locked
from imagewright.app.naming import remember
from imagewright.app.steps import make_ports
from imagewright.app.world import World
from imagewright.emit.dockerfiles.bake import BakeStyle, Driver, bake_document
from imagewright.engine.flattening import flatten
from imagewright.errors import BuildError, UsageError
from imagewright.events import Sink
from imagewright.model.digest import Digest
from imagewright.model.dockerfiles import DockerfileOptions
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.options import BuildOptions, EngineName
from imagewright.model.plan import Plan, StepKind, StepRecord
from imagewright.model.results import BuildReport, BuiltImage, BuiltLayer, BuiltStep
from imagewright.oci.archive_source import ArchiveSource
from imagewright.oci.config import Config
from imagewright.oci.descriptor import Target
from imagewright.oci.manifest import Manifest
from imagewright.registry.pull import pull_from
from imagewright.store.store import Store

_WORKERS = 2


def build_with_engine(
    world: World, store: Store, specs: tuple[str, ...], options: BuildOptions, sink: Sink
) -> BuildReport:
    """Have images built; a failure of one is a failure of all, as the engine works on them together.

    Raises :class:`MachineError` where the engine is not there, :class:`BuildError` where it fails, and
    :class:`CheckError` where an image does not pass.
    """
    begun = world.clock.monotonic()
    chosen = choose(world, specs, options.selection)
    exporting.refuse_output(chosen.definitions, options)
    definitions = tuple(dict.fromkeys(chosen.definitions))
    if len({definition.platform for definition in definitions}) > 1:
        raise UsageError(
            "an engine builds for one platform at a time here", hint="say one --platform, or use imagewright bake"
        )
    engine = make_engine(options.engine, sink)
    builder = Builder(world, store, sink)
    lock = ensure_locked(world, store, make_ports(world, store), definitions, sink)
    plan = builder.plan_of(definitions, lock)
    with make_ports(world, store).trees.workspace(f"engine-{options.engine.value}") as place:
        jobs, bake = _prepare(world, store, definitions, lock, options, place, sink)
        archives = engine.build(jobs, bake, place)
        images = [
            _bring(world, store, definition, plan, archives[str(definition.name)], options.engine, begun, sink)
            for definition in definitions
        ]
    named = tuple(remember(world, store, image) for image in images)
    if options.output is not None:
        written = exporting.write_all(named, store.blobs, options, umask=world.umask)
        return BuildReport(written, world.clock.monotonic() - begun, left_out=chosen.left_out)
    return BuildReport(named, world.clock.monotonic() - begun, left_out=chosen.left_out)


def _prepare(
    world: World,
    store: Store,
    definitions: Sequence[ImageDefinition],
    lock: Lock,
    options: BuildOptions,
    place: Path,
    sink: Sink,
) -> tuple[tuple[Job, ...], Path | None]:
    """Dockerfiles, contexts, and for BuildKit a bake file."""
    buildkit = options.engine is EngineName.BUILDKIT
    selection = replace(options.selection, platforms=(definitions[0].platform,))
    printer = Printer(world, DockerfileOptions(selection, classic=not buildkit))
    contexts = ContextWriter(world, store, sink, place / "contexts", load=True).write(definitions, lock)
    jobs = []
    for definition in definitions:
        made = printer.write(definition.name)
        directory = place / "dockerfiles" / made.view.directory
        directory.mkdir(parents=True)
        (directory / NAME).write_text(made.view.text, encoding="utf-8")
        for file, content in made.beside.items():
            (directory / file).write_bytes(content)
        tag = f"{definition.repository}:{definition.tags[0]}"
        jobs.append(Job(definition, directory, contexts[str(definition.name)], tag))
    if not buildkit:
        return tuple(jobs), None
    style = BakeStyle(Driver.DOCKER, tree=str(place / "dockerfiles"))
    images = bake_images(world, {item.name: (item,) for item in definitions}, contexts)
    bake = place / "docker-bake.json"
    bake.write_text(json.dumps(bake_document(images, style)), encoding="utf-8")
    return tuple(jobs), bake


def _bring(
    world: World,
    store: Store,
    definition: ImageDefinition,
    plan: Plan,
    archive: Path,
    engine: EngineName,
    begun: float,
    sink: Sink,
) -> BuiltImage:
    """Bring what the engine made into the store, check it, and say what it is."""
    source = ArchiveSource(archive, "")
    pulled = pull_from(source, [Target.of(definition.platform)], store.blobs, lambda *_: None, _WORKERS)
    if len(pulled.images) != 1:
        raise BuildError(f"the engine wrote {len(pulled.images)} images instead of {definition.name}")
    descriptor = pulled.images[0].manifest
    manifest = Manifest.parse(source.document(descriptor))
    with store.blobs.open(manifest.config.digest) as file:
        config = Config.parse(file.read())
    finished = int(world.clock.now().timestamp())
    layers = tuple(layer.digest for layer in manifest.layers)
    record = StepRecord(
        id=Digest.of(f"{engine} {descriptor.digest}".encode()),
        kind=StepKind.IMAGE,
        name=f"{engine} {definition.name}",
        outputs=(
            ("config", manifest.config.digest),
            ("manifest", descriptor.digest),
            *((f"layer{number:02}", digest) for number, digest in enumerate(layers)),
        ),
        facts=(),
        seconds=world.clock.monotonic() - begun,
        finished=finished,
    )
    _check(world, store, definition, plan, record, layers, sink)
    made_by = [step.created_by for step in config.history if not step.empty_layer]
    made_by += [engine.value] * (len(layers) - len(made_by))
    return BuiltImage(
        spec=str(definition.name),
        image=str(definition.name),
        platform=str(definition.platform),
        digest=descriptor.digest,
        config_digest=manifest.config.digest,
        size=manifest.config.size + sum(layer.size for layer in manifest.layers),
        layers=tuple(
            BuiltLayer(layer.digest, layer.size, words)
            for layer, words in zip(manifest.layers, made_by, strict=False)
        ),
        tags=(*definition.tags, *definition.shared_tags),
        steps=(BuiltStep(record.name, record.id, cached=False, seconds=record.seconds),),
        profile=definition.profile.value,
        repository=definition.repository,
        created=config.created or 0,
    )


def _check(
    world: World,
    store: Store,
    definition: ImageDefinition,
    plan: Plan,
    record: StepRecord,
    layers: Sequence[Digest],
    sink: Sink,
) -> None:
    """The acceptance checks of the image, on what the engine made. Raises :class:`CheckError`."""
    ports = make_ports(world, store)
    if ports.trees.get(record.id) is None:
        with ports.trees.workspace(f"engine-{record.id.short}") as workspace:
            root = workspace / "root"
            root.mkdir(mode=0o755)
            flatten(layers, root, ports.blobs)
            ports.trees.adopt(root, record.id)
    planned = next(
        image
        for image in plan.images
        if (image.spec, image.platform) == (str(definition.name), str(definition.platform))
    )
    step = next(step for step in plan.steps if step.id == planned.check)
    results = run_image_checks(step, {"image": record}, ports, sink, jobs=world.jobs)
    refuse_failed(results)
