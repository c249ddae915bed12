# SPDX-License-Identifier: Apache-2.0
"""The library manifest: written from a catalog and its Dockerfiles' history, read, and taken over."""

from __future__ import annotations

from dataclasses import astuple
from pathlib import Path

from imagewright.app.tagging import listed_images
from imagewright.app.world import World, read_text
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.emit.library.conversion import convert
from imagewright.emit.library.making import make_library, places
from imagewright.emit.library.model import Entry, Library, Source
from imagewright.emit.library.reading import ReadLibrary, read_library
from imagewright.emit.library.writing import write_library
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.emitted import LibraryEntry, LibraryManifest, LibraryOptions, LibrarySource, TakenOver
from imagewright.model.ports import History

_COMMENT = "Written by imagewright library from the catalog; changes here are lost."


def write_manifest(world: World, options: LibraryOptions, history: History) -> LibraryManifest:
    """The manifest of a catalog's images that have a committed Dockerfile.

    Raises :class:`UsageError` where nobody says who maintains it or where the repository is, and
    :class:`ConfigurationError` where no image has a Dockerfile.
    """
    images = listed_images(world, (), options)
    repository = options.repository or history.origin()
    if not repository:
        raise UsageError("the repository's address is not known", hint="say it: --repo https://…")
    if not options.maintainers:
        raise UsageError(
            "nobody is said to maintain the images", hint="say who: --maintainer 'Full Name <mail> (@handle)'"
        )
    header = Entry(maintainers=options.maintainers, source=Source(repository=repository, builder="buildkit"))
    made = make_library(images, history.kept(place for image in images for place in places(image)), header)
    missing = tuple(f"{name} ({directory}/Dockerfile)" for name, directory in made.missing)
    if not made.library.entries:
        raise ConfigurationError(
            f"{options.git} has no Dockerfile of the catalog's images",
            why=f"for one, {missing[0]} is not committed there" if missing else "the catalog has no images",
            hint="name the repository of the generated Dockerfiles with --git DIR",
        )
    text = write_library(made.library, comment=_COMMENT)
    # What was written is read as any manifest is, so that nothing is published that others would refuse.
    return _view(read_library(text, "what would be written"), missing)


def read_manifest(path: Path) -> LibraryManifest:
    """A manifest as it is. Raises :class:`ConfigurationError` with every line that is wrong."""
    return _view(read_library(read_text(path), str(path)))


def take_over(path: Path) -> TakenOver:
    """The catalog of a manifest. Raises :class:`ConfigurationError` with every line that stands against it."""
    library = read_library(read_text(path), str(path)).library
    schemes = {"tags.toml": shipped_documents()["tags.toml"]}
    converted = convert(library, schemes, shipped_catalog().by_scheme)
    return TakenOver(converted.text, converted.differences)


def _view(read: ReadLibrary, missing: tuple[str, ...] = ()) -> LibraryManifest:
    library = read.library
    entries = tuple(_entry(library, entry) for entry in library.entries)
    return LibraryManifest(library.header.maintainers, entries, read.document.text, missing)


def _entry(library: Library, entry: Entry) -> LibraryEntry:
    sources = tuple(
        LibrarySource(name, *astuple(library.source(entry, name))) for name in library.architectures(entry)
    )
    return LibraryEntry(entry.line, entry.tags, entry.shared_tags, library.constraints(entry), sources)
