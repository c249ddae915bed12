# SPDX-License-Identifier: Apache-2.0
"""Which files of a package are left out: dpkg's path-exclude and path-include, exactly as dpkg applies them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fnmatch import translate

from imagewright.model.tree import Kind

_WILDCARD = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class PathRules:
    """Patterns over absolute paths, in which ``*`` also stands for slashes; all of ``include`` come last.

    dpkg(1), "--path-exclude": the last pattern that matches decides. A directory or symbolic link that is left
    out comes back if an ``include`` pattern may lead below it.
    """

    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    _out: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _in: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _prefixes: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_out", _any_of(self.exclude))
        object.__setattr__(self, "_in", _any_of(self.include))
        object.__setattr__(self, "_prefixes", tuple(fixed_part(pattern) for pattern in self.include))

    def skips(self, path: str, kind: Kind) -> bool:
        """Whether an entry stays out. ``path`` is relative, as in :class:`imagewright.model.tree.Entry`."""
        name = f"/{path}"
        if self._out is None or not self._out.match(name) or (self._in is not None and self._in.match(name)):
            return False
        # dpkg, src/main/filters.c: it keeps more directories than it must, so that no file lacks its own.
        return not (kind in (Kind.DIRECTORY, Kind.SYMLINK) and name.startswith(self._prefixes))


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile("|".join(translate(pattern) for pattern in patterns)) if patterns else None


def fixed_part(pattern: str) -> str:
    """What every path that a pattern matches begins with."""
    return _WILDCARD.split(pattern, maxsplit=1)[0].rstrip("/")
