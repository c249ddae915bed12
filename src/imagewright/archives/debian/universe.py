# SPDX-License-Identifier: Apache-2.0
"""All packages that may be chosen: one candidate for each name, and who satisfies a relation.

Several archives are merged as apt merges archives of equal priority: the highest version of a name is its
candidate. Building takes O(packages + provided names), a question O(packages of that name and providers of it),
answered once and remembered. Relationship fields are read only for packages that a question comes to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import Dependency, Relation
from imagewright.archives.debian.version import compare, holds

_PROVIDED_NAME = re.compile(r"(?:^|,)\s*([A-Za-z0-9][A-Za-z0-9+.-]*)", re.ASCII)
_MENTIONED_NAME = re.compile(r"(?:^|[,|])\s*([A-Za-z0-9][A-Za-z0-9+.-]*(?::any)?)", re.ASCII)
_PRIORITIES = {"required": 1, "important": 2, "standard": 3, "optional": 4}
_EXTRA = 5

ANY = "any"
NATIVE = "native"


@dataclass(frozen=True, slots=True)
class Needs:
    """The relations of one package that decide what can be installed with it, read from its fields.

    ``positive`` are Pre-Depends and then Depends, ``negative`` Conflicts and then Breaks, in their fields' order.
    """

    positive: Dependency
    negative: tuple[Relation, ...]


class Universe:
    """The candidates of one architecture; immutable, so one may serve any number of solutions.

    Packages of other architectures are left out: only ``architecture`` and ``all`` can be chosen.
    """

    __slots__ = ("_mentions", "_needs", "_outdated", "_packages", "_providers", "_targets", "architecture")

    def __init__(self, packages: Iterable[BinaryPackage], architecture: str) -> None:
        self.architecture = architecture
        self._packages, self._outdated = _candidates(packages, architecture)
        self._providers = _providers(self._packages.values())
        self._targets: dict[Relation, tuple[BinaryPackage, ...]] = {}
        self._needs: dict[str, Needs] = {}
        self._mentions: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._packages)

    def __iter__(self) -> Iterator[BinaryPackage]:
        """Every candidate, by name."""
        return (self._packages[name] for name in sorted(self._packages))

    def get(self, name: str) -> BinaryPackage | None:
        """The candidate of that name."""
        return self._packages.get(name)

    def names(self) -> tuple[str, ...]:
        """Names of all candidates, sorted."""
        return tuple(sorted(self._packages))

    def essential(self) -> tuple[BinaryPackage, ...]:
        """Candidates with ``Essential: yes``, by name."""
        return tuple(package for package in self if package.essential)

    def required(self) -> tuple[BinaryPackage, ...]:
        """Candidates of priority ``required``, by name."""
        return tuple(package for package in self if package.priority == "required")

    def fixed(self, installed: Iterable[BinaryPackage]) -> Universe:
        """The same universe in which each of ``installed`` is its name's only candidate."""
        changed = [package for package in installed if self._packages.get(package.name) != package]
        if not changed:
            return self
        other = Universe((), self.architecture)
        replaced = {package.name for package in changed}
        other._outdated = self._outdated
        other._mentions = self._mentions
        other._packages = {**self._packages, **{package.name: package for package in changed}}
        other._providers = {
            name: kept
            for name, providers in self._providers.items()
            if (kept := [provider for provider in providers if provider not in replaced])
        }
        for name, providers in _providers(changed).items():
            other._providers[name] = sorted([*other._providers.get(name, []), *providers])
        return other

    def without(self, cuts: Mapping[str, Collection[str]]) -> Universe:
        """The same universe in which dependencies of some packages (name → package names) do not count.

        A group of alternatives is gone if any of them is named.
        """
        changed = []
        for name, unwanted in sorted(cuts.items()):
            package = self._packages.get(name)
            if package is not None:
                pre, post = _cut(package.pre_depends, unwanted), _cut(package.depends, unwanted)
                changed.append(replace(package, pre_depends_text=pre, depends_text=post))
        return self.fixed(changed)

    def needs(self, package: BinaryPackage) -> Needs:
        """What a candidate needs and refuses. Raises ``VerificationError`` where a field is malformed."""
        found = self._needs.get(package.name)
        if found is None:
            found = Needs((*package.pre_depends, *package.depends), (*package.conflicts, *package.breaks))
            self._needs[package.name] = found
        return found

    def targets(self, relation: Relation) -> tuple[BinaryPackage, ...]:
        """The candidates that satisfy a relation, the one of that very name first, then providers by name."""
        found = self._targets.get(relation)
        if found is None:
            found = tuple(package for package in self._named(relation.name) if self._satisfies(package, relation))
            self._targets[relation] = found
        return found

    def refused(self, package: BinaryPackage, relation: Relation) -> tuple[BinaryPackage, ...]:
        """The candidates that a Conflicts or Breaks of ``package`` excludes; it never excludes itself."""
        return tuple(target for target in self.targets(relation) if target.name != package.name)

    def preference(self, package: BinaryPackage) -> tuple[bool, bool, int]:
        """A key that orders providers of one name as apt does: essential, protected, then by priority."""
        return not package.essential, not package.protected, _PRIORITIES.get(package.priority, _EXTRA)

    def mention(self, package: BinaryPackage) -> int:
        """When apt, reading the indexes, meets the name; among equals it prefers the one met last.

        The first question reads the relationship fields of all packages, which takes about half a second.
        """
        if not self._mentions:
            self._mentions = _mention_order([*self._packages.values(), *self._outdated])
        return self._mentions.get(package.name, 0)

    def _named(self, name: str) -> Iterator[BinaryPackage]:
        real = self._packages.get(name)
        if real is not None:
            yield real
        for provider in self._providers.get(name, ()):
            if provider != name:
                yield self._packages[provider]

    def _satisfies(self, package: BinaryPackage, relation: Relation) -> bool:
        """Whether it does, by its own name and version or by one of its Provides."""
        qualifier = relation.architecture_qualifier
        if qualifier not in {"", ANY, NATIVE, self.architecture}:
            return False
        itself = package.name == relation.name and (qualifier != ANY or package.multi_arch == "allowed")
        if itself and _version_holds(package.version, relation):
            return True
        return bool(package.provides_text) and any(
            self._provided(package, provided, relation) for provided in package.provides
        )

    def _provided(self, package: BinaryPackage, provided: Relation, relation: Relation) -> bool:
        if provided.name != relation.name:
            return False
        if relation.architecture_qualifier == ANY:
            if provided.architecture_qualifier != ANY and package.multi_arch != "allowed":
                return False
        elif provided.architecture_qualifier not in {"", self.architecture}:
            return False
        return _version_holds(provided.version, relation)


