# SPDX-License-Identifier: Apache-2.0
"""Reading ``imagewright.toml`` and the environment into layers of choices; extending and narrowing a catalog."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from imagewright.catalog.found import laid_under, read_found, with_current
from imagewright.catalog.loading import GLOB, KINDS, PACKAGE, load_tables, read_catalog
from imagewright.catalog.model import Catalog
from imagewright.catalog.publication import read_publication
from imagewright.catalog.reading import Table, did_you_mean, parse_document
from imagewright.catalog.settings import (
    Addresses,
    CacheChoices,
    Choices,
    ImageChoices,
    NetworkChoices,
    Override,
    WindowsChoices,
)
from imagewright.catalog.sites import read_site
from imagewright.catalog.workers import read_workers
from imagewright.errors import ConfigurationError, Problems, UsageError
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Bytecode, Compression, Foreign, Profile
from imagewright.model.options import Selection

_E = TypeVar("_E", bound=StrEnum)

_ADDRESS = r"(https?|file)://[^\s\x00-\x1f]{1,2000}"
_ROLE = r"[a-z0-9][a-z0-9-]*"
_SUITE = r"[a-z0-9][a-z0-9.-]*"
_WORD = r"[a-z0-9][a-z0-9.]*"
_VARIABLE = r"[A-Za-z_][A-Za-z0-9_]*"
_REPOSITORY = r"[a-zA-Z0-9.:\[\]-]+(/[a-z0-9._-]+)+"
_LABEL = r"[a-z0-9]([a-z0-9._/-]*[a-z0-9])?"
_MAXIMUM_JOBS = 4096
_NAMED_BY = {"release": "version", "wheel": "filename", "distribution": "release"}
"""What tells the tables of a kind apart, where it is not the name."""
_BOOLEANS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``imagewright.toml`` says: choices, and tables that extend or override the catalog's."""

    choices: Choices
    tables: tuple[tuple[str, tuple[Table, ...]], ...]


def read_configuration(text: str, name: str = "imagewright.toml") -> Configuration:
    """Read the file. Raises :class:`ConfigurationError` with everything that is wrong."""
    problems = Problems()
    table = Table(parse_document(text, name), "", problems)
    configuration = read_table(table)
    problems.raise_if_any(f"{name} is wrong")
    return configuration


def read_table(table: Table) -> Configuration:
    """Read the file's outermost table; what is wrong goes into its problems."""
    choices = Choices(
        store=_text(table, "store"),
        lock=_text(table, "lock"),
        jobs=table.integer("jobs", maximum=_MAXIMUM_JOBS) if table.said("jobs") else None,
        mirrors=_addresses(table, "mirrors"),
        snapshots=_addresses(table, "snapshots"),
        image_sources=_addresses(table, "image_sources"),
        allow_expired=table.texts("allow_expired", (), pattern=_SUITE, of="a suite"),
        overrides=tuple(_override(inner) for inner in table.tables("overrides")),
        network=_network(table),
        cache=_cache(table),
        workers=read_workers(table),
        publication=read_publication(table),
        windows=_windows(table),
    )
    defaults = table.table("defaults")
    if defaults is not None:
        suite = _text(defaults, "suite", _WORD, "a suite")
        variant = _text(defaults, "variant", _WORD, "a variant")
        choices = replace(choices, suite=suite, variant=variant, image=_image(defaults))
        defaults.finish()
    tags = table.table("tags")
    if tags is not None:
        dated = tags.boolean("dated") if tags.said("dated") else None
        immutable = tags.texts("immutable", (), pattern=GLOB, of="a pattern of tags")
        choices = replace(choices, dated=dated, immutable=immutable)
        tags.finish()
    tables: dict[str, tuple[Table, ...]] = {}
    catalog = table.table("catalog")
    if catalog is not None:
        choices = replace(
            choices,
            scheme=_text(catalog, "tag_scheme", _WORD, "a scheme"),
            only_series=catalog.texts("only_series", ()),
            only_suites=catalog.texts("only_suites", ()),
            only_variants=catalog.texts("only_variants", ()),
            keyrings=catalog.texts("keyrings", ()),
        )
        tables = {kind: tuple(catalog.tables(kind)) for kind in KINDS}
        catalog.finish()
    table.finish()
    return Configuration(choices, tuple(tables.items()))


