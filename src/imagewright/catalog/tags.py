# SPDX-License-Identifier: Apache-2.0
"""Tags of images, by a scheme's patterns (``data/tags.toml``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imagewright.catalog.model import Catalog, Series, TagPattern, TagScheme
from imagewright.catalog.versions import is_prerelease
from imagewright.model.images import ImageName

DEFAULT_SCHEME = "official"
DEFAULT_VARIANT = "full"


@dataclass(frozen=True, slots=True)
class Tags:
    """``simple`` tags name this image alone, ``shared`` ones may name others too; in publication order."""

    simple: tuple[str, ...]
    shared: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TagDefaults:
    """What a tag without the word means: ``variant``, and ``suite`` ("" leaves it to the series)."""

    variant: str = DEFAULT_VARIANT
    suite: str = ""


def tags_of(name: ImageName, catalog: Catalog, scheme: TagScheme, defaults: TagDefaults | None = None) -> Tags:
    """The tags of one image. Raises ``KeyError`` for a release, series or variant the catalog lacks."""
    defaults = defaults or TagDefaults()
    series = catalog.by_series[catalog.by_release[name.release].series]
    words = _Words(
        name=name,
        series=series,
        word=catalog.by_variant[name.variant].word,
        conditions=frozenset(_conditions(name, series, defaults)),
    )
    return Tags(
        simple=_expand(scheme, scheme.simple, words),
        shared=_expand(scheme, scheme.shared, words),
    )


@dataclass(frozen=True, slots=True)
class _Words:
    name: ImageName
    series: Series
    word: str
    conditions: frozenset[str]


def _conditions(name: ImageName, series: Series, defaults: TagDefaults) -> Iterator[str]:
    suite = defaults.suite if defaults.suite in series.suites else series.default_suite
    if name.suite == suite:
        yield "default-suite"
    if name.variant == defaults.variant:
        yield "default-variant"


def _expand(scheme: TagScheme, patterns: Iterable[TagPattern], words: _Words) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in patterns:
        if pattern.variants and words.name.variant not in pattern.variants:
            continue
        if words.conditions.issuperset(pattern.when):
            found.update(dict.fromkeys(_filled(pattern.tag, scheme, words)))
    return tuple(found)


def _filled(pattern: str, scheme: TagScheme, words: _Words) -> Iterator[str]:
    """A pattern begins with the version, or is nothing but the aliases; the other words follow it."""
    head, *rest = pattern.split("-")
    versions = (head,) if head == "{aliases}" else scheme.versions
    tail = [word for word in (part.format(variant=words.word, suite=words.name.suite) for part in rest) if word]
    for template in versions:
        for version in _version(template, words):
            yield "-".join(tail if tail and version == "latest" else [version, *tail])


def _version(template: str, words: _Words) -> Iterator[str]:
    flavour = words.name.flavour.value
    if template == "{release}":
        yield f"{words.name.release}{flavour}"
    elif words.name.release != words.series.current:
        return
    elif template == "{series}":
        yield f"{words.series.name}{flavour}{'-rc' if is_prerelease(words.name.release) else ''}"
    else:
        # "latest" and "rc" are the default flavour's alone; "3t" is not ambiguous.
        aliases = words.series.aliases
        yield from (f"{alias}{flavour}" for alias in aliases if not flavour or alias[0].isdigit())
