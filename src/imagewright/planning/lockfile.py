# SPDX-License-Identifier: Apache-2.0
"""The text of ``imagewright.lock``: TOML with one line per package, in a stable order, so that diffs are short.

A package line is ``name version architecture size sha256 archive path``, then, where they say something,
``essential``, ``from SOURCE VERSION`` (when it differs from the package's own) and ``needs NAME…``.
docs/reference/lock.md describes it for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from imagewright.catalog.reading import Table, parse_document
from imagewright.errors import ConfigurationError, Problems
from imagewright.model.digest import Digest
from imagewright.model.lock import (
    Lock,
    LockedArchive,
    LockedBase,
    LockedDistribution,
    LockedProfile,
    LockedSource,
    LockedWheel,
    PackageSet,
    Role,
    WheelSet,
)
from imagewright.model.packages import LockedPackage
from imagewright.planning.targets import parse_target

_T = TypeVar("_T")

FORMAT = 1
"""The format's version; a reader refuses any other."""

MAXIMUM_LOCK = 64 << 20
"""Characters of one lock: some thousand images."""

MAXIMUM_PACKAGES = 20_000
"""Packages in one set."""

_HEADER = """\
# Made by `imagewright lock`. Everything that goes into the images, exactly; commit it.
# docs/reference/lock.md describes the format.
"""

_NAME = r"[A-Za-z0-9_][A-Za-z0-9_+.-]*"
_VERSION = r"[A-Za-z0-9.+:~_-]+"
_WORD = r"[^\s\x00-\x1f\x7f]+"
_PATH = r"[A-Za-z0-9+.~_%:=@,-]+(?:/[A-Za-z0-9+.~_%:=@,-]+)*"
_LINE = re.compile(
    rf"(?P<name>{_NAME}) (?P<version>{_VERSION}) (?P<architecture>[a-z0-9_-]+) (?P<size>[0-9]{{1,15}})"
    rf" (?P<sha256>[0-9a-f]{{64}}) (?P<archive>{_NAME}) (?P<path>{_PATH})(?P<essential> essential)?"
    rf"(?: from (?P<source>{_NAME}) (?P<source_version>{_VERSION}))?"
    rf"(?: needs (?P<needs>{_NAME}(?: {_NAME})*))?",
    re.ASCII,
)
_WHEEL = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*) ([A-Za-z0-9.!+]+) ([A-Za-z0-9][A-Za-z0-9._!+-]*\.whl)"
    r" ([0-9]{1,15}) ([0-9a-f]{64})",
    re.ASCII,
)
_FINGERPRINT = r"[0-9A-F]{40}|"
_PLAIN_TEXT = r"[^\x00-\x1f\x7f]*"


def write_lock(lock: Lock) -> str:
    """The lock as text. Raises ``ValueError`` for a value that the format cannot hold."""
    return _HEADER + "\n".join(_lines(lock)) + "\n"


def read_lock(text: str, name: str = "imagewright.lock") -> Lock:
    """Read a lock. Raises :class:`ConfigurationError` with everything that is wrong, each with its path."""
    problems = Problems()
    table = Table(parse_document(text, name, maximum=MAXIMUM_LOCK), "", problems)
    version = table.integer("version")
    if version not in {0, FORMAT}:
        raise ConfigurationError(
            f"{name} has format {version}; this Imagewright reads format {FORMAT}",
            hint="use the release of Imagewright that made it, or make it anew with `imagewright lock`",
        )
    lock = Lock(
        configuration=_configuration(table),
        archives=_all(table.tables("archive"), _archive),
        sets=_all(table.tables("set"), _set),
        sources=_all(table.tables("source"), _source),
        profiles=_all(table.tables("profile"), _profile),
        wheels=_all(table.tables("wheels"), _wheel_set),
        distributions=_all(table.tables("distribution"), _distribution),
        bases=_all(table.tables("base"), _base),
    )
    table.finish()
    _check(lock, problems)
    problems.raise_if_any(f"{name} is wrong", hint="make it anew with `imagewright lock`")
    return lock


