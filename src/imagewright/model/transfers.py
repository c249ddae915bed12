# SPDX-License-Identifier: Apache-2.0
"""What is asked of registries, and what comes of it. Field names and order of results are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imagewright.model.digest import Digest
from imagewright.model.options import Selection
from imagewright.model.platforms import Platform


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How to reach registries: ``authorities`` are files of CA certificates; ``plain`` allows HTTP without TLS."""

    authorities: tuple[Path, ...] = ()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class PushOptions:
    """How to push.

    ``require`` are platforms that every index must hold before a tag moves; ``mount`` repositories that may have
    blobs already; ``force`` publishes images of the quick profile too; ``replace`` gives up platforms that other
    machines published of the same image; ``attestations`` says whether bills of materials and provenance go along.
    ``per_architecture`` is a repository with ``{architecture}`` in its name, where each platform goes as well,
    alone, under the same tags.
    """

    selection: Selection = field(default_factory=Selection)
    access: RegistryAccess = field(default_factory=RegistryAccess)
    require: tuple[Platform, ...] = ()
    mount: tuple[str, ...] = ()
    per_architecture: str = ""
    force: bool = False
    replace: bool = False
    dry_run: bool = False
    attestations: bool = True


@dataclass(frozen=True, slots=True)
class PushedImage:
    """One image in a repository: its index, platforms, tags, and which of them named something else before."""

    image: str
    digest: Digest
    platforms: tuple[str, ...]
    tags: tuple[str, ...]
    moved: tuple[str, ...]
    repository: str = ""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What a push, pull or copy did. ``digest`` is the first image's; counts are of blobs; ``bytes`` travelled."""

    ref: str
    digest: Digest
    tags: tuple[str, ...]
    uploaded: int
    mounted: int
    skipped: int
    bytes: int
    images: tuple[PushedImage, ...] = ()
    downloaded: int = 0


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


@dataclass(frozen=True, slots=True)
class TagChange:
    """A tag and what it names: ``before`` and ``after`` are digests, empty for nothing."""

    tag: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RemoteChanges:
    """What was changed in a repository, or would be (``dry_run``); ``manifests`` were deleted."""

    ref: str
    tags: tuple[TagChange, ...]
    manifests: tuple[Digest, ...]
    dry_run: bool
