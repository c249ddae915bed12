# SPDX-License-Identifier: Apache-2.0
"""Reading a SPEC, as tags are written: ``[release or series][t|d][-variant][-suite]``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from imagewright.catalog.model import Catalog, Series
from imagewright.catalog.possible import hindrance, others, possible_suites
from imagewright.catalog.reading import did_you_mean
from imagewright.catalog.tags import TagDefaults, default_suite
from imagewright.catalog.versions import is_prerelease, is_release, series_of
from imagewright.errors import UsageError
from imagewright.model.images import Flavour, ImageName

_MAXIMUM = 128
"""Characters of a tag (OCI distribution specification, "Pulling manifests")."""

_NUMBERED = re.compile(r"(?P<version>\d+(?:\.\d+){0,2}(?:(?:a|b|rc)\d+)?)(?P<flavour>[a-z]?)", re.ASCII)


def parse_spec(text: str, catalog: Catalog, defaults: TagDefaults | None = None) -> ImageName:
    """The image that ``text`` names. Raises :class:`UsageError` saying what there is instead."""
    defaults = defaults or TagDefaults()
    if not text or len(text) > _MAXIMUM:
        raise UsageError(f"{text[:_MAXIMUM]!r} does not name an image", hint=_example(catalog))
    words = text.split("-")
    series, release, flavour, used = _version(text, words, catalog)
    rest = words[used:]
    said, rest = _variant(rest, catalog)
    suite = "-".join(rest)
    if rest and suite not in catalog.by_suite:
        raise _unknown(text, rest, catalog)
    variant = said or _fitting(suite, series, catalog, defaults)
    if not suite:
        # Where every suite is too new for the release, the first one shows why.
        suite = default_suite(release, variant, catalog, defaults) or next(
            iter(catalog.suites_of(series.name, variant)), ""
        )
    name = ImageName(release, flavour, variant, suite)
    suites = catalog.suites_of(series.name, variant) if variant in catalog.by_variant else ()
    if suite not in suites:
        raise _not_offered(series, name, catalog)
    refuse_impossible(name, catalog)
    return name


def refuse_impossible(name: ImageName, catalog: Catalog) -> None:
    """Raise :class:`UsageError` where the suite is too new for the release, naming images that there are."""
    why = hindrance(name.release, name.suite, catalog)
    if not why:
        return
    there = [replace(name, suite=suite) for suite in possible_suites(name.release, name.variant, catalog)[:1]]
    there += [replace(name, release=release) for release in islice(others(name.release, name.suite, catalog), 1)]
    raise UsageError(
        f"{name} cannot be built",
        why=why,
        hint=f"there is {' and '.join(map(str, there))}" if there else "",
    )


def image_names(catalog: Catalog, flavours: Iterable[Flavour] = (Flavour.DEFAULT,)) -> Iterator[ImageName]:
    """Every image of the current releases, in publication order, but for what is planned or impossible.

    What must be named is left out too. Suite by suite, then variant by variant, then flavour by flavour.
    """
    chosen = tuple(flavours)
    for series in catalog.series:
        if series.planned:
            continue
        for suite, variant in places(series, catalog):
            place = catalog.by_suite[suite]
            apart = place.planned or place.named_only or catalog.by_variant[variant].planned
            if not (apart or hindrance(series.current, suite, catalog)):
                yield from (ImageName(series.current, flavour, variant, suite) for flavour in chosen)


def places(series: Series, catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Every suite and variant that a series has, in publication order."""
    for suite in series.suites:
        for variant in catalog.variants:
            if suite in catalog.suites_of(series.name, variant.name):
                yield suite, variant.name


def _variant(words: Sequence[str], catalog: Catalog) -> tuple[str, list[str]]:
    """The variant whose word, of one or several parts, is the longest that ``words`` begin with; and the rest."""
    by_word = {variant.word: variant.name for variant in catalog.variants if variant.word}
    for used in range(len(words), 0, -1):
        if found := by_word.get("-".join(words[:used])):
            return found, list(words[used:])
    return "", list(words)