def format_package(package: LockedPackage) -> str:
    """One package line. Raises ``ValueError`` for a value that it cannot hold."""
    words = [
        package.name,
        package.version,
        package.architecture,
        str(package.size),
        package.sha256.hex,
        package.archive,
        package.path,
    ]
    if package.essential:
        words.append("essential")
    if (package.source, package.source_version) != (package.name, package.version):
        words += ["from", package.source, package.source_version]
    if package.depends:
        words += ["needs", *package.depends]
    line = " ".join(words)
    if not _LINE.fullmatch(line):
        raise ValueError(f"a lock cannot hold the package {package}: {line[:200]!r}")
    return line


def parse_package(line: str) -> LockedPackage:
    """Read a package line. Raises ``ValueError`` if it is none."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError("is not `name version architecture size sha256 archive path …`")
    if ".." in match["path"].split("/") or "." in match["path"].split("/"):
        raise ValueError(f"has a path that is not plain: {match['path'][:80]!r}")
    return LockedPackage(
        name=match["name"],
        version=match["version"],
        architecture=match["architecture"],
        source=match["source"] or match["name"],
        source_version=match["source_version"] or match["version"],
        size=int(match["size"]),
        sha256=Digest(match["sha256"]),
        path=match["path"],
        archive=match["archive"],
        depends=tuple((match["needs"] or "").split()),
        essential=match["essential"] is not None,
    )


def format_wheel(wheel: LockedWheel) -> str:
    """One line for a wheel: project, version, file name, size, SHA-256. Raises ``ValueError`` as a package's."""
    line = f"{wheel.project} {wheel.version} {wheel.filename} {wheel.size} {wheel.sha256.hex}"
    if not _WHEEL.fullmatch(line):
        raise ValueError(f"a lock cannot hold the wheel {line[:200]!r}")
    return line


def parse_wheel(line: str) -> LockedWheel:
    """Read a wheel's line. Raises ``ValueError`` if it is none."""
    match = _WHEEL.fullmatch(line)
    if match is None:
        raise ValueError("is not `project version filename size sha256`")
    project, version, filename, size, sha256 = match.groups()
    return LockedWheel(project, version, filename, int(size), Digest(sha256))


def _lines(lock: Lock) -> Iterator[str]:
    yield f"version = {FORMAT}"
    yield from ("", "[configuration]")
    yield from (f"{_text(target)} = {_text(digest.hex)}" for target, digest in lock.configuration)
    for archive in lock.archives:
        yield from ("", "[[archive]]")
        for key in ("name", "mirror", "address", "suite", "date"):
            yield f"{key} = {_text(getattr(archive, key))}"
        yield f"inrelease = {_text(archive.inrelease.hex)}"
    for source in lock.sources:
        yield from ("", "[[source]]")
        yield from (f"release = {_text(source.release)}", f"filename = {_text(source.filename)}")
        yield from (f"size = {source.size}", f"sha256 = {_text(source.sha256.hex)}")
        yield from (f"urls = {_texts(source.urls)}", f"signature_urls = {_texts(source.signature_urls)}")
        yield f"fingerprint = {_text(source.fingerprint)}"
        if source.wheels:
            yield f"wheels = {_texts(format_wheel(wheel) for wheel in source.wheels)}"
    for profile in lock.profiles:
        yield from ("", "[[profile]]")
        for key in ("release", "suite", "architecture", "flavour", "compiler"):
            yield f"{key} = {_text(getattr(profile, key))}"
        yield from (f"size = {profile.size}", f"sha256 = {_text(profile.sha256.hex)}")
        yield f"origin = {_text(profile.origin)}"
    for site in lock.wheels:
        yield from ("", "[[wheels]]", f"target = {_text(site.target)}", "files = [")
        yield from (f"  {_text(format_wheel(wheel))}," for wheel in site.wheels)
        yield "]"
    yield from _windows_lines(lock)
    for found in lock.sets:
        yield from ("", "[[set]]")
        yield f"role = {_text(found.role.value)}"
        for key in ("suite", "architecture", "key"):
            yield f"{key} = {_text(getattr(found, key))}"
        yield f"roots = {_texts(found.roots)}"
        yield "packages = ["
        yield from (f"  {_text(format_package(package))}," for package in found.packages)
        yield "]"


