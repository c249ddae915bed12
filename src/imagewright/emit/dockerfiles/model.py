# SPDX-License-Identifier: Apache-2.0
"""What a Dockerfile is made from, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imagewright.catalog.model import Catalog
from imagewright.model.images import ImageDefinition, ImageName
from imagewright.model.lock import LockedProfile, LockedSource, LockedWheel, PackageSet
from imagewright.model.plan import Script


@dataclass(frozen=True, slots=True)
class Style:
    """How Dockerfiles are written.

    ``classic`` uses no here-documents, for builders that lack them. ``bases`` maps the reference of a base image,
    as the catalog gives it, to the one that is meant, with a digest for instance. ``mirrors`` (role → address)
    become the defaults of build arguments; without one, whoever builds says it, or the base image's own sources
    are asked.
    """

    classic: bool = False
    bases: Mapping[str, str] = field(default_factory=dict)
    mirrors: Mapping[str, str] = field(default_factory=dict)

    def base(self, reference: str) -> str:
        """The base image that is meant by a reference of the catalog's."""
        return self.bases.get(reference, reference)


@dataclass(frozen=True, slots=True)
class LockedSets:
    """The packages of a lock for one image on one platform."""

    base: PackageSet
    buildroot: PackageSet
    runtime: PackageSet


@dataclass(frozen=True, slots=True)
class PlatformBuild:
    """One image on one platform: its definition, its inputs, and the scripts that compile its interpreter.

    ``architecture`` is the distribution's name for the platform's, as its package manager tells it to a shell.
    ``locked`` is ``None`` where the lock does not know the image: versions are then the archive's of the day.
    ``wheels`` are Python packages of a person's own.
    """

    definition: ImageDefinition
    architecture: str
    source: LockedSource
    profile: LockedProfile | None = None
    scripts: tuple[Script, ...] = ()
    locked: LockedSets | None = None
    wheels: tuple[LockedWheel, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """One Dockerfile to write: an image with all its platforms, in the order of platforms; at least one.

    Either all of ``builds`` are locked, or none. ``files`` are those that the configuration names, by path.
    """

    name: ImageName
    builds: tuple[PlatformBuild, ...]
    catalog: Catalog
    style: Style = field(default_factory=Style)
    files: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A Dockerfile: ``text``, and the files that must lie beside it (name → what its content is called).

    A file's content is named as the lock names it, ``catalog:cpython-….tar.xz``, or as ``file:`` and the path that
    the configuration has.
    """

    text: str
    beside: tuple[tuple[str, str], ...] = ()
