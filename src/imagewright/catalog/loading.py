# SPDX-License-Identifier: Apache-2.0
"""TOML documents → :class:`Catalog`. All problems of all documents are shown at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from imagewright.catalog.crosscheck import cross_check
from imagewright.catalog.model import (
    DEFAULT_SCHEME,
    Catalog,
    Cut,
    Distribution,
    Limit,
    PackageWish,
    Ports,
    Release,
    Series,
    Sigstore,
    Suite,
    SuiteArchive,
    TagPattern,
    TagScheme,
    Variant,
    Wheel,
)
from imagewright.catalog.reading import Table, did_you_mean, parse_document
from imagewright.catalog.versions import is_release, series_of
from imagewright.errors import Problems
from imagewright.model.images import PythonPart, RootKind
from imagewright.model.platforms import PLATFORMS, Platform, in_order, parse_platform

_T = TypeVar("_T")

PACKAGE = r"[a-z0-9][a-z0-9+.-]+"
_NAME = r"[a-z0-9][a-z0-9.-]*"
_SERIES = r"\d{1,3}\.\d{1,3}"
_FINGERPRINT = r"[0-9A-F]{40}"
_KEY = rf"{_FINGERPRINT}|[A-Za-z0-9][A-Za-z0-9@._+-]*\.pub"
_MODULE = r"[A-Za-z_][A-Za-z0-9_]*"
_LIBRARY_VERSION = r"\d{1,4}(\.\d{1,4}){0,3}"
_POOL_PATH = r"pool(/[A-Za-z0-9+~_-][A-Za-z0-9+.~_-]*)+"
PROVENANCE = r"(openpgp|sigstore|debian) [A-Za-z0-9@:/.+_-]{1,120}|catalog|unverified"
_STATUSES = ("feature", "prerelease", "bugfix", "security", "end-of-life")
VERSION_WORDS = ("{release}", "{series}", "{aliases}")
_VERSION_WORD = "|".join(word.replace("{", r"\{").replace("}", r"\}") for word in VERSION_WORDS)
_WHEEL = r"[A-Za-z0-9_.]+-[A-Za-z0-9_.!+]+(-\d[A-Za-z0-9_.]*)?(-[A-Za-z0-9_.]+){3}\.whl"
_ZIP = r"[A-Za-z0-9][A-Za-z0-9._+-]*\.(zip|nupkg)"
_ZIP_URL = r"(\{[a-z0-9-]+\}|(https?|file)://)[^\s\x00-\x1f{}]{1,2000}"
_WORDS = r"(-(\{variant\}|\{suite\}|[a-z0-9.]+))*"
_TAG = r"(\{aliases\}|\{version\}|\{release\}|\{series\})" + _WORDS
_DATED = r"\{release\}" + _WORDS + r"-\{date\}"
_DIRECTORY = r"(\{[a-z]+\}|[a-z0-9.-]+)(/(\{[a-z]+\}|[a-z0-9.-]+)+)*"
GLOB = r"[A-Za-z0-9_.*?\[\]!-]+"
CONDITIONS = ("default-suite", "default-variant", "variant-word", "linux", "windows")
DISTRIBUTIONS = ("debian", "ubuntu", "alpine", "windows")

KINDS = ("series", "release", "suite", "variant", "package", "wheel", "scheme", "distribution")
"""The arrays of tables that a catalog consists of."""

ESSENTIAL = frozenset({"name", "current", "suites", "distribution", "word", "tag", "path", "versions"})
"""The keys that a catalog must have for its tags."""


def load_catalog(documents: Mapping[str, str]) -> Catalog:
    """Read the documents (name → TOML text) of a catalog. Raises :class:`ConfigurationError`."""
    problems = Problems()
    catalog = read_catalog(load_tables(documents, problems), problems)
    problems.raise_if_any("the catalog is wrong")
    return catalog


def load_tables(documents: Mapping[str, str], problems: Problems) -> dict[str, list[Table]]:
    """The tables of all documents by kind, not read yet."""
    tables: dict[str, list[Table]] = {kind: [] for kind in KINDS}
    for name, text in documents.items():
        document = Table(parse_document(text, name), "", problems)
        for kind in KINDS:
            tables[kind].extend(document.tables(kind))
        document.finish()
    return tables


def read_catalog(tables: Mapping[str, Sequence[Table]], problems: Problems, *, tags_only: bool = False) -> Catalog:
    """Read arrays of tables by kind; what is wrong goes into ``problems``."""
    catalog = Catalog(
        series=_all(tables["series"], _series, "name", problems),
        releases=_all(tables["release"], _release, "version", problems),
        suites=_all(tables["suite"], _suite, "name", problems),
        variants=_all(tables["variant"], _variant, "name", problems),
        toolchain=_all(tables["package"], read_wish, "name", problems),
        wheels=_all(tables["wheel"], _wheel, "filename", problems),
        schemes=_all(tables["scheme"], _scheme, "name", problems),
        distributions=_all(tables["distribution"], _distribution, "release", problems),
    )
    cross_check(catalog, tables, problems, tags_only=tags_only)
    return catalog


def load_tag_catalog(text: str, name: str, others: Mapping[str, str]) -> tuple[Catalog, str]:
    """A whole catalog in one document, for its tags alone (only what these need must be there); its scheme's name.

    ``others`` hold the schemes, of which the document uses one (``tag_scheme``) without bringing it.
    Raises :class:`ConfigurationError` with everything that is wrong.
    """
    problems = Problems()
    document = Table(parse_document(text, name), "", problems, ESSENTIAL)
    tables = {kind: list(document.tables(kind)) for kind in KINDS}
    scheme = document.text("tag_scheme", "")
    document.finish()
    if not tables["scheme"]:
        tables["scheme"] = load_tables(others, problems)["scheme"]
    elif len(tables["scheme"]) == 1:
        scheme = scheme or tables["scheme"][0].text("name", "")
    catalog = read_catalog(tables, problems, tags_only=True)
    scheme = scheme or DEFAULT_SCHEME
    if scheme not in catalog.by_scheme:
        problems.add("tag_scheme", f"there is no scheme {scheme!r}", did_you_mean(scheme, catalog.by_scheme))
    if not catalog.series:
        problems.add("series", "is missing", "a catalog has at least one [[series]]")
    problems.raise_if_any(f"{name} is wrong")
    return catalog, scheme


def read_wish(table: Table) -> PackageWish:
    """Read one package that is asked for."""
    return PackageWish(
        name=table.text("name", pattern=PACKAGE, of="a package name"),
        why=table.text("why"),
        suites=table.texts("suites", (), pattern=_NAME, of="a suite"),
        since=table.text("from", "", pattern=_SERIES, of="a series"),
        before=table.text("before", "", pattern=_SERIES, of="a series"),
        modules=table.texts("modules", (), pattern=_MODULE, of="a module"),
        not_in=table.texts("not_in", (), pattern=_NAME, of="a suite"),
    )


def _all(tables: Iterable[Table], read: Callable[[Table], _T], key: str, problems: Problems) -> tuple[_T, ...]:
    """Read each table; names must differ, and unknown keys are noted."""
    found: list[_T] = []
    seen: dict[Any, str] = {}
    for table in tables:
        found.append(read(table))
        table.finish()
        name = table.text(key, "")
        if name and name in seen:
            problems.add(table.where(key), f"{name!r} is there already", f"see {seen[name]}")
        seen.setdefault(name, table.path)
    return tuple(found)


def _series(table: Table) -> Series:
    return Series(
        name=table.text("name", pattern=_SERIES, of="a series"),
        status=table.choice("status", _STATUSES),
        end_of_life=table.text("end_of_life", pattern=r"\d{4}-\d{2}", of="a year and month"),
        current=_version(table, "current"),
        aliases=table.texts("aliases", (), pattern=_NAME, of="a word of a tag"),
        suites=table.texts("suites", pattern=_NAME, of="a suite") or ("",),
        setuptools=table.boolean("setuptools"),
        lang=table.boolean("lang"),
        openpgp=table.text("openpgp", "", pattern=_FINGERPRINT, of="a fingerprint of 40 digits"),
        sigstore=_signer(table),
        planned=table.text("planned", ""),
        variant_suites=_variant_suites(table),
        platforms=_platforms(table),
        limits=tuple(_limit(inner) for inner in table.tables("limits")),
    )


def _limit(table: Table) -> Limit:
    found = Limit(
        library=table.text("library", pattern=_NAME, of="a library"),
        version=table.text("version", pattern=_LIBRARY_VERSION, of="a version such as 3 or 3.5"),
        since=_version(table, "since") if table.said("since") else "",
        why=table.text("why"),
    )
    table.finish()
    return found


def _signer(table: Table) -> Sigstore | None:
    inner = table.table("sigstore")
    if inner is None:
        return None
    signer = Sigstore(identity=inner.text("identity"), issuer=inner.text("issuer"))
    inner.finish()
    return signer


def _variant_suites(table: Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    inner = table.table("variant_suites")
    if inner is None:
        return ()
    found = tuple((name, inner.texts(name, pattern=_NAME, of="a suite")) for name in inner.written())
    inner.finish()
    return found


def _platforms(table: Table) -> tuple[Platform, ...]:
    """The key ``platforms``: any names of platforms; in the table's order."""
    found: list[Platform] = []
    for number, name in enumerate(table.texts("platforms", ())):
        try:
            found.append(parse_platform(name))
        except ValueError:
            hint = did_you_mean(name, (platform.library for platform in PLATFORMS))
            table.problems.add(f"{table.where('platforms')}[{number}]", f"{name[:80]!r} is not a platform", hint)
    return in_order(found)


