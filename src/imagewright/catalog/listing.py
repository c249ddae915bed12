# SPDX-License-Identifier: Apache-2.0
"""What a catalog publishes: every image with its tags, in publication order, as ``imagewright tags`` lists it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from imagewright.catalog.model import Catalog, TagScheme
from imagewright.catalog.selecting import matching, meant_flavours, refuse_unused
from imagewright.catalog.specs import image_names, parse_spec
from imagewright.catalog.tags import TagDefaults, Tags, directory_of, tags_of
from imagewright.catalog.versions import series_of
from imagewright.errors import ConfigurationError
from imagewright.model.images import ImageName
from imagewright.model.platforms import Platform, in_order


@dataclass(frozen=True, slots=True)
class Listed:
    """One image as it is published: ``directory`` is its Dockerfile's, ``platforms`` those it exists for."""

    name: ImageName
    directory: str
    tags: Tags
    platforms: tuple[Platform, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a catalog is meant: ``specs`` (none: all current images), patterns as in selecting, platforms."""

    specs: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    platforms: tuple[Platform, ...] = ()


def listed(
    catalog: Catalog, scheme: TagScheme, defaults: TagDefaults | None = None, wanted: Wanted | None = None
) -> tuple[Listed, ...]:
    """Images with their tags. Raises :class:`UsageError` for words that mean nothing.

    The order of shared tags is that in which the whole catalog first says them, whatever is left of it here: an
    architecture's own list agrees with everybody's. Raises :class:`ConfigurationError` if two images would have
    one simple tag.
    """
    defaults, wanted = defaults or TagDefaults(), wanted or Wanted()
    names = [parse_spec(spec, catalog, defaults) for spec in wanted.specs]
    chosen = list(dict.fromkeys(names or image_names(catalog, meant_flavours(wanted.only))))
    tagged = {name: tags_of(name, catalog, scheme, defaults) for name in chosen}
    _refuse_collisions(tagged)
    places = _places(catalog, scheme, defaults, tagged)
    return tuple(
        Listed(
            name,
            directory_of(name, catalog, scheme),
            Tags(tags.simple, tuple(sorted(tags.shared, key=places.__getitem__))),
            platforms,
        )
        for name, tags in _only(tagged, wanted.only)
        if _meant(platforms := platforms_of(name, catalog), wanted.platforms)
    )


@dataclass(frozen=True, slots=True)
class SharedGroup:
    """Shared tags that name the same images, in publication order."""

    tags: tuple[str, ...]
    images: tuple[Listed, ...]


def shared_groups(whole: Iterable[Listed], platforms: Sequence[Platform] = ()) -> tuple[SharedGroup, ...]:
    """The shared tags of a whole catalog, together as far as they name the same images.

    With ``platforms``, what is left for these of the groups that everybody sees: their own lists have the
    same groups.
    """
    named: dict[str, list[Listed]] = {}
    for item in whole:
        for tag in item.tags.shared:
            named.setdefault(tag, []).append(item)
    found: list[SharedGroup] = []
    for _, group in groupby(named.items(), key=lambda entry: [item.name for item in entry[1]]):
        tags, images = zip(*group, strict=True)
        kept = tuple(item for item in images[0] if _meant(item.platforms, platforms))
        if kept:
            found.append(SharedGroup(tags, kept))
    return tuple(found)


def platforms_of(name: ImageName, catalog: Catalog) -> tuple[Platform, ...]:
    """The platforms that an image is published for: its suite's, narrowed by its variant and its series."""
    found = set(catalog.by_suite[name.suite].platforms)
    for item in (catalog.by_variant[name.variant], catalog.by_series[series_of(name.release)]):
        if item.platforms:
            found &= set(item.platforms)
    return in_order(found)


def _meant(have: Sequence[Platform], wanted: Sequence[Platform]) -> bool:
    return not wanted or any(platform in have for platform in wanted)


def _only(tagged: dict[ImageName, Tags], patterns: Sequence[str]) -> Iterable[tuple[ImageName, Tags]]:
    if not patterns:
        return tagged.items()
    found = {name: matching(name, tags.simple, patterns) for name, tags in tagged.items()}
    refuse_unused(patterns, found.values())
    return [(name, tags) for name, tags in tagged.items() if found[name]]


def _places(
    catalog: Catalog, scheme: TagScheme, defaults: TagDefaults, tagged: dict[ImageName, Tags]
) -> dict[str, int]:
    """Shared tag → where the whole catalog first says it."""
    found: dict[str, int] = {}
    for name in dict.fromkeys((*image_names(catalog), *tagged)):
        tags = tagged.get(name) or tags_of(name, catalog, scheme, defaults)
        for tag in tags.shared:
            found.setdefault(tag, len(found))
    return found


def _refuse_collisions(tagged: dict[ImageName, Tags]) -> None:
    seen: dict[str, ImageName] = {}
    for name, tags in tagged.items():
        for tag in tags.simple:
            if seen.setdefault(tag, name) != name:
                raise ConfigurationError(
                    f"the tag {tag} would name two images",
                    why=f"{seen[tag]} and {name} both have it in this scheme",
                    hint="leave some out (only_variants, only_suites), or choose another tag_scheme",
                )
