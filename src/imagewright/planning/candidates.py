# SPDX-License-Identifier: Apache-2.0
"""What locking asks of a package system: sets of packages from the archives of one suite and architecture.

Debian's is :mod:`imagewright.planning.debian`, Alpine's :mod:`imagewright.planning.alpine`; docs/adr tells why the
line is drawn here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from imagewright.model.lock import PackageSet
from imagewright.model.packages import LockedPackage

Locked = tuple[LockedPackage, ...]
"""A closed set of packages; their ``depends`` are names of the same set."""


class Candidates(Protocol):
    """Candidates from archives that were verified. What solves raises ``SolveError``."""

    def whole(self, roots: Iterable[str], foundation: Iterable[str]) -> Locked:
        """A root from nothing; ``foundation`` is settled first, so that it decides between alternatives."""
        ...

    def plain(self, roots: Iterable[str]) -> Locked:
        """What was asked for and what that needs, and nothing that every root has."""
        ...

    def above(self, roots: Iterable[str], there: Iterable[PackageSet]) -> Locked:
        """What is to be added to the sets that are there."""
        ...

    def alone(self, name: str) -> LockedPackage | None:
        """One package without what it depends on."""
        ...

    def libraries(self, buildroot: PackageSet, unused: Collection[str] = ()) -> tuple[str, ...] | None:
        """Packages with libraries that what is compiled in a build root may come to need.

        Development packages in ``unused`` do not count. ``None`` where one of them left the archive.
        """
        ...

    def glibc(self, buildroot: PackageSet) -> tuple[int, int]:
        """The version of glibc in a root; 0.0 where its C library is another one."""
        ...

    def without(self, cuts: Mapping[str, Collection[str]]) -> Candidates:
        """As these, but for dependencies that do not count: package → names."""
        ...

    def fixed(self, sets: Iterable[PackageSet]) -> Candidates:
        """As these, with the very versions of the sets' packages."""
        ...
