# SPDX-License-Identifier: Apache-2.0
"""``--all`` and ``--only``: what of a catalog is meant, and what is left out, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from imagewright.catalog.model import Catalog
from imagewright.catalog.resolve import define
from imagewright.catalog.settings import Settings
from imagewright.catalog.specs import places
from imagewright.catalog.tags import tags_of
from imagewright.errors import UsageError
from imagewright.model.images import Flavour, ImageDefinition, ImageName
from imagewright.model.platforms import Platform
from imagewright.model.results import LeftOut

_FLAVOURED = re.compile(r"[\d.*?]*[\d*?](?P<flavour>[td])(-.*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a catalog offers of what was asked for: definitions in publication order, and what is left out."""

    definitions: tuple[ImageDefinition, ...]
    left_out: tuple[LeftOut, ...]


def offered(
    catalog: Catalog, settings: Settings, platforms: Iterable[Platform], only: Sequence[str] = ()
) -> Offer:
    """Every image of the current releases on every platform, narrowed by ``only``; nothing is left out silently.

    A pattern (``fnmatch``) matches an image by any of its simple tags, or by what follows the version in its name:
    ``3.13-*``, ``slim-*``, ``slim-trixie``. Flavours other than the default one are meant only by patterns that
    say so: ``3.14t-*``. Raises :class:`UsageError` for a pattern that matches nothing.
    """
    wanted = tuple(platforms)
    used: list[set[str]] = []
    scheme = catalog.by_scheme[settings.scheme]
    definitions: list[ImageDefinition] = []
    left_out: list[LeftOut] = []
    for name in current_images(catalog, meant_flavours(only)):
        if only:
            used.append(matching(name, tags_of(name, catalog, scheme, settings.tag_defaults).simple, only))
            if not used[-1]:
                continue
        for platform in wanted:
            try:
                definitions.append(define(name, catalog, settings, platform))
            except UsageError as error:
                left_out.append(LeftOut(str(name), str(platform), error.why or error.message))
    refuse_unused(only, used)
    return Offer(tuple(definitions), tuple(left_out))


def current_images(catalog: Catalog, flavours: Iterable[Flavour] = (Flavour.DEFAULT,)) -> Iterator[ImageName]:
    """Every image of the current releases in publication order, also what cannot be built yet."""
    chosen = tuple(flavours)
    for series in catalog.series:
        for suite, variant in places(series, catalog):
            for flavour in chosen:
                yield ImageName(series.current, flavour, variant, suite)


def meant_flavours(only: Iterable[str]) -> tuple[Flavour, ...]:
    """The flavours that patterns say; the default one where there are none."""
    said = {_flavour(pattern) for pattern in only} or {Flavour.DEFAULT}
    return tuple(flavour for flavour in Flavour if flavour in said)


def matching(name: ImageName, tags: Iterable[str], only: Iterable[str]) -> set[str]:
    """The patterns that mean an image, which has these simple tags."""
    patterns = [pattern for pattern in only if _flavour(pattern) is name.flavour]
    if not patterns:
        return set()
    words = [str(name), *tags, str(name).partition("-")[2]]
    return {pattern for pattern in patterns if any(fnmatchcase(word, pattern) for word in words)}


def refuse_unused(only: Iterable[str], used: Iterable[set[str]]) -> None:
    """Raise :class:`UsageError` for a pattern that is in none of ``used``."""
    unused = set(only).difference(*used)
    if unused:
        raise UsageError(
            f"--only {min(unused)} matches no image of the catalog",
            hint="a pattern matches simple tags, or what follows the version: '3.13-*', 'slim-*'",
        )


def _flavour(pattern: str) -> Flavour:
    match = _FLAVOURED.fullmatch(pattern)
    return Flavour(match["flavour"]) if match else Flavour.DEFAULT
