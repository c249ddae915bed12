# SPDX-License-Identifier: Apache-2.0
"""Listing the tags of a catalog. Nothing is fetched, and no store is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewright.app.world import World, read_text
from imagewright.catalog.listing import Listed, Wanted, listed
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.model import Catalog, TagScheme
from imagewright.catalog.shipped import shipped_documents
from imagewright.catalog.tags import TagDefaults
from imagewright.model.options import TagOptions
from imagewright.model.platforms import Platform
from imagewright.model.results import TaggedImage


class Narrowing(Protocol):
    """Options that say which catalog is meant, and what of it."""

    @property
    def catalog(self) -> Path | None:
        """Another, whole catalog."""

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Images for these; none: all."""

    @property
    def only(self) -> tuple[str, ...]:
        """Patterns of tags; none: all."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """A catalog and how its images are tagged."""

    catalog: Catalog
    scheme: TagScheme
    defaults: TagDefaults


def tagging(world: World, path: Path | None) -> Tagging:
    """The catalog that holds here, or another one, which stands alone, without what ``imagewright.toml`` says."""
    if path is None:
        settings = world.settings()
        return Tagging(world.catalog, world.catalog.by_scheme[settings.scheme], settings.tag_defaults)
    schemes = {"tags.toml": shipped_documents()["tags.toml"]}
    catalog, scheme = load_tag_catalog(read_text(path), str(path), schemes)
    return Tagging(catalog, catalog.by_scheme[scheme], TagDefaults())


def listed_images(world: World, specs: tuple[str, ...], options: Narrowing) -> tuple[Listed, ...]:
    """Images of a catalog, in publication order."""
    found = tagging(world, options.catalog)
    return listed(found.catalog, found.scheme, found.defaults, Wanted(specs, options.only, options.platforms))


def tagged_images(world: World, specs: tuple[str, ...], options: TagOptions) -> tuple[TaggedImage, ...]:
    """Images with their tags."""
    return tuple(
        TaggedImage(
            str(item.name),
            item.directory,
            item.tags.simple,
            item.tags.shared,
            tuple(platform.library for platform in item.platforms),
        )
        for item in listed_images(world, specs, options)
    )
