# SPDX-License-Identifier: Apache-2.0
"""A catalog's images and the history of their Dockerfiles → a manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from imagewright.catalog.listing import Listed
from imagewright.emit.library.model import Entry, Library, Source
from imagewright.model.platforms import Platform
from imagewright.model.ports import Kept


@dataclass(frozen=True, slots=True)
class MadeLibrary:
    """A manifest, and the images that have no Dockerfile and so are not in it: names and directories."""

    library: Library
    missing: tuple[tuple[str, str], ...]


def make_library(images: Iterable[Listed], kept: Mapping[str, Kept], header: Entry) -> MadeLibrary:
    """The manifest of ``images`` whose directories are ``kept`` in a repository.

    Windows images can only be built on the Windows they are made for, and not by BuildKit.
    """
    entries: list[Entry] = []
    missing: list[tuple[str, str]] = []
    for image in images:
        place = kept.get(image.directory)
        if place is None:
            missing.append((str(image.name), image.directory))
            continue
        windows = all(platform.os == "windows" for platform in image.platforms)
        builder = "classic" if windows and header.source.builder != "classic" else ""
        entries.append(
            Entry(
                tags=image.tags.simple,
                shared_tags=image.tags.shared,
                architectures=_names(image.platforms),
                source=Source(commit=place.commit, directory=place.directory, builder=builder),
                constraints=(f"{image.name.variant}-{image.name.suite}",) if windows else (),
            )
        )
    return MadeLibrary(Library(header, tuple(entries)), tuple(missing))


def _names(platforms: Iterable[Platform]) -> tuple[str, ...]:
    return tuple(platform.library for platform in platforms)