def _cut(dependency: Dependency, unwanted: Collection[str]) -> str:
    """A dependency as text again, without the groups that name something unwanted."""
    kept = (group for group in dependency if not any(relation.name in unwanted for relation in group))
    return ", ".join(" | ".join(map(str, group)) for group in kept)


def _version_holds(version: str, relation: Relation) -> bool:
    """Whether the version is asked for. A Provides without one satisfies no versioned relation (Policy 7.5)."""
    return not relation.operator or (bool(version) and holds(version, relation.operator, relation.version))


def _candidates(
    packages: Iterable[BinaryPackage], architecture: str
) -> tuple[dict[str, BinaryPackage], list[BinaryPackage]]:
    """The best of each name, and all the others."""
    found: dict[str, BinaryPackage] = {}
    outdated: list[BinaryPackage] = []
    for package in packages:
        if package.architecture not in {architecture, "all"}:
            continue
        rival = found.get(package.name)
        if rival is None or _better(package, rival):
            found[package.name] = package
            outdated += [rival] if rival else []
        else:
            outdated.append(package)
    return found, outdated


def _better(package: BinaryPackage, rival: BinaryPackage) -> bool:
    """Whether it wins over another of its name. Equal versions: by archive name, so that order means nothing."""
    order = compare(package.version, rival.version)
    return order > 0 or (order == 0 and _tie(package) < _tie(rival))


def _tie(package: BinaryPackage) -> tuple[str, str, str, str]:
    return package.archive, package.architecture, package.version, str(package.sha256)


def _providers(packages: Iterable[BinaryPackage]) -> dict[str, list[str]]:
    """Provided name → names of its providers, sorted. The fields themselves are read when asked for."""
    found: dict[str, list[str]] = {}
    for package in packages:
        if package.provides_text:
            for name in set(_PROVIDED_NAME.findall(package.provides_text)):
                found.setdefault(name, []).append(package.name)
    for providers in found.values():
        providers.sort()
    return found


def _mention_order(packages: Iterable[BinaryPackage]) -> dict[str, int]:
    """When each name is first mentioned, in apt's order: by archive, then source, then name."""
    order: dict[str, int] = {}
    for package in sorted(packages, key=lambda package: (package.archive, package.source, package.name)):
        order.setdefault(package.name, len(order))
        for text in (
            package.pre_depends_text,
            package.depends_text,
            package.conflicts_text,
            package.breaks_text,
            package.recommends_text,
            package.suggests_text,
            package.replaces_text,
            package.enhances_text,
            package.provides_text,
        ):
            for name in _MENTIONED_NAME.findall(text):
                order.setdefault(name, len(order))
    return order
