# SPDX-License-Identifier: Apache-2.0
"""Bake files, and the contexts with which they need no network."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from imagewright.app.contexts import Context, ContextWriter
from imagewright.app.dockerfiles import Printer
from imagewright.app.locks import load_lock
from imagewright.app.world import World
from imagewright.catalog.tags import directory_of
from imagewright.emit.dockerfiles.bake import BakeImage, BakeStyle, Driver, bake_document
from imagewright.errors import UsageError
from imagewright.events import Sink
from imagewright.model.dockerfiles import BakeFile, BakeOptions, DockerfileOptions
from imagewright.model.images import ImageDefinition, ImageName
from imagewright.model.lock import Lock
from imagewright.model.results import LeftOut


def bake(world: World, specs: tuple[str, ...], options: BakeOptions, sink: Sink) -> BakeFile:
    """The bake file of images. Raises :class:`UsageError` where none has a Dockerfile for Linux."""
    printer = Printer(world, DockerfileOptions(options.selection))
    names = printer.names() if options.selection.everything else tuple(map(printer.name, specs))
    images: dict[ImageName, tuple[ImageDefinition, ...]] = {}
    left_out: list[LeftOut] = []
    for name in dict.fromkeys(names):
        if world.catalog.by_suite[name.suite].distribution == "windows":
            left_out.append(LeftOut(str(name), "", "BuildKit's builders for Linux build no images of Windows"))
            continue
        try:
            images[name] = printer.definitions(name)
        except UsageError as error:
            if not options.selection.everything:
                raise
            left_out.append(LeftOut(str(name), "", error.why or error.message))
    if not images:
        raise UsageError("there is nothing to bake", why=left_out[0].reason if left_out else "")
    contexts = _contexts(world, images, options, sink) if options.contexts is not None else {}
    targets = bake_images(world, images, contexts)
    style = BakeStyle(Driver(options.driver), options.repository, options.cache, options.tree)
    document = bake_document(targets, style)
    loaded = {context.path for found in contexts.values() for context in found if context.image}
    return BakeFile(
        json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        tuple(document["target"]),
        tuple(left_out),
        tuple(sorted(loaded)),
    )


def bake_images(
    world: World,
    images: Mapping[ImageName, tuple[ImageDefinition, ...]],
    contexts: Mapping[str, Sequence[Context]],
) -> tuple[BakeImage, ...]:
    """Images as a bake file needs them; ``contexts`` are by the image's name."""
    scheme = world.catalog.by_scheme[world.settings().scheme]
    return tuple(
        BakeImage(
            definitions,
            directory_of(name, world.catalog, scheme),
            {context.stage: context.reference for context in contexts.get(str(name), ())},
        )
        for name, definitions in images.items()
    )


def _contexts(
    world: World, images: Mapping[ImageName, Sequence[ImageDefinition]], options: BakeOptions, sink: Sink
) -> dict[str, tuple[Context, ...]]:
    assert options.contexts is not None
    lock = load_lock(world.lock_path) or Lock()
    definitions = [definition for found in images.values() for definition in found]
    place = Path(options.contexts).absolute()
    with world.open_store() as store:
        writer = ContextWriter(world, store, sink, place, load=options.driver == Driver.DOCKER)
        return writer.write(definitions, lock)