def _image(table: Table) -> ImageChoices:
    return ImageChoices(
        profile=_choice(table, "profile", Profile),
        bytecode=_choice(table, "bytecode", Bytecode),
        frame_pointers=table.boolean("frame_pointers") if table.said("frame_pointers") else None,
        compression=_choice(table, "compression", Compression),
        foreign=_choice(table, "foreign", Foreign),
        packages=table.texts("packages", (), pattern=PACKAGE, of="a package name"),
        configure=table.texts("configure", (), pattern=r"[^\s'\"\\$`;&|<>()]+", of="one word without quotes"),
        environment=table.mapping("environment", pattern=_VARIABLE, of="a name of a variable"),
        labels=table.mapping("labels", pattern=_LABEL, of="a label's key"),
        site=read_site(table),
    )


def _network(table: Table) -> NetworkChoices:
    inner = table.table("network")
    if inner is None:
        return NetworkChoices()
    found = NetworkChoices(
        proxy=_text(inner, "proxy", r"http://[^\s\x00-\x1f]{1,2000}", "the address of a proxy, http://HOST:PORT"),
        direct=inner.texts("no_proxy", (), pattern=r"[^\s,]{1,255}", of="a host or domain"),
        authorities=_text(inner, "ca_file"),
    )
    inner.finish()
    return found


def _cache(table: Table) -> CacheChoices:
    inner = table.table("cache")
    if inner is None:
        return CacheChoices()
    found = CacheChoices(
        repository=_text(inner, "repository", _REPOSITORY, "a repository, such as registry.example/team/cache"),
        read=inner.boolean("read") if inner.said("read") else None,
        write=inner.boolean("write") if inner.said("write") else None,
        keys=inner.texts("keys", ()),
        anyone=inner.said("trust") and inner.choice("trust", ("keys", "anyone")) == "anyone",
        sign=_text(inner, "sign"),
        plain=inner.boolean("plain_http", default=False),
    )
    inner.finish()
    return found


def _windows(table: Table) -> WindowsChoices:
    inner = table.table("windows")
    if inner is None:
        return WindowsChoices()
    usual = WindowsChoices().base
    found = WindowsChoices(
        base=inner.text(
            "base", usual, pattern=_REPOSITORY, of="a repository, such as registry.example/servercore"
        ),
        plain=inner.boolean("plain_http", default=False),
    )
    inner.finish()
    return found


def _override(table: Table) -> Override:
    found = Override(
        select=table.texts("select", of="a pattern of tags, such as 3.13-slim-*"), choices=_image(table)
    )
    table.finish()
    return found


def _text(table: Table, key: str, pattern: str = "", of: str = "text") -> str | None:
    return table.text(key, pattern=pattern, of=of) if table.said(key) else None


def _choice(table: Table, key: str, kind: type[_E]) -> _E | None:
    if not table.said(key):
        return None
    words = {member.value: member for member in kind}
    return words.get(table.choice(key, tuple(words)))


def _addresses(table: Table, key: str) -> Addresses:
    """A table of roles, each with one address or a list of them."""
    inner = table.table(key)
    if inner is None:
        return ()
    found = tuple((role, _roled(inner, role)) for role in inner.written())
    inner.finish()
    return found


def _roled(table: Table, role: str) -> tuple[str, ...]:
    if not re.fullmatch(_ROLE, role, re.ASCII):
        table.wrong(role, f"{role[:80]!r} is not the role of a mirror", "such as debian or debian-security")
    if isinstance(table.note(role), list):
        addresses = table.texts(role, pattern=_ADDRESS, of="an address")
    else:
        addresses = (table.text(role, pattern=_ADDRESS, of="an address"),)
    return tuple(address.rstrip("/") for address in addresses)


