# SPDX-License-Identifier: Apache-2.0
"""What was understood of a repository → the text of an ``imagewright.toml``.

Series and suites that our catalog knows keep what it says of them: keys, dates, archives. The file narrows it to
what the repository builds, moves the current releases, and adds what its Dockerfiles have besides.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from imagewright.catalog.model import DEFAULT_SCHEME, Catalog
from imagewright.catalog.model import Series as KnownSeries
from imagewright.catalog.versions import is_prerelease, series_key
from imagewright.emit.takeover.model import Extra, Place, Remarks, Repository, Series
from imagewright.model.takeovers import Kind

_SCHEMES = {Kind.DOCKER_LIBRARY: DEFAULT_SCHEME, Kind.INFRA7: "infra7"}


def configuration(repository: Repository, catalog: Catalog, remarks: Remarks) -> str:
    """The configuration; what our catalog does not know is left out, and told."""
    known = [kept for one in repository.series if (kept := _known(one, catalog, remarks)) is not None]
    newest = max((one for one in known if not is_prerelease(one.release)), key=_age, default=None)
    variants = _variants(known)
    aliases = {one.name: _aliases(one, latest=one is newest) for one in known}
    parts = [_defaults(repository), _catalog(repository, known)]
    parts += [part for one in known if (part := _release(one, catalog, remarks))]
    for one in known:
        series = replace(catalog.by_series[one.name], aliases=aliases[one.name], current=one.release)
        parts.append(_table(series, _suites(one.places)) + _variant_suites(one, variants))
    taken = {alias for said in aliases.values() for alias in said}
    for other in catalog.series:
        if other.name not in aliases and taken & set(other.aliases):
            parts.append("# Left out above; its aliases are another series' here.\n" + _table(other))
    parts += _overrides(known, repository.extras)
    return "\n\n".join(part for part in parts if part) + "\n"


def _aliases(series: Series, *, latest: bool) -> tuple[str, ...]:
    """As the official repository's own script gives them: to the newest final release, and to prereleases."""
    if is_prerelease(series.release):
        return ("rc",)
    return ("3", "latest") if latest and series.name.startswith("3.") else ("latest",) if latest else ()


def _age(series: Series) -> tuple[int, int]:
    return series_key(series.name)


def _known(series: Series, catalog: Catalog, remarks: Remarks) -> Series | None:
    """A series with those of its images whose suite and variant our catalog knows."""
    if series.name not in catalog.by_series:
        remarks.add(series.file, series.line, f"the series {series.name}: our catalog does not know it")
        return None
    places = []
    for place in series.places:
        if place.suite not in catalog.by_suite or place.variant not in catalog.by_variant:
            remarks.add(series.file, series.line, f"{place.suite} of {series.name}: our catalog does not know it")
        else:
            places.append(place)
    if not places:
        remarks.add(series.file, series.line, f"the series {series.name}: none of its images is left")
        return None
    return Series(series.name, series.release, series.sha256, tuple(places), series.file, series.line)


def _variants(known: Iterable[Series]) -> list[str]:
    return list(dict.fromkeys(place.variant for one in known for place in one.places))


def _suites(places: Iterable[Place]) -> list[str]:
    return list(dict.fromkeys(place.suite for place in places))


def _defaults(repository: Repository) -> str:
    lines = []
    if repository.kind is Kind.INFRA7:
        lines.append('variant = "slim"')
    if repository.suite:
        lines.append(f"suite = {json.dumps(repository.suite)}")
    return "\n".join(["[defaults]", *lines]) if lines else ""


def _catalog(repository: Repository, known: list[Series]) -> str:
    suites = _suites(place for one in known for place in one.places)
    lines = ["[catalog]"]
    if _SCHEMES[repository.kind] != DEFAULT_SCHEME:
        lines.append(f"tag_scheme = {json.dumps(_SCHEMES[repository.kind])}")
    lines.append(_list("only_series", [one.name for one in known]))
    lines.append(_list("only_suites", suites))
    lines.append(_list("only_variants", _variants(known)))
    return "\n".join(lines)


