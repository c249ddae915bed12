# SPDX-License-Identifier: Apache-2.0
"""``push``: images are built and checked if need be, then published in an order that cannot mislead."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from imagewright.app.building import Builder
from imagewright.app.choosing import choose
from imagewright.app.registries import client, repository
from imagewright.app.world import World
from imagewright.errors import BuildError, UsageError
from imagewright.events import Note, Sink, TransferFinished, TransferProgress, TransferStarted
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.options import BuildOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Clock
from imagewright.model.results import BuildReport, BuiltImage
from imagewright.model.transfers import PushedImage, PushOptions, Transferred
from imagewright.oci.descriptor import MANIFEST, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource, StoredSource
from imagewright.registry.publish import (
    Attachment,
    PlatformImage,
    Publication,
    Published,
    Publisher,
    PublishOptions,
)
from imagewright.registry.upload import Blob, Way
from imagewright.store.store import Store

_STEP = 1 << 20
"""Bytes between two notes of progress of one blob."""


def push(
    world: World, store: Store, specs: tuple[str, ...], destination: str, options: PushOptions, sink: Sink
) -> Transferred:
    """Publish the images that ``specs`` name. Raises ``RegistryError``; then no tag has moved."""
    where = repository(destination)
    if not options.force:
        _refuse_quick(choose(world, specs, options.selection).definitions)
    builder = Builder(world, store, sink)
    built = _all_of(builder.build(specs, BuildOptions(selection=options.selection)))
    told: Mapping[Digest, tuple[Attachment, ...]] = {}
    if options.attestations:
        from imagewright.app.attesting import attachments

        told = attachments(world, store, built, *builder.laid_out(specs, options.selection), sink)
    publications = _publications(built, store, told)
    names = {layer.digest: layer.step for image in built for layer in image.layers}
    shown = Transfers(sink, names, world.clock)
    publisher = Publisher(
        client(world, where, options.access),
        PublishOptions(
            require=tuple(map(str, options.require)),
            sources=tuple(repository(text) for text in options.mount),
            replace=options.replace,
            dry_run=options.dry_run,
        ),
        shown.progress,
    )
    published = publisher.publish(publications)
    for one in published:
        sink(Note(f"{where}: {one.name} is {one.digest}, {len(one.moved)} of {len(one.tags)} tags moved"))
    return transferred(str(where), published, publisher)


def transferred(where: str, published: Sequence[Published], publisher: Publisher) -> Transferred:
    """The answer of a push."""
    ways = publisher.tally.ways
    return Transferred(
        ref=where,
        digest=published[0].digest,
        tags=tuple(dict.fromkeys(tag for one in published for tag in one.tags)),
        uploaded=ways.get(Way.UPLOADED, 0),
        mounted=ways.get(Way.MOUNTED, 0),
        skipped=ways.get(Way.SKIPPED, 0),
        bytes=publisher.tally.sent,
        images=tuple(PushedImage(one.name, one.digest, one.platforms, one.tags, one.moved) for one in published),
    )


class Transfers:
    """Turns a publisher's progress into events; from any thread."""

    def __init__(self, sink: Sink, names: dict[Digest, str], clock: Clock) -> None:
        self._sink = sink
        self._names = names
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[Digest, float] = {}
        self._told: dict[Digest, int] = {}

    def progress(self, digest: Digest, there: int, total: int, way: Way | None) -> None:
        """See :data:`imagewright.registry.publish.Progress`."""
        self.note(digest, there, total, "" if way is None else way.value)

    def note(self, digest: Digest, there: int, total: int, how: str) -> None:
        """``how`` is empty while it is on its way."""
        name = self._names.get(digest, f"blob {digest.short}")
        with self._lock:
            now = self._clock.monotonic()
            first = digest not in self._begun
            begun = self._begun.setdefault(digest, now)
            due = there - self._told.get(digest, 0) >= _STEP
            if due:
                self._told[digest] = there
        if how:
            self._sink(TransferFinished(str(digest), name, total, how, now - begun))
            return
        if first:
            self._sink(TransferStarted(str(digest), name, total))
        if due:
            self._sink(TransferProgress(str(digest), name, there, total))


def platform_image(source: ImageSource, manifest: Descriptor, platform: Target) -> PlatformImage:
    """One platform of any source, ready to be published."""
    document = Document(source.document(manifest), manifest.media_type)
    parsed = Manifest.parse(document.content)
    parts = {part.digest: part for part in (parsed.config, *parsed.layers) if not part.urls}
    return PlatformImage(platform, document, tuple(blob_of(source, part) for part in parts.values()))


def blob_of(source: ImageSource, part: Descriptor) -> Blob:
    """A blob of any source, ready to be sent."""
    return Blob(part.digest, part.size, lambda offset: source.pieces(part, offset))


def _publications(
    built: Iterable[BuiltImage], store: Store, told: Mapping[Digest, tuple[Attachment, ...]]
) -> tuple[Publication, ...]:
    """One for each image, with all the platforms that were built, and what is ``told`` of each."""
    found: dict[str, list[BuiltImage]] = {}
    for image in built:
        found.setdefault(image.image, []).append(image)
    return tuple(
        Publication(
            name=name,
            tags=tuple(dict.fromkeys((name, *images[0].tags))),
            platforms=tuple(
                replace(_platform(image, store), attachments=told.get(image.digest, ())) for image in images
            ),
        )
        for name, images in found.items()
    )


def _platform(image: BuiltImage, store: Store) -> PlatformImage:
    manifest = Descriptor(MANIFEST, image.digest, store.blobs.size(image.digest))
    return platform_image(StoredSource(store.blobs, manifest), manifest, Target.of(parse_platform(image.platform)))


def _all_of(report: BuildReport) -> tuple[BuiltImage, ...]:
    """What was built. Raises :class:`BuildError` if anything failed: then nothing is published."""
    if report.failed:
        first = report.failed[0]
        raise BuildError(
            f"nothing was published: {len(report.failed)} of {len(report.images)} images are not there",
            why=f"{first.image} {first.platform}: {first.error.message}",
            hint="build them, or name those that are to be published",
        )
    return report.built


def _refuse_quick(definitions: Iterable[ImageDefinition]) -> None:
    quick = next((one.name for one in definitions if one.profile is Profile.QUICK), None)
    if quick is not None:
        raise UsageError(
            f"{quick} would be of the quick profile, which is for tests",
            hint="push it with the release profile, or say --force",
        )