def _windows_lines(lock: Lock) -> Iterator[str]:
    for distribution in lock.distributions:
        yield from ("", "[[distribution]]")
        yield from (f"release = {_text(distribution.release)}", f"filename = {_text(distribution.filename)}")
        yield from (f"size = {distribution.size}", f"sha256 = {_text(distribution.sha256.hex)}")
        yield from (f"url = {_text(distribution.url)}", f"pip = {_text(format_wheel(distribution.pip))}")
        if distribution.identity:
            yield from (f"identity = {_text(distribution.identity)}", f"issuer = {_text(distribution.issuer)}")
    for base in lock.bases:
        yield from ("", "[[base]]", f"suite = {_text(base.suite)}", f"repository = {_text(base.repository)}")
        yield from (f"digest = {_text(base.digest.hex)}", f"size = {base.size}")
        yield f"os_version = {_text(base.os_version)}"


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's, but for DEL."""
    if not re.fullmatch(_PLAIN_TEXT, value) or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"a lock cannot hold {value[:80]!r}")
    return json.dumps(value, ensure_ascii=False)


def _texts(values: Iterable[str]) -> str:
    words = [_text(value) for value in values]
    if sum(map(len, words)) < 100:  # noqa: PLR2004 - what fits a line
        return f"[{', '.join(words)}]"
    return "[\n" + "".join(f"  {word},\n" for word in words) + "]"


def _all(tables: Iterable[Table], read: Callable[[Table], _T]) -> tuple[_T, ...]:
    found: list[_T] = []
    for table in tables:
        found.append(read(table))
        table.finish()
    return tuple(found)


def _configuration(table: Table) -> tuple[tuple[str, Digest], ...]:
    inner = table.table("configuration")
    if inner is None:
        return ()
    found = tuple((target, inner.digest(target)) for target in inner.written())
    for name, _ in found:
        try:
            parse_target(name)
        except ValueError as error:
            inner.wrong(name, str(error))
    inner.finish()
    return found


