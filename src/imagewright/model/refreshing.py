# SPDX-License-Identifier: Apache-2.0
"""``refresh``: what is asked for, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imagewright.model.differences import Difference
from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.results import FailedImage, FoundRelease, OutdatedImage
from imagewright.model.transfers import RegistryAccess, Transferred


@dataclass(frozen=True, slots=True)
class RefreshOptions:
    """How to refresh. ``repository`` is where images are pushed afterwards, "" for nowhere.

    ``releases`` says whether new CPython releases are looked for as well; ``notes`` is a directory for a change
    note of each image; ``require`` and ``force`` are as for a push; a ``dry_run`` only looks.
    """

    repository: str = ""
    access: RegistryAccess = field(default_factory=RegistryAccess)
    require: tuple[Platform, ...] = ()
    releases: bool = True
    notes: Path | None = None
    force: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class RefreshedImage:
    """One image that was built anew. ``previous`` is the image that it takes the place of; ``note`` the file that
    says what changed, if one was asked for."""

    spec: str
    image: str
    platform: str
    digest: Digest
    previous: Digest
    difference: Difference
    note: Path | None = None


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found and did; ``looked`` counts images.

    Where any ``failed``, lock and registry are as they were. What is ``behind`` without a ``rebuild`` stays so.
    ``compiles`` counts interpreters; ``seconds`` are of wall time.
    """

    looked: int
    releases: tuple[FoundRelease, ...]
    behind: tuple[OutdatedImage, ...]
    refreshed: tuple[RefreshedImage, ...]
    failed: tuple[FailedImage, ...]
    pushed: tuple[Transferred, ...]
    compiles: int
    seconds: float
    dry_run: bool