def _version(table: Table, key: str) -> str:
    value = table.text(key, of="a release")
    if value and not is_release(value):
        table.wrong(key, f"{value[:40]!r} is not a release of CPython", "such as 3.13.15 or 3.15.0b3")
        return ""
    return value


def _release(table: Table) -> Release:
    version = _version(table, "version")
    return Release(
        version=version,
        series=series_of(version) if version else "",
        epoch=table.moment("released") if table.said("released") or table.said("sha256") else 0,
        sha256=table.digest("sha256") if table.said("sha256") else None,
        size=table.integer("size", 0, maximum=1 << 30),
        packed=table.choice("packed", ("tar.xz", "tgz"), "tar.xz"),
        debian=table.text("debian", "", pattern=_POOL_PATH, of="a pool path"),
        signature=table.text("signature", "", pattern=_POOL_PATH, of="a pool path"),
        provenance=table.text(
            "provenance",
            "",
            pattern=PROVENANCE,
            of="openpgp KEY, sigstore IDENTITY, debian SUITE, catalog or unverified",
        ),
    )


def _wheel(table: Table) -> Wheel:
    return Wheel(
        name=table.text("name", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*", of="a project of a Python package index"),
        version=table.text("version", pattern=r"[A-Za-z0-9.!+]+", of="a version"),
        filename=table.text("filename", pattern=_WHEEL, of="the file name of a wheel"),
        size=table.integer("size", maximum=1 << 30),
        sha256=table.digest("sha256"),
        why=table.text("why"),
        since=table.text("from", "", pattern=_SERIES, of="a series"),
        before=table.text("before", "", pattern=_SERIES, of="a series"),
        windows=table.boolean("windows", default=False),
    )


def _distribution(table: Table) -> Distribution:
    return Distribution(
        release=_version(table, "release"),
        filename=table.text("filename", pattern=_ZIP, of="the name of a .zip or .nupkg file"),
        size=table.integer("size", maximum=1 << 30),
        sha256=table.digest("sha256"),
        url=table.text("url", pattern=_ZIP_URL, of="an address, or one below {python}"),
        sigstore=_signer(table),
    )


def _suite(table: Table) -> Suite:
    architectures = table.texts("architectures", pattern=_NAME, of="one of Debian's architectures")
    return Suite(
        name=table.text("name", pattern=_NAME, of="a suite"),
        distribution=table.choice("distribution", DISTRIBUTIONS),
        version=table.text("version"),
        status=table.text("status"),
        compiler=table.text("compiler", "", pattern=r"[a-z]+-\d+", of="a compiler such as gcc-14"),
        architectures=architectures,
        foundation=_all(table.tables("foundation"), read_wish, "name", table.problems),
        base=_all(table.tables("base"), read_wish, "name", table.problems),
        archives=_all(table.tables("archives"), _archive, "name", table.problems),
        planned=table.text("planned", ""),
        ports=_ports(table.table("ports")),
        sources=table.choice("sources", ("deb822", "list"), "deb822"),
        platforms=_platforms(table) or tuple(item for item in PLATFORMS if item.debian in architectures),
        emulator=table.text("emulator", "", pattern=PACKAGE, of="a package name"),
        cross=table.texts("cross", (), pattern=_NAME, of="one of Debian's architectures"),
        named_only=table.boolean("named_only", default=False),
        libraries=_libraries(table),
        os_version=table.text("os_version", "", pattern=r"(\d+\.)+", of="the beginning of a version of Windows"),
    )


def _libraries(table: Table) -> tuple[tuple[str, str], ...]:
    inner = table.table("libraries")
    if inner is None:
        return ()
    found = tuple(
        (name, inner.text(name, pattern=_LIBRARY_VERSION, of="a version such as 3 or 3.5"))
        for name in inner.written()
    )
    inner.finish()
    return found


def _ports(table: Table | None) -> Ports | None:
    if table is None:
        return None
    found = Ports(
        mirror=table.text("mirror", pattern=_NAME, of="a mirror's role"),
        architectures=table.texts("architectures", pattern=_NAME, of="one of Debian's architectures"),
    )
    table.finish()
    return found


def _archive(table: Table) -> SuiteArchive:
    return SuiteArchive(
        name=table.text("name", pattern=_NAME, of="an archive"),
        mirror=table.text("mirror", pattern=_NAME, of="a mirror's role"),
        components=table.texts("components", pattern=r"[a-z0-9/-]+", of="a component"),
        keys=table.texts("keys", pattern=_KEY, of="a fingerprint of 40 digits, or the name of a key file"),
    )


def _variant(table: Table) -> Variant:
    return Variant(
        name=table.text("name", pattern=_NAME, of="a variant"),
        word=table.text("word"),
        title=table.text("title"),
        slim=table.boolean("slim"),
        optional_modules=table.texts("optional_modules", (), pattern=_MODULE, of="a module"),
        packages=_all(table.tables("packages"), read_wish, "name", table.problems),
        parts=_parts(table),
        root=RootKind(table.choice("root", [kind.value for kind in RootKind], RootKind.CONFIGURED.value)),
        base=_all(table.tables("base"), read_wish, "name", table.problems),
        cuts=_all(table.tables("cuts"), _cut, "package", table.problems),
        like=table.text("like", "", pattern=_NAME, of="a variant"),
        user=table.text("user", "", pattern=r"\d{1,9}(:\d{1,9})?", of="a user such as 1000:1000"),
        directory=table.text("directory", "", pattern=r"/[A-Za-z0-9/._-]*", of="an absolute path"),
        path=table.text("path", "", pattern=r"/[A-Za-z0-9/._-]*", of="an absolute path"),
        planned=table.text("planned", ""),
        distributions=table.texts(
            "distributions", ("debian", "ubuntu"), pattern="|".join(DISTRIBUTIONS), of="a distribution"
        ),
        platforms=_platforms(table),
        build=_all(table.tables("build"), read_wish, "name", table.problems),
        absent_modules=table.texts("absent_modules", (), pattern=_MODULE, of="a module"),
    )


def _cut(table: Table) -> Cut:
    return Cut(
        package=table.text("package", pattern=PACKAGE, of="a package name"),
        depends=table.texts("depends", pattern=PACKAGE, of="a package name"),
        why=table.text("why"),
    )


def _parts(table: Table) -> tuple[PythonPart, ...]:
    """In the order of layers; the interpreter itself is always there. Without the key: all but debug files."""
    every = [part.value for part in PythonPart]
    named = table.texts("parts", tuple(every[:-1]), pattern="|".join(every), of=f"one of {', '.join(every)}")
    return tuple(part for part in PythonPart if part in named or part is PythonPart.INTERPRETER)


def _scheme(table: Table) -> TagScheme:
    return TagScheme(
        name=table.text("name", pattern=_NAME, of="a scheme"),
        versions=table.texts("versions", pattern=_VERSION_WORD, of=f"one of {', '.join(VERSION_WORDS)}"),
        simple=tuple(_pattern(inner) for inner in table.tables("simple")),
        shared=tuple(_pattern(inner) for inner in table.tables("shared")),
        directories=tuple(
            _pattern(inner, "path", _DIRECTORY, "a path of words such as {series}/{variant}-{suite}")
            for inner in table.tables("directories")
        ),
        dated=tuple(
            _pattern(inner, "tag", _DATED, "{release}, then any of -{variant} and -{suite}, then -{date}")
            for inner in table.tables("dated")
        ),
        immutable=table.texts("immutable", (), pattern=GLOB, of="a pattern of tags"),
    )


def _pattern(
    table: Table,
    key: str = "tag",
    pattern: str = _TAG,
    of: str = "{version} or {aliases}, then any of -{variant} and -{suite}",
) -> TagPattern:
    found = TagPattern(
        tag=table.text(key, pattern=pattern, of=of),
        when=table.texts("when", ()),
        variants=table.texts("variants", (), pattern=_NAME, of="a variant"),
    )
    for number, condition in enumerate(found.when):
        if condition not in CONDITIONS:
            hint = did_you_mean(condition, CONDITIONS)
            table.problems.add(f"{table.where('when')}[{number}]", f"{condition!r} is not known", hint)
    table.finish()
    return found
