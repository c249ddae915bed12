# SPDX-License-Identifier: Apache-2.0
"""A manifest → a catalog of ours, so that a family that exists can be taken over.

What a catalog says is found in the tags: the fullest tag of an entry is release, variant and suite. The catalog is
then asked for its own tags, and where these differ from the manifest's, that is said.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from imagewright.catalog.listing import Listed, listed
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.model import DEFAULT_SCHEME
from imagewright.catalog.versions import is_release, series_of
from imagewright.emit.library.model import Entry, Library
from imagewright.errors import ConfigurationError, Problems
from imagewright.model.platforms import Platform, in_order, parse_platform

_DEBIAN = "wheezy jessie stretch buster bullseye bookworm trixie forky duke sid"
_UBUNTU = "trusty xenial bionic focal jammy noble resolute"
_DISTRIBUTIONS = dict.fromkeys(_DEBIAN.split(), "debian") | dict.fromkeys(_UBUNTU.split(), "ubuntu")
_ALPINE = re.compile(r"alpine\d+\.\d+")
_DEFAULT_VARIANT = "full"
_WORD = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Converted:
    """A catalog as TOML, and where its tags are not those of the manifest."""

    text: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Named:
    """What the tags of an entry say."""

    release: str
    variant: str
    suite: str
    distribution: str
    platforms: tuple[Platform, ...]
    directory: str
    constraints: tuple[str, ...]
    entry: Entry

    @property
    def rest(self) -> str:
        return self.suite if self.variant in (_DEFAULT_VARIANT, "alpine") else f"{self.variant}-{self.suite}"


@dataclass(slots=True)
class _Family:
    """A catalog while it is put together; dicts keep the order of the manifest."""

    current: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, dict[str, None]] = field(default_factory=dict)
    places: dict[str, dict[str, dict[str, frozenset[Platform]]]] = field(default_factory=dict)
    suites: dict[str, str] = field(default_factory=dict)
    variants: dict[str, dict[str, None]] = field(default_factory=dict)


def convert(library: Library, schemes: Mapping[str, str], scheme_names: Iterable[str]) -> Converted:
    """The catalog of a manifest, with the tag scheme of ``schemes`` (a document) that fits it best.

    Raises :class:`ConfigurationError` with every entry whose tags do not say what it is.
    """
    problems = Problems()
    named = [found for entry in library.entries if (found := _named(library, entry, problems))]
    problems.raise_if_any("the manifest cannot become a catalog", hint="only images of CPython can be taken over")
    family = _family(named)
    best: Converted | None = None
    for scheme in scheme_names:
        text = _toml(family, scheme)
        tried = Converted(text, _differences(named, text, schemes))
        if best is None or len(tried.differences) < len(best.differences):
            best = tried
    assert best is not None, "there is no tag scheme"
    remarks = "".join(f"# differs: {line}\n" for line in best.differences)
    return Converted(f"# Taken over from a library manifest.\n{remarks}\n{best.text}", best.differences)


def _named(library: Library, entry: Entry, problems: Problems) -> _Named | None:
    place = f"line {entry.line}"
    full = [(head, rest) for tag in entry.tags for head, _, rest in [tag.partition("-")] if is_release(head)]
    if not full:
        problems.add(
            place, f"no tag of {_shown(entry)} begins with a release of CPython", "such as 3.13.15-trixie"
        )
        return None
    release, rest = max(full, key=lambda item: item[1].count("-") * 1000 + len(item[1]))
    head, _, suite = rest.rpartition("-")
    platforms = in_order(parse_platform(name) for name in library.architectures(entry))
    windows = any(platform.os == "windows" for platform in platforms)
    alpine = _ALPINE.fullmatch(suite) is not None
    distribution = "windows" if windows else "alpine" if alpine else _DISTRIBUTIONS.get(suite, "")
    if not distribution:
        problems.add(place, f"{suite or rest!r} of the tag {release}-{rest} is no known suite")
        return None
    variant = head or ("alpine" if alpine else _DEFAULT_VARIANT)
    if not _WORD.fullmatch(variant) or not _WORD.fullmatch(suite):
        problems.add(place, f"{rest!r} of the tag {release}-{rest} does not name a variant and a suite")
        return None
    first = library.architectures(entry)[0]
    directory = library.source(entry, first).directory
    if directory != entry.source.directory:  # that architecture's own, below that of all
        directory = directory.removesuffix(f"/{first}")
    constraints = library.constraints(entry)
    return _Named(release, variant, suite, distribution, platforms, directory, constraints, entry)


def _family(named: Iterable[_Named]) -> _Family:
    family = _Family()
    for one in named:
        series = series_of(one.release)
        family.current.setdefault(series, one.release)
        family.aliases.setdefault(series, {}).update(dict.fromkeys(_aliases(one, series)))
        by_suite = family.places.setdefault(series, {}).setdefault(one.variant, {})
        by_suite[one.suite] = frozenset(one.platforms)
        family.suites.setdefault(one.suite, one.distribution)
        family.variants.setdefault(one.variant, {})[one.distribution] = None
    return family


def _aliases(one: _Named, series: str) -> Iterator[str]:
    """What an entry is called besides its release and series: ``3``, ``latest``, ``rc``."""
    known = {one.release, series, f"{series}-rc"}
    for tag in one.entry.tags:
        head = "latest" if tag == one.rest else tag.removesuffix(f"-{one.rest}")
        if head not in known and head != tag:
            yield head
    for tag in one.entry.shared_tags:
        if tag not in known and (tag in ("latest", "rc") or tag.isdigit()):
            yield tag


def _toml(family: _Family, scheme: str) -> str:
    tables = [f"tag_scheme = {json.dumps(scheme)}"] if scheme != DEFAULT_SCHEME else []
    published = {
        suite: in_order(_union(family, suite=suite)) for suite in family.suites
    }  # suites first: series are narrowed from these
    for series, current in family.current.items():
        tables.append(_series(series, current, family, published))
    for suite, distribution in family.suites.items():
        lines = ["[[suite]]", _said("name", suite), _said("distribution", distribution)]
        tables.append("\n".join([*lines, _list("platforms", (item.library for item in published[suite]))]))
    for variant, distributions in family.variants.items():
        lines = ["[[variant]]", _said("name", variant), _said("word", "" if variant == "full" else variant)]
        tables.append("\n".join([*lines, _list("distributions", distributions)]))
    return "\n\n".join(tables) + "\n"


def _series(series: str, current: str, family: _Family, published: Mapping[str, tuple[Platform, ...]]) -> str:
    places = family.places[series]
    suites = list(dict.fromkeys(suite for by_suite in places.values() for suite in by_suite))
    lines = ["[[series]]", _said("name", series), _said("current", current)]
    if family.aliases[series]:
        lines.append(_list("aliases", family.aliases[series]))
    lines.append(_list("suites", suites))
    platforms = in_order(_union(family, series=series))
    if set(platforms) != {item for suite in suites for item in published[suite]}:
        lines.append(_list("platforms", (item.library for item in platforms)))
    narrowed: list[str] = []
    for variant, distributions in family.variants.items():
        fitting = [suite for suite in suites if family.suites[suite] in distributions]
        here = list(places.get(variant, ()))
        if fitting != here:
            narrowed.append(_list(variant, here))
    if narrowed:
        lines += ["", "[series.variant_suites]", *narrowed]
    return "\n".join(lines)


def _union(family: _Family, *, suite: str = "", series: str = "") -> set[Platform]:
    return {
        platform
        for one, places in family.places.items()
        for by_suite in places.values()
        for other, platforms in by_suite.items()
        for platform in platforms
        if suite in ("", other) and series in ("", one)
    }


def _said(key: str, value: str) -> str:
    return f"{key} = {json.dumps(value)}"


def _list(key: str, values: Iterable[str]) -> str:
    return f"{key} = [{', '.join(json.dumps(value) for value in values)}]"


def _differences(named: Iterable[_Named], text: str, schemes: Mapping[str, str]) -> tuple[str, ...]:
    """Where the tags and platforms that a catalog gives are not those of the manifest."""
    try:
        catalog, scheme = load_tag_catalog(text, "the catalog", schemes)
        images = listed(catalog, catalog.by_scheme[scheme])
    except ConfigurationError as error:
        return (f"no catalog: {error.why or error.message}",)
    ours = {(item.name.release, item.name.variant, item.name.suite): item for item in images}
    found: list[str] = []
    elsewhere: list[str] = []
    for one in named:
        image = ours.pop((one.release, one.variant, one.suite), None)
        if image is None:
            found.append(f"{_shown(one.entry)} would not be published")
        else:
            found += _compared(one, image)
            if image.directory != one.directory:
                elsewhere.append(f"{one.directory} would be {image.directory}")
    found += [f"{item.name} would be published, which the manifest lacks" for item in ours.values()]
    if elsewhere:
        found.append(f"{len(elsewhere)} Dockerfiles would be in other directories, for one {elsewhere[0]}")
    return tuple(found)


def _compared(one: _Named, image: Listed) -> Iterator[str]:
    windows = (f"{one.variant}-{one.suite}",) if one.distribution == "windows" else ()
    for what, theirs, mine in (
        ("tags", one.entry.tags, image.tags.simple),
        ("shared tags", one.entry.shared_tags, image.tags.shared),
        ("architectures", _names(one.platforms), _names(image.platforms)),
        ("constraints", one.constraints, windows),
    ):
        lacking = [word for word in theirs if word not in mine]
        more = [word for word in mine if word not in theirs]
        if lacking:
            yield f"{_shown(one.entry)} would lose the {what} {', '.join(lacking)}"
        if more:
            yield f"{_shown(one.entry)} would gain the {what} {', '.join(more)}"


def _names(platforms: Iterable[Platform]) -> tuple[str, ...]:
    return tuple(platform.library for platform in platforms)


def _shown(entry: Entry) -> str:
    return entry.tags[0] if entry.tags else f"line {entry.line}"
