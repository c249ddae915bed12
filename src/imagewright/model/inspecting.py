# SPDX-License-Identifier: Apache-2.0
"""What a reference names, without any layer. Field names are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest


@dataclass(frozen=True, slots=True)
class InspectedLayer:
    """One layer as its manifest lists it; ``size`` in bytes, compressed."""

    digest: Digest
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """One platform's image. ``size`` in bytes of configuration and layers; ``created`` RFC 3339 or empty."""

    platform: str
    digest: Digest
    media_type: str
    size: int
    config_digest: Digest
    created: str
    user: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: tuple[str, ...]
    labels: dict[str, str]
    annotations: dict[str, str]
    layers: tuple[InspectedLayer, ...]


@dataclass(frozen=True, slots=True)
class InspectedAttachment:
    """Something attached to an image: an attestation in its index, or a referrer."""

    digest: Digest
    about: str
    kind: str
    size: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a reference names."""

    ref: str
    digest: Digest
    media_type: str
    tags: tuple[str, ...]
    images: tuple[InspectedImage, ...]
    attachments: tuple[InspectedAttachment, ...]
