# SPDX-License-Identifier: Apache-2.0
"""All packages that may be chosen: one candidate for each name, and who satisfies a relation.

Several archives are merged as apt merges archives of equal priority: the highest version of a name is its
candidate. Building takes O(bytes of the indexes), a question O(packages of that name and providers of it),
answered once and remembered. Packages that come unread are read when a question comes to them, and so are
relationship fields.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from imagewright.archives.debian.mentions import Mentions, Place, may_be_foundation, provided_names
from imagewright.archives.debian.packages import BinaryPackage, PackageStanza
from imagewright.archives.debian.relations import Dependency, Relation
from imagewright.archives.debian.version import compare, holds

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

    __slots__ = (
        "_foundation",
        "_mentions",
        "_needs",
        "_providers",
        "_read",
        "_stanzas",
        "_targets",
        "architecture",
    )

    def __init__(self, packages: Iterable[BinaryPackage | PackageStanza], architecture: str) -> None:
        self.architecture = architecture
        self._stanzas = _by_name(packages)
        self._read: dict[str, BinaryPackage | None] = {}
        self._foundation = frozenset(
            name for name, each in self._stanzas.items() if any(map(may_be_foundation, each))
        )
        self._providers = _providers(self._stanzas)
        self._mentions = Mentions(tuple(one for each in self._stanzas.values() for one in each), architecture)
        self._targets: dict[Relation, tuple[BinaryPackage, ...]] = {}
        self._needs: dict[str, Needs] = {}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[BinaryPackage]:
        """Every candidate, by name."""
        return self._of(sorted(self._stanzas))

    def get(self, name: str) -> BinaryPackage | None:
        """The candidate of that name. Raises ``VerificationError`` where it is read now, and malformed."""
        try:
            return self._read[name]
        except KeyError:
            found = _candidate(self._stanzas.get(name, ()), self.architecture)
            self._read[name] = found
            return found

    def near(self, start: str) -> tuple[str, ...]:
        """Names that begin so, sorted."""
        return tuple(
            one.name for one in self._of(sorted(name for name in self._stanzas if name.startswith(start)))
        )

    def essential(self) -> tuple[BinaryPackage, ...]:
        """Candidates with ``Essential: yes``, by name."""
        return tuple(package for package in self._of(sorted(self._foundation)) if package.essential)

    def required(self) -> tuple[BinaryPackage, ...]:
        """Candidates of priority ``required``, by name."""
        return tuple(package for package in self._of(sorted(self._foundation)) if package.priority == "required")

    def fixed(self, installed: Iterable[BinaryPackage]) -> Universe:
        """The same universe in which each of ``installed`` is its name's only candidate."""
        changed = {package.name: package for package in installed if self.get(package.name) != package}
        if not changed:
            return self
        other = Universe((), self.architecture)
        other._mentions = self._mentions
        other._stanzas = {**self._stanzas, **{name: (package,) for name, package in changed.items()}}
        other._read = {**self._read, **changed}
        other._foundation = self._foundation | changed.keys()
        other._providers = {
            name: kept
            for name, providers in self._providers.items()
            if (kept := [provider for provider in providers if provider not in changed])
        }
        for name, providers in _providers({name: (package,) for name, package in changed.items()}).items():
            other._providers[name] = sorted([*other._providers.get(name, []), *providers])
        return other

    def without(self, cuts: Mapping[str, Collection[str]]) -> Universe:
        """The same universe in which dependencies of some packages (name → package names) do not count.

        A group of alternatives is gone if any of them is named.
        """
        changed = []
        for name, unwanted in sorted(cuts.items()):
            package = self.get(name)
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

    def mention(self, package: BinaryPackage) -> Place:
        """When apt, reading the indexes, meets the name; among equals it prefers the one met last.

        A question searches the indexes up to that place.
        """
        return self._mentions.place(package.name)

    def _of(self, names: Iterable[str]) -> Iterator[BinaryPackage]:
        return (package for package in map(self.get, names) if package is not None)

    def _named(self, name: str) -> Iterator[BinaryPackage]:
        real = self.get(name)
        if real is not None:
            yield real
        yield from self._of(provider for provider in self._providers.get(name, ()) if provider != name)

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


def _by_name(
    packages: Iterable[BinaryPackage | PackageStanza],
) -> dict[str, tuple[BinaryPackage | PackageStanza, ...]]:
    found: dict[str, tuple[BinaryPackage | PackageStanza, ...]] = {}
    for package in packages:
        found[package.name] = (*found.get(package.name, ()), package)
    return found


def _candidate(packages: Iterable[BinaryPackage | PackageStanza], architecture: str) -> BinaryPackage | None:
    """The best of one name."""
    best: BinaryPackage | None = None
    for one in packages:
        package = one.read() if isinstance(one, PackageStanza) else one
        fits = package.architecture in {architecture, "all"}
        if fits and (best is None or _better(package, best)):
            best = package
    return best


def _better(package: BinaryPackage, rival: BinaryPackage) -> bool:
    """Whether it wins over another of its name. Equal versions: by archive name, so that order means nothing."""
    order = compare(package.version, rival.version)
    return order > 0 or (order == 0 and _tie(package) < _tie(rival))


def _tie(package: BinaryPackage) -> tuple[str, str, str, str]:
    return package.archive, package.architecture, package.version, str(package.sha256)


def _providers(
    packages: Mapping[str, Iterable[BinaryPackage | PackageStanza]],
) -> dict[str, list[str]]:
    """Provided name → names of what may provide it, sorted. The fields themselves are read when asked for."""
    found: dict[str, list[str]] = {}
    for name, each in packages.items():
        for provided in {provided for package in each for provided in provided_names(package)}:
            found.setdefault(provided, []).append(name)
    for providers in found.values():
        providers.sort()
    return found
