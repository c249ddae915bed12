# SPDX-License-Identifier: Apache-2.0
"""What no single table of a catalog can know: names that point nowhere, aliases that point to two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from imagewright.catalog.model import Catalog
from imagewright.catalog.reading import Table, did_you_mean
from imagewright.catalog.versions import series_of
from imagewright.errors import Problems


def cross_check(catalog: Catalog, tables: Mapping[str, Sequence[Table]], problems: Problems) -> None:
    """Note every reference that does not hold; ``tables`` are those the catalog was read from, by kind."""
    _series(catalog, tables["series"])
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
        for number, wish in enumerate(variant.packages):
            _suites(wish.suites, f"{table.where('packages')}[{number}].suites", catalog, problems)
    for wish, table in zip(catalog.toolchain, tables["package"], strict=True):
        _suites(wish.suites, table.where("suites"), catalog, problems)
        _suites(wish.not_in, table.where("not_in"), catalog, problems)
    for scheme, table in zip(catalog.schemes, tables["scheme"], strict=True):
        for kind, patterns in (("simple", scheme.simple), ("shared", scheme.shared)):
            for number, pattern in enumerate(patterns):
                place = f"{table.where(kind)}[{number}].variants"
                _known(pattern.variants, catalog.by_variant, f"{place}[%d]", "variant", problems)


def _series(catalog: Catalog, tables: Sequence[Table]) -> None:
    aliases: dict[str, str] = {}
    for series, table in zip(catalog.series, tables, strict=True):
        if series.current and series.current not in catalog.by_release:
            hint = did_you_mean(series.current, catalog.by_release)
            table.wrong("current", f"there is no release {series.current!r}", hint)
        elif series.current and series_of(series.current) != series.name:
            table.wrong("current", f"{series.current} is not a release of {series.name}")
        _suites(series.suites, table.where("suites"), catalog, table.problems)
        for number, alias in enumerate(series.aliases):
            if alias in aliases:
                place = f"{table.where('aliases')}[{number}]"
                table.problems.add(place, f"{alias!r} is an alias of {aliases[alias]} already")
            aliases[alias] = series.name
        if not series.openpgp and series.sigstore is None:
            table.wrong("openpgp", "is missing, and so is sigstore", "say who signs the releases of this series")


def _suites(names: Iterable[str], place: str, catalog: Catalog, problems: Problems) -> None:
    _known(names, catalog.by_suite, f"{place}[%d]", "suite", problems)


def _known(names: Iterable[str], known: Mapping[str, object], place: str, what: str, problems: Problems) -> None:
    for number, name in enumerate(names):
        if name and name not in known:
            problems.add(place % number, f"there is no {what} {name!r}", did_you_mean(name, known))
