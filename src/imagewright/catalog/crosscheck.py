# SPDX-License-Identifier: Apache-2.0
"""What no single table of a catalog can know: names that point nowhere, aliases that point to two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from imagewright.catalog.model import PRERELEASE_ALIAS, Catalog, Series, TagPattern, TagScheme
from imagewright.catalog.reading import Table, did_you_mean
from imagewright.catalog.versions import is_prerelease, series_of
from imagewright.errors import Problems


def cross_check(
    catalog: Catalog, tables: Mapping[str, Sequence[Table]], problems: Problems, *, tags_only: bool = False
) -> None:
    """Note every reference that does not hold; ``tables`` are those the catalog was read from, by kind.

    ``tags_only``: a catalog that nothing is built from need neither pin releases nor say who signs them.
    """
    _series(catalog, tables["series"], tags_only=tags_only)
    for release, table in zip(catalog.releases, tables["release"], strict=True):
        if release.series and release.series not in catalog.by_series:
            table.wrong(
                "version",
                f"there is no series {release.series!r}",
                did_you_mean(release.series, catalog.by_series),
            )
    for suite, table in zip(catalog.suites, tables["suite"], strict=True):
        names = suite.ports.architectures if suite.ports else ()
        place = f"{table.where('ports')}.architectures[%d]"
        _known(names, dict.fromkeys(suite.architectures), place, "architecture", problems)
    for variant, table in zip(catalog.variants, tables["variant"], strict=True):
        for key, wishes in (("packages", variant.packages), ("base", variant.base), ("build", variant.build)):
            for number, wish in enumerate(wishes):
                _suites(wish.suites, f"{table.where(key)}[{number}].suites", catalog, problems)
        if variant.like and variant.like not in catalog.by_variant:
            known = did_you_mean(variant.like, catalog.by_variant)
            table.wrong("like", f"there is no variant {variant.like!r}", known)
    for wish, table in zip(catalog.toolchain, tables["package"], strict=True):
        _suites(wish.suites, table.where("suites"), catalog, problems)
        _suites(wish.not_in, table.where("not_in"), catalog, problems)
    for scheme, table in zip(catalog.schemes, tables["scheme"], strict=True):
        for kind, patterns in _patterns(scheme):
            for number, pattern in enumerate(patterns):
                place = f"{table.where(kind)}[{number}].variants"
                _known(pattern.variants, catalog.by_variant, f"{place}[%d]", "variant", problems)


def _series(catalog: Catalog, tables: Sequence[Table], *, tags_only: bool) -> None:
    aliases: dict[str, str] = {}
    for series, table in zip(catalog.series, tables, strict=True):
        if series.current and not tags_only and series.current not in catalog.by_release:
            hint = did_you_mean(series.current, catalog.by_release)
            table.wrong("current", f"there is no release {series.current!r}", hint)
        elif series.current and series_of(series.current) != series.name:
            table.wrong("current", f"{series.current} is not a release of {series.name}")
        _suites(series.suites, table.where("suites"), catalog, table.problems)
        _variant_suites(series, table, catalog)
        _limits(series, table, catalog)
        for number, alias in enumerate(series.aliases):
            if alias in aliases:
                place = f"{table.where('aliases')}[{number}]"
                table.problems.add(place, f"{alias!r} is an alias of {aliases[alias]} already")
            aliases[alias] = series.name
            if series.current and is_prerelease(series.current) and alias != PRERELEASE_ALIAS:
                place = f"{table.where('aliases')}[{number}]"
                table.problems.add(
                    place, f"a prerelease must not be {alias!r}", f"{PRERELEASE_ALIAS!r} is its only alias"
                )
        if not tags_only and not series.openpgp and series.sigstore is None:
            table.wrong("openpgp", "is missing, and so is sigstore", "say who signs the releases of this series")


def _variant_suites(series: Series, table: Table, catalog: Catalog) -> None:
    """A variant that is narrowed to some suites must fit them, and the series must have them."""
    place = f"{table.where('variant_suites')}.%s"
    for name, suites in series.variant_suites:
        _known((name,), catalog.by_variant, place % name, "variant", table.problems)
        for suite in suites:
            if suite not in series.suites:
                hint = did_you_mean(suite, series.suites)
                table.problems.add(place % name, f"{suite!r} is not one of the suites of {series.name}", hint)
            elif name in catalog.by_variant and suite not in catalog.suites_of(series.name, name):
                distribution = catalog.by_suite[suite].distribution if suite in catalog.by_suite else "no suite"
                table.problems.add(place % name, f"{name} does not fit {suite}, which is {distribution}")


def _limits(series: Series, table: Table, catalog: Catalog) -> None:
    """A limit must be about a library that some suite names, and a release of the series."""
    libraries = dict.fromkeys(name for suite in catalog.suites for name, _ in suite.libraries)
    for number, limit in enumerate(series.limits):
        place = f"{table.where('limits')}[{number}]"
        if limit.library not in libraries:
            hint = did_you_mean(limit.library, libraries)
            table.problems.add(f"{place}.library", f"no suite says its {limit.library!r}", hint)
        if limit.since and series_of(limit.since) != series.name:
            table.problems.add(f"{place}.since", f"{limit.since} is not a release of {series.name}")


def _patterns(scheme: TagScheme) -> tuple[tuple[str, tuple[TagPattern, ...]], ...]:
    return (
        ("simple", scheme.simple),
        ("shared", scheme.shared),
        ("directories", scheme.directories),
        ("dated", scheme.dated),
    )


def _suites(names: Iterable[str], place: str, catalog: Catalog, problems: Problems) -> None:
    _known(names, catalog.by_suite, f"{place}[%d]", "suite", problems)


def _known(names: Iterable[str], known: Mapping[str, object], place: str, what: str, problems: Problems) -> None:
    for number, name in enumerate(names):
        if name and name not in known:
            problems.add(place % number, f"there is no {what} {name!r}", did_you_mean(name, known))
