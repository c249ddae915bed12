# SPDX-License-Identifier: Apache-2.0
"""``pull``: images of registries into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewright.app.registries import client, registry_reference
from imagewright.app.transferring import real_images, told
from imagewright.app.transfers import Transfers
from imagewright.model.references import (
    with_tag,
)
from imagewright.model.transfers import RegistryAccess, Transferred
from imagewright.oci.descriptor import Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.registry.pull import pull_from
from imagewright.registry.source import RegistrySource
from imagewright.store.images import StoredImage

if TYPE_CHECKING:
    from imagewright.app.world import World
    from imagewright.events import Sink
    from imagewright.model.platforms import Platform
    from imagewright.store.store import Store


def pull(
    world: World, store: Store, text: str, platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink
) -> Transferred:
    """Bring an image into the store, under the name of its reference."""
    reference = with_tag(registry_reference(text))
    shown = Transfers(sink, {}, world.clock)
    there = client(world, reference.repository, access)
    source = RegistrySource(there, reference)
    workers = there.transport.options.parallel
    pulled = pull_from(
        source,
        [Target.of(one) for one in platforms],
        store.blobs,
        told(shown),
        workers,
        meanwhile=store.images.all,  # opens the index, and makes a new store's
    )
    finished = int(world.clock.now().timestamp())
    for image in real_images(pulled):
        manifest = Manifest.parse(store.blobs.read(image.manifest.digest, limit=MAX_DOCUMENT))
        size = manifest.config.size + sum(layer.size for layer in manifest.layers)
        platform = image.platform or _platform(store, manifest)
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


def _platform(store: Store, manifest: Manifest) -> str:
    """What the configuration says, of which no more is needed here."""
    content = store.blobs.read(manifest.config.digest, limit=MAX_DOCUMENT)
    return str(Target.read(parse(content, "image configuration")))
