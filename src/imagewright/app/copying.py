# SPDX-License-Identifier: Apache-2.0
"""``copy``: images of any place to a registry, a layout or an archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright.app.registries import client, outside_source, read_reference
from imagewright.app.sending import platform_image
from imagewright.app.transferring import entries_of, open_source, real_images, told
from imagewright.app.transfers import Transfers
from imagewright.errors import RegistryError, UsageError
from imagewright.model.general import ArchiveFormat
from imagewright.model.references import (
    ArchiveReference,
    LayoutReference,
    Reference,
    RegistryReference,
    StoreReference,
    with_tag,
)
from imagewright.model.transfers import RegistryAccess, Transferred
from imagewright.oci.descriptor import INDEXES, Target
from imagewright.oci.source import Document, ImageSource
from imagewright.registry.publish import Publisher, PublishOptions
from imagewright.registry.upload import Way

if TYPE_CHECKING:
    from imagewright.app.world import World
    from imagewright.events import Sink
    from imagewright.model.platforms import Platform
    from imagewright.store.store import Store


def copy(
    world: World,
    texts: tuple[str, str],
    platforms: tuple[Platform, ...],
    access: RegistryAccess,
    sink: Sink,
) -> Transferred:
    """From any place to a registry, a layout or an archive; what an index leads to goes with it.

    The store is opened where something comes from it or passes through it: not on the way to a registry.
    """
    origin, target = (read_reference(text) for text in texts)
    if isinstance(origin, RegistryReference):
        origin = with_tag(origin)
    if isinstance(target, StoreReference):
        raise UsageError("an image is copied into the store with pull", hint=f"run: imagewright pull {texts[0]}")
    if isinstance(target, RegistryReference) and not isinstance(origin, StoreReference):
        source = outside_source(world, origin, access)
        return _copy_to_registry(world, source, origin, with_tag(target), platforms, access, sink)
    with world.open_store() as store:
        source = open_source(world, store, origin, access)
        if isinstance(target, RegistryReference):
            return _copy_to_registry(world, source, origin, with_tag(target), platforms, access, sink)
        return _copy_to_file(world, store, (source, origin), target, platforms, sink)


def _copy_to_file(
    world: World,
    store: Store,
    origin: tuple[ImageSource, Reference],
    target: LayoutReference | ArchiveReference,
    platforms: tuple[Platform, ...],
    sink: Sink,
) -> Transferred:
    """By way of the store, which keeps what came."""
    from imagewright.oci.layout import Export, export
    from imagewright.registry.pull import pull_from

    source, reference = origin
    shown = Transfers(sink, {}, world.clock)
    pulled = pull_from(source, [Target.of(one) for one in platforms], store.blobs, told(shown), 4)
    exports = [Export(image.manifest, _names(reference, target)) for image in real_images(pulled)]
    written = export(exports, store.blobs, Path(target.path), _format(target))
    return Transferred(str(target), pulled.document.digest, (), 0, 0, pulled.there, written, downloaded=pulled.new)


def _copy_to_registry(
    world: World,
    source: ImageSource,
    origin: Reference,
    target: RegistryReference,
    platforms: tuple[Platform, ...],
    access: RegistryAccess,
    sink: Sink,
) -> Transferred:
    """All of an index unless platforms were chosen: the same digest there as here."""
    there = client(world, target.repository, access)
    root = source.root()
    if platforms and root.media_type in INDEXES:
        from imagewright.oci.index import Index

        index = Index.parse(root.content)
        chosen = [index.find(Target.of(one)) for one in platforms]
        if None in chosen:
            raise RegistryError(f"{origin} lacks one of the platforms", hint="imagewright inspect lists them")
        kept = replace(index, manifests=tuple(entry for entry in chosen if entry is not None))
        root = Document(kept.encode(), root.media_type)
    shown = Transfers(sink, {}, world.clock)
    sources = (origin.repository,) if isinstance(origin, RegistryReference) else ()
    publisher = Publisher(there, PublishOptions(sources=sources), shown.progress)
    images = [platform_image(source, entry, entry.platform or Target("", "")) for entry in entries_of(root)]
    digest = publisher.copy(images, root, target.tag, str(target.digest) if target.digest else "")
    ways = publisher.tally.ways
    return Transferred(
        str(target),
        digest,
        (target.tag,) if target.tag else (),
        ways.get(Way.UPLOADED, 0),
        ways.get(Way.MOUNTED, 0),
        ways.get(Way.SKIPPED, 0),
        publisher.tally.sent,
    )


def _names(origin: Reference, target: Reference) -> tuple[str, ...]:
    """What the image is called in a layout or archive."""
    said = target.name if isinstance(target, LayoutReference | ArchiveReference) else ""
    if said:
        return (said if ":" in said else f"python:{said}",)
    return (str(origin).partition("@")[0],) if isinstance(origin, RegistryReference) and origin.tag else ()


def _format(target: LayoutReference | ArchiveReference) -> ArchiveFormat:
    if isinstance(target, LayoutReference):
        return ArchiveFormat.OCI_DIR
    return ArchiveFormat.OCI_ARCHIVE if target.kind == "oci-archive" else ArchiveFormat.DOCKER_ARCHIVE
