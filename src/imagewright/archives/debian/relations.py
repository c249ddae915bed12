# SPDX-License-Identifier: Apache-2.0
"""Relationship fields: ``Depends`` and its kin (Debian Policy 7.1, deb-control(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imagewright.archives.debian.version import parse_version

MAXIMUM_RELATIONS = 20_000
"""Relations in one field; the longest of Debian's (a Provides of a Rust or Haskell library) has a few hundred."""

_RELATION = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)"
    r"(?::(?P<architecture>[a-z0-9][a-z0-9-]*))?"
    r"(?:\s*\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s()]+)\s*\))?",
    re.ASCII,
)
# dpkg still reads the two old operators, which mean "or equal" (deb-control(5)).
_OLD_OPERATORS = {"<": "<=", ">": ">="}


@dataclass(frozen=True, slots=True)
class Relation:
    """One package named in a relationship field.

    ``architecture_qualifier`` is empty, ``any``, ``native`` or an architecture (``python3:any``); ``operator``
    is empty or one of ``<<``, ``<=``, ``=``, ``>=``, ``>>``, and ``version`` is empty exactly when it is.
    """

    name: str
    architecture_qualifier: str = ""
    operator: str = ""
    version: str = ""

    def __str__(self) -> str:
        name = f"{self.name}:{self.architecture_qualifier}" if self.architecture_qualifier else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name


Alternatives = tuple[Relation, ...]
"""Any one of these is enough (``a | b``), the first preferred."""

Dependency = tuple[Alternatives, ...]
"""All of these must hold (``a | b, c``)."""


def parse_relation(text: str) -> Relation:
    """Read one relation without alternatives. Raises ``ValueError``."""
    match = _RELATION.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not a package relation: {text.strip()[:80]!r}")
    operator = match["operator"] or ""
    version = match["version"] or ""
    if version:
        parse_version(version)
    return Relation(match["name"], match["architecture"] or "", _OLD_OPERATORS.get(operator, operator), version)


def parse_dependency(text: str) -> Dependency:
    """Read ``a (>= 1) | b, c:any``; empty text gives an empty tuple. Raises ``ValueError``."""
    if not text:
        return ()
    if text.count(",") + text.count("|") >= MAXIMUM_RELATIONS:
        raise ValueError(f"more than {MAXIMUM_RELATIONS} relations in one field")
    return tuple(tuple(parse_relation(alternative) for alternative in part.split("|")) for part in _parts(text))


def parse_relations(text: str) -> tuple[Relation, ...]:
    """Read a field that has no alternatives (Provides, Conflicts, Breaks, Replaces). Raises ``ValueError``."""
    if not text:
        return ()
    if text.count(",") >= MAXIMUM_RELATIONS:
        raise ValueError(f"more than {MAXIMUM_RELATIONS} relations in one field")
    return tuple(parse_relation(part) for part in _parts(text))


def _parts(text: str) -> list[str]:
    """The parts between commas; like dpkg, a comma at the very end is no part."""
    parts = text.split(",")
    if not parts[-1].strip():
        parts.pop()
    return parts
