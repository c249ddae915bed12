# SPDX-License-Identifier: Apache-2.0
"""What ``site`` is asked for, and what it answers. Field names and order are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imagewright.model.transfers import RegistryAccess


@dataclass(frozen=True, slots=True)
class CatalogueOptions:
    """Which images a site shows: those of ``refs``, or of the store where there are none or ``stored`` says so.

    ``all_tags`` takes every tag of repositories that are named without one. Without ``content`` no layer is read.
    ``catalog`` is another, whole catalog, for the table of what was built.
    """

    refs: tuple[str, ...] = ()
    stored: bool = False
    all_tags: bool = False
    content: bool = True
    catalog: Path | None = None
    access: RegistryAccess = field(default_factory=RegistryAccess)


@dataclass(frozen=True, slots=True)
class NotShown:
    """An image that a site does not show, or not whole, and why."""

    image: str
    platform: str
    reason: str


@dataclass(frozen=True, slots=True)
class WrittenSite:
    """A site that was written.

    ``files`` and ``bytes`` are of all that it consists of; ``written`` were new or changed, ``unchanged`` stayed
    as they were, ``removed`` belonged to images that are gone. ``read`` counts the images whose layers had to be
    read; what was found in them is remembered in the store.
    """

    directory: Path
    images: int
    files: int
    bytes: int
    written: int
    unchanged: int
    removed: int
    read: int
    not_shown: tuple[NotShown, ...]
