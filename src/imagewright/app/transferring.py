# SPDX-License-Identifier: Apache-2.0
"""``pull``, ``copy``, ``inspect``: images of any place, to the store or to another place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from imagewright.app.registries import client, outside_source, read_reference, registry_reference
from imagewright.app.transfers import Transfers, platform_image
from imagewright.app.world import World
from imagewright.errors import RegistryError, UsageError
from imagewright.events import Sink
from imagewright.model.options import ArchiveFormat
from imagewright.model.platforms import Platform
from imagewright.model.references import (
    ArchiveReference,
    LayoutReference,
    Reference,
    RegistryReference,
    StoreReference,
    with_tag,
)
from imagewright.model.transfers import (
    Inspected,
    InspectedAttachment,
    InspectedImage,
    InspectedLayer,
    RegistryAccess,
    Transferred,
)
from imagewright.oci.config import Config
from imagewright.oci.descriptor import INDEX, INDEXES, MANIFESTS, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.layout import Export, export
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource, StoredSource
from imagewright.oci.times import to_rfc3339
from imagewright.registry.merging import REFERENCE_DIGEST, REFERENCE_TYPE, is_attestation, joined
from imagewright.registry.publish import Publisher, PublishOptions
from imagewright.registry.pull import Progress, Pulled, PulledImage, pull_from
from imagewright.registry.upload import Way
from imagewright.store.images import StoredImage
from imagewright.store.store import Store


def open_source(world: World, store: Store, reference: Reference, access: RegistryAccess) -> ImageSource:
    """An image wherever it is. Raises an error of ours that says where it was looked for."""
    if isinstance(reference, StoreReference):
        return stored_source(store, reference)
    return outside_source(world, reference, access)


def stored_source(store: Store, reference: StoreReference) -> ImageSource:
    """An image of the store; several platforms of one are an index. Raises :class:`UsageError`."""
    found = store.images.find(reference.spec)
    if not found:
        raise UsageError(f"the store has no image {reference.spec}", hint="`imagewright store ls` lists them")
    if len({image.spec for image in found}) > 1:
        names = ", ".join(sorted({image.spec for image in found}))
        raise UsageError(f"{reference.spec} may be several images", why=f"the store has {names}")
    entries = [stored_entry(store, image) for image in found]
    if len(entries) == 1:
        return StoredSource(store.blobs, entries[0])
    return StoredSource(store.blobs, Document(joined((), entries, ()).encode(), INDEX))


def pull(
    world: World, store: Store, text: str, platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink
) -> Transferred:
    """Bring an image into the store, under the name of its reference."""
    reference = with_tag(registry_reference(text))
    shown = Transfers(sink, {}, world.clock)
    source = outside_source(world, reference, access)
    workers = client(world, reference.repository, access).transport.options.parallel
    pulled = pull_from(source, [Target.of(one) for one in platforms], store.blobs, told(shown), workers)
    finished = int(world.clock.now().timestamp())
    for image in real_images(pulled):
        manifest = Manifest.parse(source.document(image.manifest))
        size = manifest.config.size + sum(layer.size for layer in manifest.layers)
        platform = image.platform or str(_config(source, manifest).platform)
        store.images.put(StoredImage(str(reference), platform, image.manifest.digest, (), size, finished))
    return Transferred(
        ref=str(reference),
        digest=pulled.document.digest,
        tags=(reference.tag,) if reference.tag else (),
        uploaded=0,
        mounted=0,
        skipped=pulled.there,
        bytes=pulled.fetched,
        downloaded=pulled.new,
    )


def copy(
    world: World,
    store: Store,
    texts: tuple[str, str],
    platforms: tuple[Platform, ...],
    access: RegistryAccess,
    sink: Sink,
) -> Transferred:
    """From any place to a registry, a layout or an archive; what an index leads to goes with it."""
    origin, target = (read_reference(text) for text in texts)
    if isinstance(origin, RegistryReference):
        origin = with_tag(origin)
    source = open_source(world, store, origin, access)
    if isinstance(target, RegistryReference):
        return _copy_to_registry(world, source, origin, with_tag(target), platforms, access, sink)
    if isinstance(target, StoreReference):
        raise UsageError("an image is copied into the store with pull", hint=f"run: imagewright pull {texts[0]}")
    shown = Transfers(sink, {}, world.clock)
    pulled = pull_from(source, [Target.of(one) for one in platforms], store.blobs, told(shown), 4)
    exports = [Export(image.manifest, _names(origin, target)) for image in real_images(pulled)]
    written = export(exports, store.blobs, Path(target.path), _format(target))
    return Transferred(str(target), pulled.document.digest, (), 0, 0, pulled.there, written, downloaded=pulled.new)


def inspect(world: World, store: Store, text: str, access: RegistryAccess) -> Inspected:
    """What a reference names, platform by platform, without any layer."""
    reference = read_reference(text)
    if isinstance(reference, RegistryReference):
        reference = with_tag(reference)
    source = open_source(world, store, reference, access)
    root = source.root()
    entries = images_of(root)
    attached = [entry for entry in _entries(root) if is_attestation(entry)]
    notes = [
        InspectedAttachment(
            entry.digest, entry.annotation(REFERENCE_DIGEST), entry.annotation(REFERENCE_TYPE), entry.size
        )
        for entry in attached
    ]
    if isinstance(reference, RegistryReference):
        there = client(world, reference.repository, access)
        notes += [
            InspectedAttachment(found.digest, str(about.digest), found.artifact_type, found.size)
            for about in (root.descriptor, *entries)
            for found in there.referrers(about.digest)
        ]
    return Inspected(
        ref=str(reference),
        digest=root.digest,
        media_type=root.media_type,
        tags=(reference.tag,) if isinstance(reference, RegistryReference) and reference.tag else (),
        images=tuple(_inspected(source, entry) for entry in entries),
        attachments=tuple(dict.fromkeys(notes)),
    )


def real_images(pulled: Pulled) -> tuple[PulledImage, ...]:
    """What was pulled and can run; attestations only came along."""
    return tuple(image for image in pulled.images if not is_attestation(image.manifest))


def images_of(root: Document) -> tuple[Descriptor, ...]:
    """The manifests of images that a document leads to; attestations are none."""
    return tuple(entry for entry in _entries(root) if entry.media_type in MANIFESTS and not is_attestation(entry))


def _entries(root: Document) -> tuple[Descriptor, ...]:
    if root.media_type not in INDEXES:
        return (root.descriptor,)
    return Index.parse(root.content).manifests


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
        index = Index.parse(root.content)
        chosen = [index.find(Target.of(one)) for one in platforms]
        if None in chosen:
            raise RegistryError(f"{origin} lacks one of the platforms", hint="imagewright inspect lists them")
        kept = replace(index, manifests=tuple(entry for entry in chosen if entry is not None))
        root = Document(kept.encode(), root.media_type)
    shown = Transfers(sink, {}, world.clock)
    sources = (origin.repository,) if isinstance(origin, RegistryReference) else ()
    publisher = Publisher(there, PublishOptions(sources=sources), shown.progress)
    images = [platform_image(source, entry, entry.platform or Target("", "")) for entry in _entries(root)]
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


def _inspected(source: ImageSource, entry: Descriptor) -> InspectedImage:
    manifest = Manifest.parse(source.document(entry))
    config = _config(source, manifest)
    run = config.execution
    return InspectedImage(
        platform=str(config.platform),
        digest=entry.digest,
        media_type=entry.media_type,
        size=manifest.config.size + sum(layer.size for layer in manifest.layers),
        config_digest=manifest.config.digest,
        created="" if config.created is None else to_rfc3339(config.created),
        user=run.user,
        entrypoint=run.entrypoint,
        command=run.command,
        environment=tuple(f"{name}={value}" for name, value in run.environment),
        labels=dict(run.labels),
        annotations=dict(manifest.annotations),
        layers=tuple(InspectedLayer(layer.digest, layer.size, layer.media_type) for layer in manifest.layers),
    )


def _config(source: ImageSource, manifest: Manifest) -> Config:
    return Config.parse(source.document(manifest.config))


def stored_entry(store: Store, image: StoredImage) -> Descriptor:
    """What points to an image of the store. Raises ``KeyError`` if it is gone."""
    words = image.platform.split("/")
    platform = Target(words[0], words[1], "".join(words[2:])) if len(words) in {2, 3} else None
    content = store.blobs.read(image.manifest, limit=4 << 20)
    manifest = Manifest.parse(content)
    if platform is not None and platform.os == "windows":  # whose version is part of it
        platform = Config.parse(store.blobs.read(manifest.config.digest, limit=4 << 20)).platform
    return Descriptor(manifest.media_type, image.manifest, len(content), platform=platform)


def told(shown: Transfers) -> Progress:
    """A pull's progress as events."""
    return lambda digest, here, total: shown.note(digest, here, total, "downloaded" if here == total else "")


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
