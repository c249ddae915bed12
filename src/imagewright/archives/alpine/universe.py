# SPDX-License-Identifier: Apache-2.0
"""The candidates of several archives, by every name that they go by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cmp_to_key

from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.relations import Relation
from imagewright.archives.alpine.version import key


@dataclass(frozen=True, slots=True)
class Offer:
    """A package under one of its names; ``version`` is the name's, ``None`` where it is provided without one."""

    package: ApkPackage
    version: str | None

    @property
    def own(self) -> bool:
        """Whether the name is the package's own: then it has its version."""
        return self.version is not None and self.version == self.package.version


class Universe:
    """Packages that may be installed. Where two archives have one version of a package, the first one's counts."""

    def __init__(self, packages: Iterable[ApkPackage], architecture: str) -> None:
        self.architecture = architecture
        self._packages: dict[str, dict[str, ApkPackage]] = {}
        for package in packages:
            have = self._packages.setdefault(package.name, {})
            other = have.get(package.version)
            if other is None or package.rank < other.rank:
                have[package.version] = package
        self._providers: dict[str, list[Offer]] = {}
        self.conditional: list[ApkPackage] = []
        for name in sorted(self._packages):
            newest_first = sorted(self._packages[name].values(), key=_age, reverse=True)
            for package in newest_first:
                self._register(package)

    def _register(self, package: ApkPackage) -> None:
        for name, version in names_of(package).items():
            self._providers.setdefault(name, []).append(Offer(package, version))
        if package.install_if_text:
            self.conditional.append(package)

    def names(self) -> Iterable[str]:
        """The packages' own names."""
        return self._packages.keys()

    def newest(self, name: str) -> ApkPackage | None:
        """The newest package of that very name."""
        found = self._packages.get(name)
        return max(found.values(), key=lambda package: key(package.version)) if found else None

    def find(self, name: str, version: str) -> ApkPackage | None:
        """That version of the package of that name."""
        return self._packages.get(name, {}).get(version)

    def offers(self, relation: Relation) -> list[Offer]:
        """Who has or provides the name, in a version that fits, the one to prefer first."""
        fitting = [offer for offer in self._providers.get(relation.name, ()) if relation.fits(offer.version)]
        return sorted(fitting, key=cmp_to_key(_preference))

    def providers(self, name: str) -> list[Offer]:
        """Who has or provides the name in any version."""
        return self._providers.get(name, [])

    def without(self, cuts: Mapping[str, frozenset[str]]) -> Universe:
        """As this one, but for dependencies that do not count: package → names."""
        changed = [
            replace(package, depends_text=_cut(package, cuts[name])) if name in cuts else package
            for name, versions in self._packages.items()
            for package in versions.values()
        ]
        return Universe(changed, self.architecture)

    def fixed(self, packages: Iterable[ApkPackage]) -> Universe:
        """As this one, but with only these versions of the packages that they are of."""
        fixed = {package.name: package for package in packages}
        others = (
            package
            for name, versions in self._packages.items()
            if name not in fixed
            for package in versions.values()
        )
        return Universe((*others, *fixed.values()), self.architecture)


def _age(package: ApkPackage) -> tuple[object, ...]:
    """Newer ones are greater; different spellings of one version have an order too."""
    return key(package.version), package.version


def names_of(package: ApkPackage) -> dict[str, str | None]:
    """Every name that a package goes by, its own first, with the version that it has under it."""
    found: dict[str, str | None] = {package.name: package.version}
    for relation in package.provides:
        found.setdefault(relation.name, relation.version or None)
    return found


def _preference(one: Offer, other: Offer) -> int:
    """As apk prefers: the newer by the name asked for, of one package the newer, then by declared priority, then
    the archive that was asked first. Names decide where nothing else does."""
    a, b = one.package, other.package
    versions = [(_key(one.version), _key(other.version))]
    if a.name == b.name:
        versions.append((_key(a.version), _key(b.version)))
    for left, right in versions:
        if left != right:
            return -1 if left > right else 1
    mine = (-a.provider_priority, a.rank, a.name)
    others = (-b.provider_priority, b.rank, b.name)
    return (mine > others) - (mine < others)


def _key(version: str | None) -> tuple[object, ...]:
    try:
        return () if version is None else key(version)
    except ValueError:
        return ()


def _cut(package: ApkPackage, names: frozenset[str]) -> str:
    return " ".join(str(relation) for relation in package.depends if relation.name not in names)