def _archive(table: Table) -> LockedArchive:
    return LockedArchive(
        name=table.text("name", pattern=_NAME, of="an archive"),
        mirror=table.text("mirror", pattern=_NAME, of="the role of a mirror"),
        address=table.text("address", pattern=r"[a-z]+://[^\s\x00-\x1f\x7f]+", of="an address"),
        suite=table.text("suite", pattern=r"[A-Za-z0-9][A-Za-z0-9./-]*", of="a suite"),
        date=table.text("date", pattern=r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z", of="a date and time in UTC"),
        inrelease=table.digest("inrelease"),
    )


def _source(table: Table) -> LockedSource:
    return LockedSource(
        release=table.text("release", pattern=_WORD, of="a release"),
        filename=table.text("filename", pattern=r"[A-Za-z0-9][A-Za-z0-9.+_-]*", of="a file name"),
        size=table.integer("size"),
        sha256=table.digest("sha256"),
        urls=table.texts("urls", pattern=_WORD, of="an address"),
        signature_urls=table.texts("signature_urls", (), pattern=_WORD, of="an address"),
        fingerprint=table.text("fingerprint", "", pattern=_FINGERPRINT, of="a fingerprint of 40 digits"),
        wheels=_wheels(table),
    )


def _distribution(table: Table) -> LockedDistribution:
    pip = _wheels(table, "pip", single=True)
    return LockedDistribution(
        release=table.text("release", pattern=_WORD, of="a release"),
        filename=table.text("filename", pattern=r"[A-Za-z0-9][A-Za-z0-9.+_-]*", of="a file name"),
        size=table.integer("size"),
        sha256=table.digest("sha256"),
        url=table.text("url", pattern=_WORD, of="an address"),
        pip=pip[0] if pip else LockedWheel("", "", "", 0, Digest("0" * 64)),
        identity=table.text("identity", ""),
        issuer=table.text("issuer", ""),
    )


def _base(table: Table) -> LockedBase:
    return LockedBase(
        suite=table.text("suite", pattern=_NAME, of="a suite"),
        repository=table.text("repository", pattern=_WORD, of="a repository"),
        digest=table.digest("digest"),
        size=table.integer("size"),
        os_version=table.text("os_version", pattern=r"\d+(\.\d+){2,3}", of="a version of Windows"),
    )


def _wheel_set(table: Table) -> WheelSet:
    target = table.text("target")
    try:
        parse_target(target)
    except ValueError as error:
        table.wrong("target", str(error))
    return WheelSet(target, _wheels(table, "files"))


def _wheels(table: Table, key: str = "wheels", *, single: bool = False) -> tuple[LockedWheel, ...]:
    found: list[LockedWheel] = []
    for number, line in enumerate((table.text(key),) if single else table.texts(key, ())):
        try:
            found.append(parse_wheel(line))
        except ValueError as error:
            table.problems.add(table.where(key) if single else f"{table.where(key)}[{number}]", str(error))
    return tuple(found)


def _profile(table: Table) -> LockedProfile:
    return LockedProfile(
        release=table.text("release", pattern=_WORD, of="a release"),
        suite=table.text("suite", pattern=_NAME, of="a suite"),
        architecture=table.text("architecture", pattern=_NAME, of="an architecture"),
        flavour=table.text("flavour", "", pattern="[a-z]?", of="a flavour"),
        compiler=table.text("compiler"),
        size=table.integer("size"),
        sha256=table.digest("sha256"),
        origin=table.text(
            "origin", pattern=r"store|catalog:[A-Za-z0-9][A-Za-z0-9._-]*", of="store or catalog:FILE"
        ),
    )


def _set(table: Table) -> PackageSet:
    role = table.choice("role", [member.value for member in Role])
    suite = table.text("suite", pattern=_NAME, of="a suite")
    architecture = table.text("architecture", pattern=_NAME, of="an architecture")
    key = table.text("key", pattern=_WORD, of="a word")
    roots = table.texts("roots", pattern=_NAME, of="a package name")
    lines = table.texts("packages")
    packages: list[LockedPackage] = []
    if len(lines) > MAXIMUM_PACKAGES:
        table.wrong("packages", f"has more than {MAXIMUM_PACKAGES} packages")
        lines = ()
    for number, line in enumerate(lines):
        try:
            packages.append(parse_package(line))
        except ValueError as error:
            table.problems.add(f"{table.where('packages')}[{number}]", str(error))
    known = Role(role) if role in {member.value for member in Role} else Role.BASE
    return PackageSet(known, suite, architecture, key, roots, tuple(packages))


def _check(lock: Lock, problems: Problems) -> None:
    """What no single line can know: archives that are not there, packages twice, needs that lead nowhere."""
    archives = {archive.name for archive in lock.archives}
    seen: set[tuple[str, str, str, str]] = set()
    for number, found in enumerate(lock.sets):
        place = f"set[{number}]"
        identity = (found.role.value, found.suite, found.architecture, found.key)
        if identity in seen:
            problems.add(place, f"the set {' '.join(identity)} is there already")
        seen.add(identity)
        names: set[str] = set()
        for index, package in enumerate(found.packages):
            if package.name in names:
                problems.add(f"{place}.packages[{index}]", f"{package.name} is there already")
            names.add(package.name)
        for index, package in enumerate(found.packages):
            line = f"{place}.packages[{index}]"
            if package.archive not in archives:
                problems.add(line, f"there is no archive {package.archive!r}")
            for need in package.depends:
                if need not in names:
                    problems.add(line, f"{package.name} needs {need}, which is not in this set")