def _release(series: Series, catalog: Catalog, remarks: Remarks) -> str:
    """A release that our catalog lacks. Without the day of its release its digest cannot be used."""
    there = catalog.by_release.get(series.release)
    if there is not None:
        if series.sha256 and there.sha256 is not None and there.sha256.hex != series.sha256:
            what = f"another digest of {series.release} than our catalog's: ours counts, find out which is right"
            remarks.add(series.file, series.line, what)
        return ""
    what = f"{series.release} is not in our catalog: to build it, say when it was released, with its sha256"
    remarks.add(series.file, series.line, what)
    head = f"[[catalog.release]]\nversion = {json.dumps(series.release)}"
    return f'{head}\n# released = …\n# sha256 = "{series.sha256}"' if series.sha256 else head


def _table(series: KnownSeries, suites: Sequence[str] = ()) -> str:
    """The whole table, since one of the file replaces the catalog's; without suites, one that is left out."""
    lines = [
        "[[catalog.series]]",
        f"name = {_text(series.name)}",
        f"status = {_text('prerelease' if is_prerelease(series.current) else series.status)}",
        f"end_of_life = {_text(series.end_of_life)}",
        f"current = {_text(series.current)}",
        *([_list("aliases", series.aliases)] if suites and series.aliases else []),
        _list("suites", suites or series.suites),
        f"setuptools = {json.dumps(series.setuptools)}",
        f"lang = {json.dumps(series.lang)}",
    ]
    if series.openpgp:
        lines.append(f"openpgp = {_text(series.openpgp)}")
    if series.sigstore is not None:
        identity, issuer = _text(series.sigstore.identity), _text(series.sigstore.issuer)
        lines.append(f"sigstore = {{ identity = {identity}, issuer = {issuer} }}")
    return "\n".join(lines)


def _variant_suites(series: Series, variants: list[str]) -> str:
    """Which variants there are on which suites, said in full."""
    by_variant = {variant: [one.suite for one in series.places if one.variant == variant] for variant in variants}
    lines = [_list(variant, suites) for variant, suites in by_variant.items()]
    return "\n".join(["", "", "[catalog.series.variant_suites]", *lines])


def _overrides(known: Iterable[Series], extras: Mapping[str, Extra]) -> list[str]:
    """What Dockerfiles have besides; images with the same share a table."""
    by_extra: dict[Extra, list[str]] = {}
    for one in known:
        for place in one.places:
            extra = extras.get(place.file)
            if extra is not None and extra != Extra():
                word = "" if place.variant in {"full", "alpine"} else f"{place.variant}-"
                by_extra.setdefault(extra, []).append(f"{one.release}-{word}{place.suite}")
    return [_override(names, extra) for extra, names in by_extra.items()]


def _override(names: list[str], extra: Extra) -> str:
    lines = ["[[overrides]]", _list("select", names)]
    for key, words in (
        ("packages", extra.packages),
        ("configure", extra.configure),
        ("entrypoint", extra.entrypoint),
        ("command", extra.command),
    ):
        if words:
            lines.append(_list(key, words))
    if extra.directory:
        lines.append(f"working_directory = {_text(extra.directory)}")
    for key, pairs in (("environment", extra.environment), ("labels", extra.labels)):
        if pairs:
            said = ", ".join(f"{_text(name)} = {_text(value)}" for name, value in pairs)
            lines.append(f"{key} = {{ {said} }}")
    return "\n".join(lines)


def _list(key: str, values: Iterable[str]) -> str:
    return f"{key} = [{', '.join(map(_text, values))}]"


def _text(value: str) -> str:
    """A basic string (toml.io/en/v1.0.0#string): JSON's escapes, but no pairs of surrogates, and no bare DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