def read_environment(environment: Mapping[str, str]) -> Choices:
    """What ``IMAGEWRIGHT_*`` variables say. Raises :class:`ConfigurationError`.

    ``IMAGEWRIGHT_MIRRORS`` holds ``role=address`` words; a role that is there again has one more address.
    """
    problems = Problems()
    get = environment.get
    choices = Choices(
        jobs=_jobs(get("IMAGEWRIGHT_JOBS"), problems),
        suite=get("IMAGEWRIGHT_SUITE") or None,
        variant=get("IMAGEWRIGHT_VARIANT") or None,
        mirrors=_mirrors(get("IMAGEWRIGHT_MIRRORS", "").split(), problems),
        allow_expired=_suites(get("IMAGEWRIGHT_ALLOW_EXPIRED", "").split(), problems),
        image=ImageChoices(
            profile=_word("IMAGEWRIGHT_PROFILE", environment, Profile, problems),
            bytecode=_word("IMAGEWRIGHT_BYTECODE", environment, Bytecode, problems),
            frame_pointers=_truth("IMAGEWRIGHT_FRAME_POINTERS", environment, problems),
            compression=_word("IMAGEWRIGHT_COMPRESSION", environment, Compression, problems),
            foreign=_word("IMAGEWRIGHT_FOREIGN", environment, Foreign, problems),
        ),
    )
    problems.raise_if_any("the environment is wrong")
    return choices


def _suites(words: Sequence[str], problems: Problems) -> tuple[str, ...]:
    for word in words:
        if not re.fullmatch(_SUITE, word, re.ASCII):
            problems.add("IMAGEWRIGHT_ALLOW_EXPIRED", f"{word[:80]!r} is not a suite")
    return tuple(words)


def _jobs(value: str | None, problems: Problems) -> int | None:
    if not value:
        return None
    if not re.fullmatch(r"[0-9]{1,4}", value, re.ASCII) or int(value) > _MAXIMUM_JOBS:
        problems.add("IMAGEWRIGHT_JOBS", f"{value[:80]!r} is not a number between 0 and {_MAXIMUM_JOBS}")
        return None
    return int(value)


def _word(name: str, environment: Mapping[str, str], kind: type[_E], problems: Problems) -> _E | None:
    value = environment.get(name, "")
    words = {member.value: member for member in kind}
    if value and value not in words:
        problems.add(name, f"{value[:80]!r} is not known", did_you_mean(value, words))
    return words.get(value)


def _truth(name: str, environment: Mapping[str, str], problems: Problems) -> bool | None:
    value = environment.get(name, "")
    if value and value not in _BOOLEANS:
        problems.add(name, f"{value[:80]!r} is neither true nor false")
    return _BOOLEANS.get(value)


def _mirrors(words: Sequence[str], problems: Problems) -> Addresses:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        role, equals, address = word.partition("=")
        if not equals or not re.fullmatch(_ROLE, role, re.ASCII) or not re.fullmatch(_ADDRESS, address, re.ASCII):
            problems.add("IMAGEWRIGHT_MIRRORS", f"{word[:80]!r} is not a role and an address", "debian=https://…")
        else:
            found[role] = (*found.get(role, ()), address.rstrip("/"))
    return tuple(found.items())


def flag_choices(options: GlobalOptions, selection: Selection) -> Choices:
    """What the command line says. Raises :class:`UsageError` for a mirror that is none."""
    mirrors: dict[str, tuple[str, ...]] = {}
    for role, address in options.mirrors:
        if not re.fullmatch(_ROLE, role, re.ASCII) or not re.fullmatch(_ADDRESS, address, re.ASCII):
            raise UsageError(
                f"--mirror {role}={address} is not a role and an address",
                hint="such as --mirror debian=https://… or --mirror debian-security=https://…",
            )
        mirrors[role] = (*mirrors.get(role, ()), address.rstrip("/"))
    return Choices(
        store=None if options.store is None else str(options.store),
        lock=None if options.lock is None else str(options.lock),
        jobs=options.jobs or None,
        mirrors=tuple(mirrors.items()),
        allow_expired=options.allow_expired,
        image=ImageChoices(
            profile=selection.profile,
            bytecode=selection.bytecode,
            frame_pointers=selection.frame_pointers,
            compression=selection.compression,
            foreign=selection.foreign,
        ),
    )


