# SPDX-License-Identifier: Apache-2.0
"""Putting layers and configuration together: the documents of one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagewright.model.digest import Digest
from imagewright.model.images import Compression, ImageConfiguration
from imagewright.model.platforms import Platform
from imagewright.oci.config import Config, Execution, History
from imagewright.oci.descriptor import CONFIG, MANIFEST, Descriptor, Target
from imagewright.oci.levels import LAYERS
from imagewright.oci.manifest import Manifest


@dataclass(frozen=True, slots=True)
class ImageLayer:
    """One layer of an image, and what its history says; ``created`` in seconds since the epoch."""

    digest: Digest
    diff_id: Digest
    size: int
    compression: Compression
    created: int
    created_by: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ImageDocuments:
    """The two documents of an image; store both. ``manifest`` carries the platform; ``size`` in bytes of
    configuration and layers.
    """

    config_bytes: bytes
    manifest_bytes: bytes
    config: Descriptor
    manifest: Descriptor
    size: int


def assemble(
    platform: Platform, configuration: ImageConfiguration, layers: Sequence[ImageLayer], *, created: int
) -> ImageDocuments:
    """Configuration and manifest of an image of these layers, lowest first."""
    config = Config(
        platform=Target.of(platform),
        diff_ids=tuple(layer.diff_id for layer in layers),
        execution=Execution.of(configuration),
        history=tuple(
            History(created=layer.created, created_by=layer.created_by, comment=layer.comment) for layer in layers
        ),
        created=created,
    )
    config_bytes = config.encode()
    described = Descriptor.of(CONFIG, config_bytes)
    manifest = Manifest(
        config=described,
        layers=tuple(Descriptor(LAYERS[layer.compression], layer.digest, layer.size) for layer in layers),
        annotations=tuple(sorted(configuration.annotations)),
    )
    manifest_bytes = manifest.encode()
    return ImageDocuments(
        config_bytes=config_bytes,
        manifest_bytes=manifest_bytes,
        config=described,
        manifest=replace(Descriptor.of(MANIFEST, manifest_bytes), platform=Target.of(platform)),
        size=described.size + sum(layer.size for layer in layers),
    )
