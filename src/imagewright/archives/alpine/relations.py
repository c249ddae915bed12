# SPDX-License-Identifier: Apache-2.0
"""Dependencies of Alpine's packages (apk-package(5), "depend"): ``musl>=1.2``, ``so:libz.so.1``, ``!uclibc``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imagewright.archives.alpine.version import OPERATORS, holds

MAXIMUM_RELATIONS = 20_000
"""Words in one field; busybox provides some hundred commands."""

_RELATION = re.compile(r"(!?)([^\s!=<>~][^\s=<>~]*)(?:([=<>~]{1,3})([^\s=<>~@]+))?", re.ASCII)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Relation:
    """One word: a name, or an operator and a version besides; ``conflict`` where it begins with ``!``."""

    name: str
    operator: str = ""
    version: str = ""
    conflict: bool = False

    def __str__(self) -> str:
        return f"{'!' if self.conflict else ''}{self.name}{self.operator}{self.version}"

    def fits(self, version: str | None) -> bool:
        """Whether something of that name and version is meant; ``None`` is a name provided without a version."""
        if not self.operator:
            return True
        return version is not None and holds(version, self.operator, self.version)


def parse_relation(word: str) -> Relation:
    """Read one word. Raises ``ValueError``."""
    match = _RELATION.fullmatch(word) if len(word) <= _LONGEST and word.isprintable() else None
    if match is None or (match[3] and match[3] not in OPERATORS):
        raise ValueError(f"{word[:80]!r} is not a dependency such as musl>=1.2")
    return Relation(match[2], match[3] or "", match[4] or "", bool(match[1]))


def parse_relations(text: str) -> tuple[Relation, ...]:
    """Read a field of words apart by blanks. Raises ``ValueError``."""
    words = text.split()
    if len(words) > MAXIMUM_RELATIONS:
        raise ValueError(f"{len(words)} words where {MAXIMUM_RELATIONS} are the most")
    return tuple(parse_relation(word) for word in words)
