# SPDX-License-Identifier: Apache-2.0
"""What became of the images of a catalog: the answer of ``imagewright status``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess


class State(StrEnum):
    """How far an image has come, by what the store remembers of it."""

    CHECKED = "checked"
    BUILT = "built"
    OUTDATED = "outdated"
    FAILED = "failed"
    MISSING = "not attempted"


@dataclass(frozen=True, slots=True)
class StatusOptions:
    """Which images are meant: of ``catalog`` or the one that holds, with such tags, for such platforms.

    No ``platforms`` means this machine's own, or with ``every`` all that an image is published for; ``apart``
    gives each of several platforms rows of its own. ``registries`` are repositories that are asked what they have.
    """

    catalog: Path | None = None
    platforms: tuple[Platform, ...] = ()
    only: tuple[str, ...] = ()
    every: bool = False
    apart: bool = False
    registries: tuple[str, ...] = ()
    access: RegistryAccess = field(default_factory=RegistryAccess)


@dataclass(frozen=True, slots=True)
class PublishedImage:
    """What a repository that was asked has under an image's fullest tag for its platform."""

    repository: str
    digest: str


@dataclass(frozen=True, slots=True)
class ImageStatus:
    """One image for one platform.

    ``state`` is checked, built (its checks are not known to have passed), outdated (an older release is there),
    failed, or not attempted. ``manifest`` is its digest, ``finished`` when it was built or failed (seconds since
    the epoch); ``pushed`` are the repositories that it was pushed to, and of those that were asked the ones that
    have this very image; ``detail`` says what is behind or failed; ``published`` is what was asked and found.
    """

    image: str
    series: str
    suite: str
    variant: str
    platform: str
    state: str
    manifest: str
    finished: int
    pushed: tuple[str, ...]
    detail: str
    published: tuple[PublishedImage, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusColumn:
    """A series and its current release."""

    series: str
    release: str


@dataclass(frozen=True, slots=True)
class StatusRow:
    """A suite, or one ``platform`` of it ("": all that are meant); ``title`` is for people, an ``unstable`` one
    still changes."""

    suite: str
    title: str
    unstable: bool
    platform: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """Every image that is meant, and the table that they make up."""

    columns: tuple[StatusColumn, ...]
    rows: tuple[StatusRow, ...]
    images: tuple[ImageStatus, ...]
