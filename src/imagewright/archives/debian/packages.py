# SPDX-License-Identifier: Apache-2.0
"""The Packages index of an archive: binary packages (Debian Policy 5.3, the Debian repository format)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import intern

from imagewright.archives.debian.deb822 import MalformedError, OversizeError, Stanza, read_stanzas, split_stanzas
from imagewright.archives.debian.relations import (
    Alternatives,
    Dependency,
    Relation,
    parse_dependency,
    parse_relation,
    parse_relations,
)
from imagewright.archives.debian.version import parse_version
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

__all__ = [
    "Alternatives",
    "BinaryPackage",
    "Dependency",
    "PackageStanza",
    "Relation",
    "package_stanzas",
    "parse_dependency",
    "parse_relation",
    "parse_relations",
]

MAXIMUM_PACKAGES = 1_000_000
"""Stanzas in one index; Debian's largest have about 75,000."""

MAXIMUM_DEB = 16 << 30
"""Bytes in one .deb."""

MAXIMUM_PATH = 1024
"""Characters in a path below an archive's address."""

_HEAD = re.compile(rb"Package: ([A-Za-z0-9][A-Za-z0-9+.-]*)(?=\n|\Z)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*", re.ASCII)
_ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)
_SOURCE = re.compile(r"([A-Za-z0-9][A-Za-z0-9+.-]*)(?:\s+\(([^\s()]+)\))?", re.ASCII)
_SIZE = re.compile(r"[0-9]{1,15}", re.ASCII)
_PATH = re.compile(r"[A-Za-z0-9+.~_%:=@,-]+(?:/[A-Za-z0-9+.~_%:=@,-]+)*", re.ASCII)
_WANTED = frozenset(
    {
        "package", "version", "architecture", "source", "filename", "size", "sha256", "essential", "important",
        "protected", "priority", "multi-arch", "depends", "pre-depends", "provides", "conflicts", "breaks",
        "replaces", "section", "recommends", "suggests", "enhances",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BinaryPackage:
    """One stanza of a Packages index.

    ``filename`` is the pool path below the archive's address, ``size`` in bytes, ``archive`` the name of the
    :class:`imagewright.model.lock.LockedArchive` it came from. ``protected`` is ``Protected: yes`` or its older
    name ``Important``. ``multi_arch`` is empty, ``same``, ``foreign`` or ``allowed``. Relationship fields are
    kept as text, because few are ever asked for; the properties read them, at each call. Recommends, Suggests and
    Enhances install nothing; they are kept because apt's order of equal providers follows from them.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    filename: str
    size: int
    sha256: Digest
    essential: bool
    protected: bool
    priority: str
    multi_arch: str
    section: str
    archive: str
    depends_text: str = ""
    pre_depends_text: str = ""
    provides_text: str = ""
    conflicts_text: str = ""
    breaks_text: str = ""
    replaces_text: str = ""
    recommends_text: str = ""
    suggests_text: str = ""
    enhances_text: str = ""

    def __str__(self) -> str:
        return f"{self.name}_{self.version}_{self.architecture}"

    @property
    def depends(self) -> Dependency:
        """Depends. Raises ``VerificationError`` if the field is malformed, as do the other properties."""
        return self._dependency("Depends", self.depends_text)

    @property
    def pre_depends(self) -> Dependency:
        """Pre-Depends."""
        return self._dependency("Pre-Depends", self.pre_depends_text)

    @property
    def provides(self) -> tuple[Relation, ...]:
        """Provides; a version, where given, has the operator ``=``."""
        provides = self._relations("Provides", self.provides_text)
        for relation in provides:
            if relation.operator not in {"", "="}:
                raise self._malformed("Provides", f"{relation} has another operator than =")
        return provides

    @property
    def conflicts(self) -> tuple[Relation, ...]:
        """Conflicts."""
        return self._relations("Conflicts", self.conflicts_text)

    @property
    def breaks(self) -> tuple[Relation, ...]:
        """Breaks."""
        return self._relations("Breaks", self.breaks_text)

    @property
    def replaces(self) -> tuple[Relation, ...]:
        """Replaces."""
        return self._relations("Replaces", self.replaces_text)

    def _dependency(self, field: str, text: str) -> Dependency:
        try:
            return parse_dependency(text)
        except ValueError as error:
            raise self._malformed(field, str(error)) from None

    def _relations(self, field: str, text: str) -> tuple[Relation, ...]:
        try:
            return parse_relations(text)
        except ValueError as error:
            raise self._malformed(field, str(error)) from None

    def _malformed(self, field: str, why: str) -> VerificationError:
        return VerificationError(f"{field} of {self} in {self.archive} cannot be read", why=why)


@dataclass(frozen=True, slots=True)
class PackageStanza:
    """A package as its index has it, of which only the name was read; ``number`` counts stanzas from 1."""

    name: str
    raw: bytes
    number: int
    archive: str

    def read(self) -> BinaryPackage:
        """The whole package. Raises ``VerificationError`` naming the stanza and the line in it that is wrong."""
        try:
            stanzas = read_stanzas((self.raw,), wanted=_WANTED)
            return _package(next(stanzas, Stanza(1, {})), self.archive)
        except MalformedError as error:
            raise _unreadable(f"{self.archive}, stanza {self.number} ({self.name})", str(error)) from None


def package_stanzas(chunks: Iterable[bytes], archive: str) -> Iterator[PackageStanza]:
    """Yield the packages of an index given decompressed, in pieces of any size.

    They come unread, as an archive has 65,000, and a solution asks for a few hundred. ``archive`` is the name that
    every package carries. Raises ``VerificationError`` for an index without bounds and for a stanza without a
    name; what else is wrong inside of one is found when it is read.
    """
    number = 0
    try:
        for raw in split_stanzas(chunks):
            if not raw.strip(b"\n"):
                continue
            number += 1
            if number > MAXIMUM_PACKAGES:
                raise _unreadable(archive, f"more than {MAXIMUM_PACKAGES} packages")
            head = _HEAD.match(raw)
            if head:
                yield PackageStanza(head[1].decode(), raw, number, archive)
            else:  # the name is not where it always is
                name = PackageStanza("nameless", raw, number, archive).read().name
                yield PackageStanza(name, raw, number, archive)
    except OversizeError as error:
        raise _unreadable(f"{archive}, stanza {number + 1}", str(error)) from None


def _unreadable(where: str, why: str) -> VerificationError:
    return VerificationError(f"the Packages index of {where} cannot be read", why=why)


def _package(stanza: Stanza, archive: str) -> BinaryPackage:
    try:
        return _read(stanza, archive)
    except ValueError as error:
        raise MalformedError(stanza.line, f"in the stanza that starts here: {error}") from None


def _read(stanza: Stanza, archive: str) -> BinaryPackage:
    get = stanza.fields.get
    name = _match(_NAME, "Package", get("package", ""))
    version = get("version", "")
    parse_version(version)
    source, source_version = _source(get("source", ""), name, version)
    size = get("size", "")
    if not _SIZE.fullmatch(size) or int(size) > MAXIMUM_DEB:
        raise ValueError(f"Size is {size[:40]!r}")
    return BinaryPackage(
        name=name,
        version=version,
        architecture=intern(_match(_ARCHITECTURE, "Architecture", get("architecture", ""))),
        source=source,
        source_version=source_version,
        filename=_filename(get("filename", "")),
        size=int(size),
        sha256=Digest(get("sha256", "")),
        essential=get("essential") == "yes",
        protected="yes" in (get("protected"), get("important")),
        priority=intern(get("priority", "")),
        multi_arch=_multi_arch(get("multi-arch", "")),
        section=intern(get("section", "")),
        archive=archive,
        depends_text=get("depends", ""),
        pre_depends_text=get("pre-depends", ""),
        provides_text=get("provides", ""),
        conflicts_text=get("conflicts", ""),
        breaks_text=get("breaks", ""),
        replaces_text=get("replaces", ""),
        recommends_text=get("recommends", ""),
        suggests_text=get("suggests", ""),
        enhances_text=get("enhances", ""),
    )


def _match(pattern: re.Pattern[str], field: str, value: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{field} is {value[:80]!r}")
    return value


def _multi_arch(value: str) -> str:
    if value in {"", "no"}:
        return ""
    if value not in {"same", "foreign", "allowed"}:
        raise ValueError(f"Multi-Arch is {value[:40]!r}")
    return intern(value)


def _source(value: str, name: str, version: str) -> tuple[str, str]:
    """Source's name and version, which default to the binary package's own."""
    if not value:
        return name, version
    match = _SOURCE.fullmatch(value)
    if not match:
        raise ValueError(f"Source is {value[:80]!r}")
    if match[2]:
        parse_version(match[2])
    return intern(match[1]), match[2] or version


def _filename(value: str) -> str:
    """A path below the archive's address that cannot leave it nor become something else in a URL."""
    if len(value) > MAXIMUM_PATH or not _PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise ValueError(f"Filename is {value[:200]!r}")
    return value
