# SPDX-License-Identifier: Apache-2.0
"""Sets of Alpine's packages (:class:`imagewright.planning.candidates.Candidates`).

Alpine's index names a package by the SHA-1 of a part of it. A lock pins the SHA-256 of the whole file besides,
which is learnt when it is made: whoever makes it fetches and verifies each package then (:data:`Pins`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.solver import Solution, solve
from imagewright.archives.alpine.universe import Universe
from imagewright.errors import SolveError
from imagewright.model.digest import Digest
from imagewright.model.lock import PackageSet
from imagewright.model.packages import LockedPackage
from imagewright.planning.candidates import Locked
from imagewright.planning.closures import closure

Pins = Callable[[Sequence[ApkPackage]], Mapping[str, Digest]]
"""Fetches and verifies packages; the SHA-256 of each, by its name."""

_LIBRARY = "so:"


@dataclass(frozen=True, slots=True)
class AlpineCandidates:
    """The packages of a suite's archives, solved as apk does."""

    universe: Universe
    pins: Pins

    def whole(self, roots: Iterable[str], foundation: Iterable[str]) -> Locked:
        """No package of Alpine's is in every root, so a whole one has what was asked for."""
        return self.plain((*roots, *foundation))

    def plain(self, roots: Iterable[str]) -> Locked:
        """What was asked for and what that needs."""
        return self._locked(solve(self.universe, self._real(roots)))

    def above(self, roots: Iterable[str], there: Iterable[PackageSet]) -> Locked:
        """On top of what is there."""
        installed = self._remembered(there)
        return self._locked(solve(self.universe, self._real(roots), installed=installed))

    def alone(self, name: str) -> LockedPackage | None:
        """The newest package of that name."""
        found = self.universe.newest(name)
        return None if found is None else self._locked(Solution((found,), (name,), {}))[0]

    def libraries(self, buildroot: PackageSet, unused: Collection[str] = ()) -> tuple[str, ...] | None:
        """The packages with shared libraries among all that the roots of a build root depend on.

        Any of them may be linked with: a compiler brings its run-time library, a development package its own.
        """
        roots = [root for root in buildroot.roots if root not in unused]
        names = [package.name for package in closure(buildroot.packages, roots)]
        found = {name: self.universe.newest(name) for name in names}
        if not all(found.values()):
            return None
        return tuple(name for name, package in sorted(found.items()) if package and _has_library(package))

    def glibc(self, buildroot: PackageSet) -> tuple[int, int]:
        """None: the C library is musl."""
        del buildroot
        return 0, 0

    def without(self, cuts: Mapping[str, Collection[str]]) -> AlpineCandidates:
        """Without some dependencies."""
        universe = self.universe.without({name: frozenset(gone) for name, gone in cuts.items()})
        return AlpineCandidates(universe, self.pins)

    def fixed(self, sets: Iterable[PackageSet]) -> AlpineCandidates:
        """With the sets' own versions, as far as the archive has them yet."""
        known = (self.universe.find(one.name, one.version) for each in sets for one in each.packages)
        return AlpineCandidates(self.universe.fixed(one for one in known if one is not None), self.pins)

    def _real(self, roots: Iterable[str]) -> tuple[str, ...]:
        """A lock keeps names, so each name that is asked for must be a package's own."""
        wanted = tuple(roots)
        for name in wanted:
            providers = {offer.package.name for offer in self.universe.providers(name)}
            if providers and name not in providers:
                meant = ", ".join(sorted(providers))
                raise SolveError(f"{name} is a virtual package", hint=f"name the package that is meant: {meant}")
        return wanted

    def _remembered(self, sets: Iterable[PackageSet]) -> tuple[ApkPackage, ...]:
        """The packages of sets as candidates: from the archive where they are there yet, else as locks have them.

        A lock does not keep what a package provides, but its dependencies are resolved names.
        """
        found: dict[str, ApkPackage] = {}
        for package in (package for one in sets for package in one.packages):
            candidate = self.universe.find(package.name, package.version)
            same = candidate is not None and candidate.size == package.size
            found[package.name] = candidate if candidate is not None and same else _as_candidate(package)
        return tuple(found.values())

    def _locked(self, solution: Solution) -> Locked:
        digests = self.pins(solution.packages)
        return tuple(
            LockedPackage(
                name=package.name,
                version=package.version,
                architecture=package.architecture,
                source=package.origin,
                source_version=package.version,
                size=package.size,
                sha256=digests[package.name],
                path=package.path,
                archive=package.archive,
                depends=solution.edges.get(package.name, ()),
            )
            for package in solution.packages
        )


def _has_library(package: ApkPackage) -> bool:
    return any(relation.name.startswith(_LIBRARY) for relation in package.provides)


def _as_candidate(package: LockedPackage) -> ApkPackage:
    return ApkPackage(
        name=package.name,
        version=package.version,
        architecture=package.architecture,
        origin=package.source,
        checksum=b"",
        size=package.size,
        built=0,
        archive=package.archive,
        path=package.path,
        depends_text=" ".join(package.depends),
    )
