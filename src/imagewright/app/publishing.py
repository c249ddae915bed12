# SPDX-License-Identifier: Apache-2.0
"""``push``: images are built and checked if need be, then published in an order that cannot mislead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from imagewright.app.building import Builder
from imagewright.app.choosing import choose
from imagewright.app.registries import client, repository
from imagewright.app.sending import platform_image, target_of
from imagewright.app.statuses import note_pushed
from imagewright.app.transfers import Transfers
from imagewright.app.world import World
from imagewright.catalog.resolve import all_tags
from imagewright.catalog.selecting import current_images
from imagewright.errors import BuildError, UsageError
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.options import BuildOptions
from imagewright.model.platforms import PLATFORMS, parse_platform
from imagewright.model.pushing import PushOptions
from imagewright.model.references import Repository
from imagewright.model.results import BuildReport, BuiltImage
from imagewright.model.transfers import PushedImage, Transferred
from imagewright.oci.descriptor import MANIFEST, Descriptor, Target
from imagewright.oci.source import StoredSource
from imagewright.registry.publish import (
    Attachment,
    PlatformImage,
    Publication,
    Published,
    Publisher,
    PublishOptions,
    Shared,
)
from imagewright.registry.upload import Way
from imagewright.store.store import Store

_ARCHITECTURE = "{architecture}"


def push(
    world: World, store: Store, specs: tuple[str, ...], destination: str, options: PushOptions, sink: Sink
) -> Transferred:
    """Publish the images that ``specs`` name. Raises ``RegistryError``; then no tag of that repository has moved.

    Where each platform has a repository of its own too, that of all comes first: what it lacks ends the push.
    """
    where = repository(destination)
    single = architectures(options.per_architecture)
    if not options.force:
        _refuse_quick(choose(world, specs, options.selection).definitions)
    builder = Builder(world, store, sink)
    built = _all_of(builder.build(specs, BuildOptions(selection=options.selection)))
    told: Mapping[Digest, tuple[Attachment, ...]] = {}
    if options.attestations:
        from imagewright.app.attesting import attachments

        told = attachments(world, store, built, *builder.laid_out(specs, options.selection), sink)
    definitions = choose(world, specs, options.selection).definitions
    publications = _publications(built, store, told, {str(one.name): one.shared_tags for one in definitions})
    shared = _shared(world, definitions)
    names = {layer.digest: layer.step for image in built for layer in image.layers}
    shown = Transfers(sink, names, world.clock)
    sources = tuple(repository(text) for text in options.mount)
    done: list[tuple[Repository, Publisher, tuple[Published, ...]]] = []
    for there, those in ((where, publications), *_apart(publications, single)):
        common = PublishOptions(sources=(*sources, *(known for known, _, _ in done)), dry_run=options.dry_run)
        if there == where:
            common = replace(common, require=tuple(map(str, options.require)), replace=options.replace)
        publisher = Publisher(client(world, there, options.access), common, shown.progress)
        here = {each.name for each in those}
        mine = (replace(each, images=tuple(name for name in each.images if name in here)) for each in shared)
        published = publisher.publish(those, tuple(each for each in mine if each.images))
        done.append((there, publisher, published))
        for one in published:
            sink(Note(f"{there}: {one.name} is {one.digest}, {len(one.moved)} of {len(one.tags)} tags moved"))
        if not options.dry_run:
            note_pushed(store, (image for image in built if _is_in(image, those)), str(there))
    return transferred(done)


def _is_in(image: BuiltImage, publications: Iterable[Publication]) -> bool:
    target = Target.of(parse_platform(image.platform))
    return any(
        each.name == image.image and any(one.platform == target for one in each.platforms) for each in publications
    )


Single = Callable[[str], Repository]
"""The repository of a platform (``linux/arm64/v8``) alone."""


def architectures(pattern: str) -> Single | None:
    """How the repositories of single platforms are called, ``None`` for none. Raises :class:`UsageError`."""
    if not pattern:
        return None
    if pattern.count(_ARCHITECTURE) != 1:
        raise UsageError(
            f"{pattern[:120]!r} does not say where the architecture's name stands",
            hint=f"registry.example/{_ARCHITECTURE}/python, for one, gives registry.example/arm64v8/python",
        )
    found = {
        str(platform): repository(pattern.replace(_ARCHITECTURE, platform.repository)) for platform in PLATFORMS
    }
    return found.__getitem__


def _apart(
    publications: Iterable[Publication], single: Single | None
) -> Iterator[tuple[Repository, tuple[Publication, ...]]]:
    """Each platform by itself, with the repository that it has; platforms by name."""
    if single is None:
        return
    known = tuple(publications)
    for platform in sorted({image.platform for each in known for image in each.platforms}, key=str):
        those = [
            replace(each, platforms=tuple(image for image in each.platforms if image.platform == platform))
            for each in known
        ]
        yield single(str(platform)), tuple(each for each in those if each.platforms)


def transferred(done: Sequence[tuple[Repository, Publisher, tuple[Published, ...]]]) -> Transferred:
    """The answer of a push; the first repository is the one that was named."""

    def count(way: Way) -> int:
        return sum(publisher.tally.ways.get(way, 0) for _, publisher, _ in done)

    where, _, published = done[0]
    return Transferred(
        ref=str(where),
        digest=published[0].digest,
        tags=tuple(dict.fromkeys(tag for one in published for tag in one.tags)),
        uploaded=count(Way.UPLOADED),
        mounted=count(Way.MOUNTED),
        skipped=count(Way.SKIPPED),
        bytes=sum(publisher.tally.sent for _, publisher, _ in done),
        images=tuple(
            PushedImage(one.name, one.digest, one.platforms, one.tags, one.moved, str(there))
            for there, _, ended in done
            for one in ended
        ),
    )


def _publications(
    built: Iterable[BuiltImage],
    store: Store,
    told: Mapping[Digest, tuple[Attachment, ...]],
    shared: Mapping[str, tuple[str, ...]],
) -> tuple[Publication, ...]:
    """One for each image, with all the platforms that were built, and what is ``told`` of each.

    Its tags are its own: what images share (``shared``, by image) leads to more than one.
    """
    found: dict[str, list[BuiltImage]] = {}
    for image in built:
        found.setdefault(image.image, []).append(image)
    return tuple(
        Publication(
            name=name,
            tags=tuple(dict.fromkeys((name, *(tag for tag in images[0].tags if tag not in shared[name])))),
            platforms=tuple(
                replace(_platform(image, store), attachments=told.get(image.digest, ())) for image in images
            ),
        )
        for name, images in found.items()
    )


def _shared(world: World, definitions: Iterable[ImageDefinition]) -> tuple[Shared, ...]:
    """The tags that the images share, with each other and with others of the catalog."""
    ours: dict[str, dict[str, None]] = {}
    for one in definitions:
        for tag in one.shared_tags:
            ours.setdefault(tag, {})[str(one.name)] = None
    family: dict[str, set[str]] = {tag: set(names) for tag, names in ours.items()}
    for name, tags in all_tags(world.catalog, world.settings(), current_images(world.catalog)) if ours else ():
        for tag in tags.shared:
            if tag in family:
                family[tag].add(str(name))
    return tuple(Shared(tag, tuple(names), frozenset(family[tag])) for tag, names in ours.items())


def _platform(image: BuiltImage, store: Store) -> PlatformImage:
    manifest = Descriptor(MANIFEST, image.digest, store.blobs.size(image.digest))
    return platform_image(StoredSource(store.blobs, manifest), manifest, target_of(image, store.blobs))


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