def apply_configuration(
    documents: Mapping[str, str],
    text: str | None,
    name: str = "imagewright.toml",
    *,
    found: str | None = None,
    found_name: str = "imagewright.releases.toml",
) -> tuple[Catalog, Choices]:
    """Read catalog and configuration together, so that one may refer to the other.

    A table of the file replaces the catalog's of the same name, or comes after those there are;
    ``only_*`` then narrow what there is. ``found`` are the releases that ``imagewright update`` wrote
    (:mod:`imagewright.catalog.found`). Raises :class:`ConfigurationError` with everything that is wrong.
    """
    problems = Problems()
    tables = load_tables(documents, problems)
    tables["release"], newer = laid_under(tables["release"], read_found(found, found_name, problems))
    written: tuple[str, ...] = ()
    choices = Choices()
    if text is not None:
        configuration = read_table(Table(parse_document(text, name), "", problems))
        choices = configuration.choices
        written = tuple(str(table.note("name")) for table in dict(configuration.tables).get("series", ()))
        for kind, added in configuration.tables:
            tables[kind] = _laid_over(tables[kind], added, _NAMED_BY.get(kind, "name"))
    catalog = read_catalog(tables, problems)
    _check_choices(choices, catalog, problems)
    files = [one for one, content in ((name, text), (found_name, found)) if content is not None]
    problems.raise_if_any(f"{' or '.join(files) or 'the catalog'} is wrong")
    return narrowed(_with_windows(with_current(catalog, newer, written)), choices), choices


def lock_named(text: str) -> str:
    """The path of the lock that a configuration names; "" if it names none or cannot be read: a first look."""
    try:
        value = parse_document(text, "").get("lock")
    except ConfigurationError:
        return ""
    return value if isinstance(value, str) else ""


def _with_windows(catalog: Catalog) -> Catalog:
    """The catalog with its suites of Windows no longer planned only, where something is distributed for them."""
    if not catalog.distributions:
        return catalog
    suites = (replace(one, planned="") if one.distribution == "windows" else one for one in catalog.suites)
    return replace(catalog, suites=tuple(suites))


def _laid_over(below: Sequence[Table], above: Sequence[Table], key: str) -> list[Table]:
    replaced = {table.note(key): table for table in above}
    kept = [replaced.pop(table.note(key), table) for table in below]
    return [*kept, *replaced.values()]


def _check_choices(choices: Choices, catalog: Catalog, problems: Problems) -> None:
    series, suites, variants = tuple(catalog.by_series), tuple(catalog.by_suite), tuple(catalog.by_variant)
    said = [
        ("defaults.suite", choices.suite, suites),
        ("defaults.variant", choices.variant, variants),
        ("catalog.tag_scheme", choices.scheme, tuple(catalog.by_scheme)),
        *((f"catalog.only_series[{number}]", name, series) for number, name in enumerate(choices.only_series)),
        *((f"catalog.only_suites[{number}]", name, suites) for number, name in enumerate(choices.only_suites)),
        *(
            (f"catalog.only_variants[{number}]", name, variants)
            for number, name in enumerate(choices.only_variants)
        ),
    ]
    for place, name, known in said:
        if name and name not in known:
            problems.add(place, f"{name!r} is not known", did_you_mean(name, known))


def narrowed(catalog: Catalog, choices: Choices) -> Catalog:
    """The catalog without what ``only_*`` leave out. A series that is left without a suite goes too."""
    suites = set(choices.only_suites or catalog.by_suite)
    names = set(choices.only_series or catalog.by_series)
    variants = set(choices.only_variants or catalog.by_variant)
    series = tuple(
        replace(item, suites=kept)
        for item in catalog.series
        if item.name in names and (kept := tuple(suite for suite in item.suites if suite in suites))
    )
    return Catalog(
        series=series,
        releases=tuple(item for item in catalog.releases if item.series in {found.name for found in series}),
        suites=tuple(item for item in catalog.suites if item.name in suites),
        variants=tuple(item for item in catalog.variants if item.name in variants),
        toolchain=catalog.toolchain,
        wheels=catalog.wheels,
        schemes=catalog.schemes,
        distributions=catalog.distributions,
    )
