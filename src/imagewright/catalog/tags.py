# SPDX-License-Identifier: Apache-2.0
"""Tags of images, by a scheme's patterns (``data/tags.toml``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from imagewright.catalog.model import Catalog, Series, TagPattern, TagScheme
from imagewright.catalog.possible import possible_suites
from imagewright.catalog.versions import is_prerelease, series_of
from imagewright.model.images import ImageName

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


def default_suite(release: str, variant: str, catalog: Catalog, defaults: TagDefaults) -> str:
    """The suite that a variant of a release has when none is said; "" if there is none."""
    suites = possible_suites(release, variant, catalog)
    return defaults.suite if defaults.suite in suites else next(iter(suites), "")


def tags_of(name: ImageName, catalog: Catalog, scheme: TagScheme, defaults: TagDefaults | None = None) -> Tags:
    """The tags of one image. Raises ``KeyError`` for a series, suite or variant the catalog lacks."""
    words = _words(name, catalog, defaults)
    return Tags(
        simple=_expand(scheme, scheme.simple, words),
        shared=_expand(scheme, scheme.shared, words),
    )


def dated_tags(name: ImageName, catalog: Catalog, scheme: TagScheme, epoch: int) -> tuple[str, ...]:
    """The tags that say when an image's content was made (``epoch`` in seconds): ``3.13.15-slim-trixie-20261120``.

    The moment is the image's own creation date, which follows from its inputs: the same image, the same tags.
    """
    words = _words(name, catalog, None, date=dt.datetime.fromtimestamp(epoch, dt.UTC).strftime("%Y%m%d"))
    return _expand(scheme, scheme.dated, words)


def directory_of(name: ImageName, catalog: Catalog, scheme: TagScheme) -> str:
    """Where the image's Dockerfile is published: the first path of the scheme whose conditions hold."""
    words = _words(name, catalog, None)
    for pattern in scheme.directories:
        if _applies(pattern, words):
            parts = (_directory(part, words) for part in pattern.tag.split("/"))
            return "/".join(part for part in parts if part)
    return f"{_series(words)}/{str(name).partition('-')[2]}"


@dataclass(frozen=True, slots=True)
class _Words:
    name: ImageName
    series: Series
    word: str
    conditions: frozenset[str]
    date: str = ""


def _words(name: ImageName, catalog: Catalog, defaults: TagDefaults | None, date: str = "") -> _Words:
    series = catalog.by_series[series_of(name.release)]
    word = catalog.by_variant[name.variant].word
    found = {"windows" if catalog.by_suite[name.suite].distribution == "windows" else "linux"}
    defaults = defaults or TagDefaults()
    if name.suite == default_suite(name.release, name.variant, catalog, defaults):
        found.add("default-suite")
    if name.variant == defaults.variant:
        found.add("default-variant")
    if word:
        found.add("variant-word")
    return _Words(name, series, word, frozenset(found), date)


def _applies(pattern: TagPattern, words: _Words) -> bool:
    fits = not pattern.variants or words.name.variant in pattern.variants
    return fits and words.conditions.issuperset(pattern.when)


def _expand(scheme: TagScheme, patterns: Iterable[TagPattern], words: _Words) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for pattern in patterns:
        if _applies(pattern, words):
            found.update(dict.fromkeys(_filled(pattern.tag, scheme, words)))
    return tuple(found)


def _filled(pattern: str, scheme: TagScheme, words: _Words) -> Iterator[str]:
    """A pattern begins with the version, or is nothing but one kind of it; the other words follow it."""
    head, _, rest = pattern.partition("-")
    tail = _joined(rest, words)
    for template in scheme.versions if head == "{version}" else (head,):
        for version in _version(template, words):
            yield tail if tail and version == "latest" else f"{version}-{tail}" if tail else version


def _joined(pattern: str, words: _Words) -> str:
    """Words joined by dashes, without empty ones and without those that the next one begins with."""
    values = {"{variant}": words.word, "{suite}": words.name.suite, "{date}": words.date}
    found = [value for part in pattern.split("-") if (value := values.get(part, part))]
    return "-".join(
        word for word, after in zip_longest(found, found[1:], fillvalue="") if not after.startswith(word)
    )


def _directory(part: str, words: _Words) -> str:
    values = {"{series}": _series(words), "{release}": f"{words.name.release}{words.name.flavour.value}"}
    return values.get(part) or _joined(part, words)


def _series(words: _Words) -> str:
    return f"{words.series.name}{words.name.flavour.value}{'-rc' if is_prerelease(words.name.release) else ''}"


def _version(template: str, words: _Words) -> Iterator[str]:
    flavour = words.name.flavour.value
    if template == "{release}":
        yield f"{words.name.release}{flavour}"
    elif words.name.release != words.series.current:
        return
    elif template == "{series}":
        yield _series(words)
    else:
        # "latest" and "rc" are the default flavour's alone; "3t" is not ambiguous.
        aliases = words.series.said_aliases
        yield from (f"{alias}{flavour}" for alias in aliases if not flavour or alias[0].isdigit())
