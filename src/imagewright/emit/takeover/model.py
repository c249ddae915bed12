# SPDX-License-Identifier: Apache-2.0
"""What a repository says that a configuration of ours can say too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagewright.model.takeovers import Kind, Remark

MAXIMUM = 256 << 10
"""Characters of one file that is read."""


@dataclass(slots=True)
class Remarks:
    """Collects what cannot be carried over; the same thing at the same place once."""

    found: dict[Remark, None] = field(default_factory=dict)

    def add(self, file: str, line: int, what: str) -> None:
        """Note one thing."""
        self.found[Remark(file, line, what)] = None


@dataclass(frozen=True, slots=True)
class Place:
    """An image by its Dockerfile: ``file`` below the repository, ``variant`` and ``suite`` by our names."""

    variant: str
    suite: str
    file: str


@dataclass(frozen=True, slots=True)
class Series:
    """A series: its current release, the digest of its source ("" where nobody says), its images in order."""

    name: str
    release: str
    sha256: str
    places: tuple[Place, ...]
    file: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Extra:
    """What a Dockerfile has besides what our recipe does anyway."""

    packages: tuple[str, ...] = ()
    configure: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    directory: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """All of a repository that was understood. ``extras`` are by Dockerfile; ``suite`` is the default one."""

    kind: Kind
    series: tuple[Series, ...]
    extras: Mapping[str, Extra]
    suite: str = ""
