# SPDX-License-Identifier: Apache-2.0
"""Sets of Debian's and Ubuntu's packages (:class:`imagewright.planning.candidates.Candidates`)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import parse_relation
from imagewright.archives.debian.runtime import libraries
from imagewright.archives.debian.solver import Foundation, Solution, solve
from imagewright.archives.debian.universe import Universe
from imagewright.errors import SolveError
from imagewright.model.lock import PackageSet
from imagewright.model.packages import LockedPackage
from imagewright.planning.candidates import Locked
from imagewright.planning.closures import closure

_GLIBC = re.compile(r"(?:\d+:)?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class DebianCandidates:
    """The packages of a suite's archives, solved as apt does."""

    universe: Universe

    def whole(self, roots: Iterable[str], foundation: Iterable[str]) -> Locked:
        """Essential packages, Priority required, and the roots."""
        wanted = self._real(roots)
        first = solve(self.universe, foundation)
        rest = solve(self.universe, wanted, foundation=Foundation.REQUIRED, installed=first.packages)
        return _locked(_joined(self.universe, first, rest))

    def plain(self, roots: Iterable[str]) -> Locked:
        """Nothing is Essential where nothing runs."""
        return _locked(solve(self.universe, self._real(roots)))

    def above(self, roots: Iterable[str], there: Iterable[PackageSet]) -> Locked:
        """On top of what is there."""
        installed = _remembered(there, self.universe)
        return _locked(solve(self.universe, self._real(roots), installed=installed))

    def alone(self, name: str) -> LockedPackage | None:
        """The candidate of that name."""
        found = self.universe.get(name)
        return None if found is None else _pinned(found, {})

    def libraries(self, buildroot: PackageSet, unused: Collection[str] = ()) -> tuple[str, ...] | None:
        """What the development packages asked for depend on."""
        found = {package.name: self.universe.get(package.name) for package in buildroot.packages}
        here = {name: package for name, package in found.items() if package is not None}
        edges = {package.name: package.depends for package in buildroot.packages}
        roots = tuple(root for root in buildroot.roots if root not in unused)
        development = tuple(root for root in roots if root.endswith("-dev"))
        needed = [package.name for package in closure(buildroot.packages, development)]
        if not all(name in here for name in needed):
            return None
        return libraries(Solution(tuple(here[name] for name in needed), development, edges))

    def glibc(self, buildroot: PackageSet) -> tuple[int, int]:
        """The version of libc6; wheels say which one they need (PEP 600)."""
        for package in buildroot.packages:
            match = _GLIBC.match(package.version) if package.name == "libc6" else None
            if match:
                return int(match[1]), int(match[2])
        return 0, 0

    def without(self, cuts: Mapping[str, Collection[str]]) -> DebianCandidates:
        """Without some dependencies."""
        return DebianCandidates(self.universe.without({name: tuple(gone) for name, gone in cuts.items()}))

    def fixed(self, sets: Iterable[PackageSet]) -> DebianCandidates:
        """With the sets' own versions."""
        return DebianCandidates(self.universe.fixed(_remembered(sets, self.universe)))

    def _real(self, roots: Iterable[str]) -> tuple[str, ...]:
        """A lock keeps names, so each name that is asked for must be a package's own."""
        wanted = tuple(roots)
        for name in wanted:
            providers = () if self.universe.get(name) else self.universe.targets(parse_relation(name))
            if providers:
                names = ", ".join(package.name for package in providers)
                raise SolveError(f"{name} is a virtual package", hint=f"name the package that is meant: {names}")
        return wanted


def _locked(solution: Solution) -> Locked:
    packages = (_pinned(package, solution.edges) for package in solution.packages)
    return tuple(sorted(packages, key=lambda package: package.name))


def _pinned(package: BinaryPackage, edges: Mapping[str, tuple[str, ...]]) -> LockedPackage:
    return LockedPackage(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        source=package.source,
        source_version=package.source_version,
        size=package.size,
        sha256=package.sha256,
        path=package.filename,
        archive=package.archive,
        depends=edges.get(package.name, ()),
        essential=package.essential,
    )


def _remembered(sets: Iterable[PackageSet], universe: Universe) -> tuple[BinaryPackage, ...]:
    """The packages of sets as candidates: from the archive where they are there yet, else as the lock has them.

    A lock does not keep what a package provides or conflicts with, but its dependencies are resolved names.
    """
    found: dict[str, BinaryPackage] = {}
    for package in (package for one in sets for package in one.packages):
        candidate = universe.get(package.name)
        same = candidate is not None and candidate.sha256 == package.sha256
        found[package.name] = candidate if candidate is not None and same else _as_candidate(package)
    return tuple(found.values())


def _as_candidate(package: LockedPackage) -> BinaryPackage:
    return BinaryPackage(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        source=package.source,
        source_version=package.source_version,
        filename=package.path,
        size=package.size,
        sha256=package.sha256,
        essential=package.essential,
        protected=False,
        priority="optional",
        multi_arch="",
        section="",
        archive=package.archive,
        depends_text=", ".join(package.depends),
    )


def _joined(universe: Universe, first: Solution, rest: Solution) -> Solution:
    """Two solutions, the second on top of the first, as one; its edges into the first are found again."""
    by_name = {package.name: package for package in first.packages}
    edges = {**first.edges, **rest.edges}
    for package in rest.packages if by_name else ():
        for group in universe.needs(package).positive:
            found = (target.name for relation in group for target in universe.targets(relation))
            needed = next((name for name in found if name in by_name), "")
            if needed:
                edges[package.name] = tuple(sorted({*edges[package.name], needed}))
    return Solution((*first.packages, *rest.packages), (*first.roots, *rest.roots), edges)
