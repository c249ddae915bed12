# SPDX-License-Identifier: Apache-2.0
"""Listing the tags of a catalog. Nothing is fetched, and no store is opened."""

from __future__ import annotations

from imagewright.app.world import World, read_text
from imagewright.catalog.listing import Wanted, listed
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.shipped import shipped_documents
from imagewright.catalog.tags import TagDefaults
from imagewright.model.options import TagOptions
from imagewright.model.results import TaggedImage


def tagged_images(world: World, specs: tuple[str, ...], options: TagOptions) -> tuple[TaggedImage, ...]:
    """Images with their tags; another catalog stands alone, without what ``imagewright.toml`` says."""
    if options.catalog is None:
        settings = world.settings()
        catalog, scheme, defaults = world.catalog, settings.scheme, settings.tag_defaults
    else:
        schemes = {"tags.toml": shipped_documents()["tags.toml"]}
        catalog, scheme = load_tag_catalog(read_text(options.catalog), str(options.catalog), schemes)
        defaults = TagDefaults()
    wanted = Wanted(specs, options.only, options.platforms)
    return tuple(
        TaggedImage(
            str(item.name),
            item.directory,
            item.tags.simple,
            item.tags.shared,
            tuple(platform.library for platform in item.platforms),
        )
        for item in listed(catalog, catalog.by_scheme[scheme], defaults, wanted)
    )
