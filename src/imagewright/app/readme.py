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
from imagewright.emit.library.reading import read_library
from imagewright.emit.readme.facts import make_facts
from imagewright.emit.readme.rendering import write_readme, write_status_readme
from imagewright.model.emitted import Readme, ReadmeOptions
from imagewright.model.statuses import StatusOptions


def describe_repository(world: World, name: str, options: ReadmeOptions) -> Readme:
    """The README of a repository. Raises :class:`UsageError` for a name without images."""
    publication = world.publication
    style = ReadmeStyle(options.style) if options.style else publication.style
    catalog = tagging(world, options.catalog).catalog
    whole = listed_images(world, (), replace(options, platforms=()))
    facts = make_facts(name, whole, catalog, publication, _commits(options, whole))
    if style is ReadmeStyle.INFRA7:
        with world.open_store() as store:
            found = status(world, store, StatusOptions(options.catalog, only=options.only, every=True))
        written = write_status_readme(facts, markdown(found))
    else:
        written = write_readme(facts, style)
    return Readme(name, style.value, written.text, written.size, written.shortened)


def _commits(options: ReadmeOptions, images: Sequence[Listed]) -> dict[str, str]:
    """The commit of each directory, as far as it is known."""
    if options.library is not None:
        library = read_library(read_text(options.library), str(options.library)).library
        found: dict[str, str] = {}
        for entry in library.entries:
            source = library.source(entry, library.architectures(entry)[0])
            found[source.directory] = source.commit
        return found
    if options.git is not None:
        kept = GitHistory(options.git).kept(image.directory for image in images)
        return {directory: place.commit for directory, place in kept.items()}
    return {}
