# SPDX-License-Identifier: Apache-2.0
"""What is asked of registries, and what comes of it. Field names and order of results are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imagewright.model.digest import Digest


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How to reach registries: ``authorities`` are files of CA certificates; ``plain`` allows HTTP without TLS."""

    authorities: tuple[Path, ...] = ()
    plain: bool = False


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
