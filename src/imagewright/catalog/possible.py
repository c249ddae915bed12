# SPDX-License-Identifier: Apache-2.0
"""Which releases a suite can have: its libraries may be newer than what a release knows (``limits`` of series)."""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.catalog.model import Catalog, Limit, Suite
from imagewright.catalog.versions import release_key, series_of


def hindrance(release: str, suite: str, catalog: Catalog) -> str:
    """Why a release cannot be built on a suite; "" if it can. Raises ``KeyError`` for names the catalog lacks."""
    for limit in catalog.by_series[series_of(release)].limits:
        if limit.since and release_key(release) >= release_key(limit.since):
            continue
        if version := _passed(limit, catalog.by_suite[suite]):
            return f"{suite} has {limit.library} {version}, which CPython {_works(limit, release)}: {limit.why}"
    return ""


def too_new(limit: Limit, catalog: Catalog) -> tuple[str, ...]:
    """The suites whose library is newer than a limit."""
    return tuple(suite.name for suite in catalog.suites if _passed(limit, suite))


def possible_suites(release: str, variant: str, catalog: Catalog) -> tuple[str, ...]:
    """The suites that a variant of a release can be built on, its default one first; none: there are no images."""
    series = catalog.by_series[series_of(release)]
    suites = catalog.suites_of(series.name, variant)
    if not series.limits:
        return suites
    return tuple(suite for suite in suites if not hindrance(release, suite, catalog))


def others(release: str, suite: str, catalog: Catalog) -> Iterator[str]:
    """The releases of the same series, newest first, that can be built on a suite."""
    series = catalog.by_series[series_of(release)]
    known = {item.version for item in catalog.releases if item.series == series.name} | {series.current}
    for other in sorted(known, key=release_key, reverse=True):
        if not hindrance(other, suite, catalog):
            yield other


def _passed(limit: Limit, suite: Suite) -> str:
    """The version of the limit's library in a suite, where it is newer than the limit; otherwise ""."""
    version = dict(suite.libraries).get(limit.library, "")
    return version if version and _key(version) >= _key(limit.version) else ""


def _works(limit: Limit, release: str) -> str:
    return f"works with from {limit.since} on" if limit.since else f"{series_of(release)} never learnt"


def _key(version: str) -> tuple[int, ...]:
    """A key that sorts versions; 3 is 3.0."""
    numbers = [int(number) for number in version.split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
