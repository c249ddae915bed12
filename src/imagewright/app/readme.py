# SPDX-License-Identifier: Apache-2.0
"""READMEs of repositories, from a catalog, the publication's links and the commits of Dockerfiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from imagewright.app.git import GitHistory
from imagewright.app.statuses import status
from imagewright.app.tagging import listed_images, tagging
from imagewright.app.world import World, read_text
from imagewright.catalog.listing import Listed
from imagewright.catalog.publication import ReadmeStyle
from imagewright.describe.status_text import markdown
from imagewright.emit.library.making import places
from imagewright.emit.library.model import Entry, Library
from imagewright.emit.library.reading import read_library
from imagewright.emit.readme.facts import Dockerfile, make_facts, parse_repository
from imagewright.emit.readme.rendering import write_readme, write_status_readme
from imagewright.model.emitted import Readme, ReadmeOptions
from imagewright.model.platforms import Platform
from imagewright.model.statuses import StatusOptions


def describe_repository(world: World, name: str, options: ReadmeOptions) -> Readme:
    """The README of a repository. Raises :class:`UsageError` for a name without images."""
    publication = world.publication
    style = ReadmeStyle(options.style) if options.style else publication.style
    catalog = tagging(world, options.catalog).catalog
    whole = listed_images(world, (), replace(options, platforms=()))
    facts = make_facts(
        name, whole, catalog, publication, _dockerfiles(options, whole, parse_repository(name).platform)
    )
    if style is ReadmeStyle.INFRA7:
        with world.read_store() as store:
            found = status(world, store, StatusOptions(options.catalog, only=options.only, every=True))
        written = write_status_readme(facts, markdown(found))
    else:
        written = write_readme(facts, style)
    return Readme(name, style.value, written.text, written.size, written.shortened)


def _dockerfiles(
    options: ReadmeOptions, images: Sequence[Listed], platform: Platform | None
) -> dict[str, Dockerfile] | None:
    """Where the Dockerfile of each image is kept, the platform's own if it has one; ``None`` if nobody knows."""
    if options.library is not None:
        library = read_library(read_text(options.library), str(options.library)).library
        by_tag = {tag: entry for entry in library.entries for tag in entry.tags}
        named = ((image, by_tag.get(image.tags.simple[0])) for image in images)
        return {str(image.name): _said(library, entry, platform) for image, entry in named if entry is not None}
    if options.git is not None:
        kept = GitHistory(options.git).kept(place for image in images for place in places(image))
        found: dict[str, Dockerfile] = {}
        for image in images:
            place = kept.get(f"{image.directory}/{platform.library}") if platform else None
            place = place or next((kept[name] for name in places(image) if name in kept), None)
            if place is not None:
                found[str(image.name)] = Dockerfile(place.commit, place.directory)
        return found
    return None


def _said(library: Library, entry: Entry, platform: Platform | None) -> Dockerfile:
    there = library.architectures(entry)
    own = platform.library if platform is not None and platform.library in there else there[0]
    source = library.source(entry, own)
    return Dockerfile(source.commit, source.directory, source.file)
