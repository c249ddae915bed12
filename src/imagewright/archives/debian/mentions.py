# SPDX-License-Identifier: Apache-2.0
"""Names in relationship fields: who may provide a name, and when apt first meets one.

Both need every package of an archive, and of each no more than a few fields. Packages that come unread stay so:
their fields are found by a search of the stanza's bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagewright.archives.debian.packages import BinaryPackage, PackageStanza

_PROVIDED_NAME = re.compile(r"(?:^|,)\s*([A-Za-z0-9][A-Za-z0-9+.-]*)", re.ASCII)
_MENTIONED_NAME = re.compile(r"(?:^|[,|])\s*([A-Za-z0-9][A-Za-z0-9+.-]*(?::any)?)", re.ASCII)
_ORDER = (
    "pre-depends", "depends", "conflicts", "breaks", "recommends", "suggests", "replaces", "enhances", "provides",
)  # fmt: skip
_FIELD = re.compile(
    rb"^(architecture|" + "|".join(_ORDER).encode() + rb"):[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE | re.IGNORECASE
)
_SOURCE = re.compile(rb"\nsource:[ \t]*([^ \n]+)", re.IGNORECASE)

Place = tuple[int, int, int]
"""A package's number, the number of one of its fields, and that of a name in the field."""


class Mentions:
    """When apt, reading these packages' indexes, meets a name. One object for all solutions from an archive."""

    __slots__ = ("_architecture", "_found", "_packages", "_sorted")

    def __init__(self, packages: Iterable[BinaryPackage | PackageStanza], architecture: str) -> None:
        self._packages = packages
        self._architecture = architecture
        self._sorted: list[BinaryPackage | PackageStanza] = []
        self._found: dict[str, Place] = {}

    def place(self, name: str) -> Place:
        """What is met first has the smallest. O(bytes of the indexes) at most, for each name once."""
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        return found

    def _search(self, name: str) -> Place:
        if not self._sorted:
            self._sorted = sorted(self._packages, key=lambda one: (one.archive, _source(one), one.name))
        written = name.encode()
        for number, package in enumerate(self._sorted):
            if isinstance(package, PackageStanza) and written not in package.raw:
                continue
            fields = _fields(package)
            if fields["architecture"] not in {self._architecture, "all"}:
                continue
            if package.name == name:
                return number, -1, 0
            for position, field in enumerate(_ORDER):
                names = _MENTIONED_NAME.findall(fields.get(field, ""))
                if name in names:
                    return number, position, names.index(name)
        return 0, 0, 0


def provided_names(package: BinaryPackage | PackageStanza) -> Iterable[str]:
    """Names in Provides, whatever their versions."""
    if not isinstance(package, PackageStanza):
        return _PROVIDED_NAME.findall(package.provides_text)
    if b"\nprovides:" not in package.raw.lower():
        return ()
    return _PROVIDED_NAME.findall(_fields(package).get("provides", ""))


def may_be_foundation(package: BinaryPackage | PackageStanza) -> bool:
    """Whether it may be essential or of priority ``required``: never wrongly no."""
    if not isinstance(package, PackageStanza):
        return package.essential or package.priority == "required"
    text = package.raw.lower()
    return b"\nessential:" in text or (b"required" in text and b"\npriority:" in text)


def _fields(package: BinaryPackage | PackageStanza) -> dict[str, str]:
    """Relationship fields and Architecture, by lower-case name."""
    if isinstance(package, PackageStanza):
        found = {"architecture": ""}
        for field, value in _FIELD.findall(package.raw):
            found[field.decode().lower()] = value.decode(errors="replace").strip()
        return found
    return {
        "architecture": package.architecture,
        "pre-depends": package.pre_depends_text,
        "depends": package.depends_text,
        "conflicts": package.conflicts_text,
        "breaks": package.breaks_text,
        "recommends": package.recommends_text,
        "suggests": package.suggests_text,
        "replaces": package.replaces_text,
        "enhances": package.enhances_text,
        "provides": package.provides_text,
    }


def _source(package: BinaryPackage | PackageStanza) -> str:
    """The name of its source package."""
    if not isinstance(package, PackageStanza):
        return package.source
    if b"\nSource:" not in package.raw and b"\nsource:" not in package.raw.lower():
        return package.name
    found = _SOURCE.search(package.raw)
    return found[1].decode(errors="replace") if found else package.name
