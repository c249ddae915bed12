# SPDX-License-Identifier: Apache-2.0
"""The releases that ``imagewright update`` found: a file that the program writes beside the lock and reads again.

It lies between the catalog that ships and ``imagewright.toml``: it adds releases and makes the newest one of a
series its current one; what the person wrote wins over both. It never moves a series back, and never changes the
digest of a release that the catalog knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from imagewright.catalog.model import Catalog, Release, Series
from imagewright.catalog.reading import Table, parse_document
from imagewright.catalog.versions import is_prerelease, is_release, release_key
from imagewright.errors import Problems

SUFFIX = ".releases.toml"
"""Of the file's name; what comes before is the lock's name without its own suffix."""

_HEAD = """\
# Releases of CPython that `imagewright update` found. Written by the program: commit it beside the lock, and
# change nothing by hand. `provenance` says why a digest is believed: openpgp KEY, sigstore IDENTITY, debian SUITE,
# catalog (Imagewright ships that digest), or unverified, which somebody accepted by name.
"""


def read_found(text: str | None, name: str, problems: Problems) -> tuple[Table, ...]:
    """The tables of the file, not read yet. What is wrong goes into ``problems``; bad TOML raises at once."""
    if text is None:
        return ()
    document = Table(parse_document(text, name), "", problems)
    tables = tuple(document.tables("release"))
    document.finish()
    return tables


def laid_under(shipped: Sequence[Table], found: Sequence[Table]) -> tuple[list[Table], frozenset[str]]:
    """The releases that ship with those found; the versions of the latter.

    A release in both places must have one digest. The found one stays, as its time is part of what was built.
    """
    pinned = {str(table.note("version")): table.note("sha256") for table in shipped}
    ours: dict[str, Table] = {}
    for table in found:
        version = str(table.note("version"))
        if pinned.get(version) not in (None, "", table.note("sha256")):
            table.wrong("sha256", f"CPython {version} is pinned by another digest in the catalog")
        ours[version] = table
    kept = [table for table in shipped if str(table.note("version")) not in ours]
    return [*kept, *found], frozenset(ours)


def with_current(catalog: Catalog, versions: Iterable[str], written: Iterable[str]) -> Catalog:
    """The catalog in which the newest of the ``versions`` found is the current release of its series.

    ``written`` are series that the person's own configuration defines: they stay as written. A prerelease becomes
    current only in a series without a final release; the first final one ends its time as a prerelease.
    """
    fixed = frozenset(written)
    found = [catalog.by_release[version] for version in versions if version in catalog.by_release]
    series = tuple(one if one.name in fixed else _moved(one, found) for one in catalog.series)
    return replace(catalog, series=series)


def _moved(series: Series, found: Iterable[Release]) -> Series:
    if not is_release(series.current):
        return series
    before = is_prerelease(series.current)
    newer = [
        release.version
        for release in found
        if release.series == series.name
        and release_key(release.version) > release_key(series.current)
        and (before or not is_prerelease(release.version))
    ]
    if not newer:
        return series
    current = max(newer, key=release_key)
    over = series.status == "prerelease" and not is_prerelease(current)
    return replace(series, current=current, status="bugfix" if over else series.status)


def write_found(releases: Iterable[Release]) -> str:
    """The file's text, newest series first; the same releases give the same text."""
    ordered = sorted(releases, key=lambda release: release_key(release.version), reverse=True)
    return "\n".join((_HEAD, *("\n".join(_lines(release)) + "\n" for release in ordered)))


def _lines(release: Release) -> list[str]:
    moment = datetime.fromtimestamp(release.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        "[[release]]",
        f'version = "{release.version}"',
        f"released = {moment}",
        f'sha256 = "{release.pin.hex}"',
    ]
    lines += [f"size = {release.size}"] if release.size else []
    texts = {"packed": "" if release.packed == "tar.xz" else release.packed, "debian": release.debian}
    texts |= {"signature": release.signature, "provenance": release.provenance}
    return [*lines, *(f'{key} = "{value}"' for key, value in texts.items() if value)]
