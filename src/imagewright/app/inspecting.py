# SPDX-License-Identifier: Apache-2.0
"""``inspect``: what a reference names, without any layer."""

from __future__ import annotations

from imagewright.app.registries import client, read_reference
from imagewright.app.transferring import entries_of, images_of, open_source
from imagewright.app.world import World
from imagewright.model.inspecting import Inspected, InspectedAttachment, InspectedImage, InspectedLayer
from imagewright.model.references import (
    RegistryReference,
    with_tag,
)
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.config import Config
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import ImageSource
from imagewright.oci.times import to_rfc3339
from imagewright.registry.merging import REFERENCE_DIGEST, REFERENCE_TYPE, is_attestation
from imagewright.store.store import Store


def inspect(world: World, store: Store, text: str, access: RegistryAccess) -> Inspected:
    """What a reference names, platform by platform, without any layer."""
    reference = read_reference(text)
    if isinstance(reference, RegistryReference):
        reference = with_tag(reference)
    source = open_source(world, store, reference, access)
    root = source.root()
    entries = images_of(root)
    attached = [entry for entry in entries_of(root) if is_attestation(entry)]
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


def _inspected(source: ImageSource, entry: Descriptor) -> InspectedImage:
    manifest = Manifest.parse(source.document(entry))
    config = Config.parse(source.document(manifest.config))
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
