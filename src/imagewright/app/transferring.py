# SPDX-License-Identifier: Apache-2.0
"""Images of any place: what pulls, copies and descriptions have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewright.app.registries import outside_source
from imagewright.errors import UsageError
from imagewright.model.references import (
    Reference,
    StoreReference,
)
from imagewright.oci.descriptor import INDEX, INDEXES, MANIFESTS, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource, StoredSource
from imagewright.registry.merging import is_attestation, joined

if TYPE_CHECKING:
    from imagewright.app.transfers import Transfers
    from imagewright.app.world import World
    from imagewright.model.transfers import RegistryAccess
    from imagewright.registry.pull import Progress, Pulled, PulledImage
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


def real_images(pulled: Pulled) -> tuple[PulledImage, ...]:
    """What was pulled and can run; attestations only came along."""
    return tuple(image for image in pulled.images if not is_attestation(image.manifest))


def images_of(root: Document) -> tuple[Descriptor, ...]:
    """The manifests of images that a document leads to; attestations are none."""
    return tuple(
        entry for entry in entries_of(root) if entry.media_type in MANIFESTS and not is_attestation(entry)
    )


def entries_of(root: Document) -> tuple[Descriptor, ...]:
    """What an index lists; of a manifest, itself."""
    if root.media_type not in INDEXES:
        return (root.descriptor,)
    return Index.parse(root.content).manifests


def stored_entry(store: Store, image: StoredImage) -> Descriptor:
    """What points to an image of the store. Raises ``KeyError`` if it is gone."""
    words = image.platform.split("/")
    platform = Target(words[0], words[1], "".join(words[2:])) if len(words) in {2, 3} else None
    content = store.blobs.read(image.manifest, limit=4 << 20)
    manifest = Manifest.parse(content)
    if platform is not None and platform.os == "windows":  # whose version is part of it
        from imagewright.oci.config import Config

        platform = Config.parse(store.blobs.read(manifest.config.digest, limit=4 << 20)).platform
    return Descriptor(manifest.media_type, image.manifest, len(content), platform=platform)


def told(shown: Transfers) -> Progress:
    """A pull's progress as events."""
    return lambda digest, here, total: shown.note(digest, here, total, "downloaded" if here == total else "")