def _fitting(suite: str, series: Series, catalog: Catalog, defaults: TagDefaults) -> str:
    """The variant that is meant where none is said: the default one, or the first that the suite has at all."""
    if not suite or suite in catalog.suites_of(series.name, defaults.variant):
        return defaults.variant
    return next((name for place, name in places(series, catalog) if place == suite), defaults.variant)


def _not_offered(series: Series, name: ImageName, catalog: Catalog) -> UsageError:
    """Say what there is of the series instead."""
    variant, suite = name.variant, name.suite
    suites = possible_suites(name.release, variant, catalog) if variant in catalog.by_variant else ()
    if not suites:
        names = dict.fromkeys(name for _, name in places(series, catalog))
        return UsageError(
            f"CPython {series.name} has no {variant} images", why=f"its variants are {', '.join(names)}"
        )
    hint = f"say one of them, such as {replace(name, suite=suites[0])}"
    if suite in series.suites:
        return UsageError(
            f"{suite} has no {variant} images of CPython {series.name}",
            why=f"the suites of {variant} are {', '.join(suites)}",
            hint=hint,
        )
    why = hindrance(name.release, suite, catalog)
    there = f"the suites of {series.name} are {', '.join(suites)}"
    return UsageError(
        f"CPython {series.name} is not built for {suite}",
        why=why or there,
        hint=f"{there}: {hint}" if why else hint,
    )


def _version(text: str, words: list[str], catalog: Catalog) -> tuple[Series, str, Flavour, int]:
    """Series, release and flavour, and how many words they took; without any, the newest series."""
    first = words[0]
    if series := _aliased(first, catalog):
        return series, series.current, Flavour.DEFAULT, 1
    match = _NUMBERED.fullmatch(first)
    if match is None:
        newest = _aliased("latest", catalog) or catalog.series[0]
        return newest, newest.current, Flavour.DEFAULT, 0
    version, flavour = match["version"], _flavour(text, first, match["flavour"])
    if version in catalog.by_release:
        return catalog.by_series[catalog.by_release[version].series], version, flavour, 1
    if is_release(version) and (found := catalog.by_series.get(series_of(version))) and version == found.current:
        return found, version, flavour, 1
    found = catalog.by_series.get(version) or _aliased(version, catalog)
    if found is None:
        known = [*catalog.by_release, *catalog.by_series]
        raise UsageError(
            f"{text!r} does not name an image",
            why=f"there is no CPython {version} in the catalog",
            hint=did_you_mean(version, known) or _example(catalog),
            details={"known": known},
        )
    used = 2 if len(words) > 1 and words[1] == "rc" and is_prerelease(found.current) else 1
    return found, found.current, flavour, used


def _flavour(text: str, word: str, suffix: str) -> Flavour:
    try:
        return Flavour(suffix)
    except ValueError:
        raise UsageError(
            f"{text!r} does not name an image",
            why=f"{word!r} ends in {suffix!r}, which is no flavour",
            hint="flavours are t (free-threaded) and d (debug), as in 3.13t",
        ) from None


def _aliased(word: str, catalog: Catalog) -> Series | None:
    name = catalog.by_alias.get(word)
    series = catalog.by_series.get(name) if name else None
    return series if series and word in series.said_aliases else None


def _unknown(text: str, rest: list[str], catalog: Catalog) -> UsageError:
    """Say which word means nothing, and the whole SPEC that was probably meant."""
    known = [*(variant.word for variant in catalog.variants if variant.word), *catalog.by_suite]
    word = next((word for word in rest if word not in known), rest[-1])
    if word in known:
        return UsageError(
            f"{text!r} does not name an image",
            why=f"{'-'.join(rest)!r} is not a suite",
            hint="the words come in this order: release or series, variant, suite",
        )
    hint = did_you_mean(word, known)
    if hint.startswith("did you mean"):
        nearest = hint.removeprefix("did you mean ").removesuffix("?").split(" or ")
        hint = f"did you mean {' or '.join(text.replace(word, near, 1) for near in nearest)}?"
    return UsageError(
        f"{text!r} does not name an image",
        why=f"{word!r} is neither a variant nor a suite",
        hint=hint or _example(catalog),
        details={"known": known},
    )


def _example(catalog: Catalog) -> str:
    series = catalog.series[0] if catalog.series else None
    return f"an image is named as in tags: {series.name}-slim-{series.default_suite}" if series else ""
