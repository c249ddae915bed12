# SPDX-License-Identifier: Apache-2.0
"""A catalog's images and the history of their Dockerfiles → a manifest.

A Dockerfile in an image's directory is for all architectures; one in a directory below it that has the name of an
architecture (``3.13/trixie/arm32v5``) is for that one alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imagewright.catalog.listing import Listed
from imagewright.emit.library.model import Entry, Library, Source
from imagewright.model.ports import Kept


@dataclass(frozen=True, slots=True)
class MadeLibrary:
    """A manifest, and the images, or platforms of them, that have no Dockerfile and so are not in it: names and
    directories."""

    library: Library
    missing: tuple[tuple[str, str], ...]


def places(image: Listed) -> tuple[str, ...]:
    """The directories where the Dockerfiles of an image may be: that for all, then those of one architecture."""
    own = (f"{image.directory}/{platform.library}" for platform in image.platforms)
    return image.directory, *own


def make_library(images: Iterable[Listed], kept: Mapping[str, Kept], header: Entry) -> MadeLibrary:
    """The manifest of ``images`` whose directories (of :func:`places`) are ``kept`` in a repository.

    Windows images can only be built on the Windows they are made for, and not by BuildKit.
    """
    entries: list[Entry] = []
    missing: list[tuple[str, str]] = []
    for image in images:
        common = kept.get(image.directory)
        own = {platform.library: kept.get(f"{image.directory}/{platform.library}") for platform in image.platforms}
        there = [name for name in own if common or own[name]]
        if not there:
            missing.append((str(image.name), image.directory))
            continue
        missing += [(f"{image.name} {name}", f"{image.directory}/{name}") for name in own if name not in there]
        windows = all(platform.os == "windows" for platform in image.platforms)
        builder = "classic" if windows and header.source.builder != "classic" else ""
        alone = {name: place for name, place in own.items() if place is not None}
        source = _source(common, alone)
        entries.append(
            Entry(
                tags=image.tags.simple,
                shared_tags=image.tags.shared,
                architectures=tuple(there),
                source=Source(commit=source.commit, directory=source.directory, builder=builder),
                by_architecture=tuple((name, _own(place, source)) for name, place in alone.items()),
                constraints=(f"{image.name.variant}-{image.name.suite}",) if windows else (),
            )
        )
    return MadeLibrary(Library(header, tuple(entries)), tuple(missing))


def _source(common: Kept | None, alone: Mapping[str, Kept]) -> Source:
    """What is said for all architectures: the common Dockerfile's place, or else the commit that most have."""
    if common is not None:
        return Source(commit=common.commit, directory=common.directory)
    ((commit, _),) = Counter(place.commit for place in alone.values()).most_common(1)
    return Source(commit=commit)


def _own(place: Kept, said: Source) -> Source:
    """What is said for one architecture: only what is not said for all."""
    return Source(commit=place.commit if place.commit != said.commit else "", directory=place.directory)
