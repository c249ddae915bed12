# SPDX-License-Identifier: Apache-2.0
"""One pass of choosing packages, in the order and with the preferences of apt's classic resolver.

Rules (apt's ``MarkInstall``, as in apt 2.x and 3.x, seen from outside):

* everything wanted is marked before any dependency is looked at;
* dependencies are then followed depth first, Pre-Depends before Depends, in the order of the field;
* alternatives are tried in order, providers of one name in the order of :meth:`Universe.preference`; whatever is
  already marked satisfies the alternatives it occurs in;
* what is wanted, and what it cannot do without, is *protected*: its Conflicts and Breaks put their targets out of
  reach at once; anything else that is in the way of something unprotected makes that fail instead;
* a candidate whose dependencies nothing can satisfy is put out of reach.

A pass never takes back a choice of alternatives; :mod:`imagewright.archives.debian.solver` tries again without
one of the packages that stood in each other's way. Time is O(relations of the packages looked at).
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import Alternatives, Relation
from imagewright.archives.debian.universe import Universe

MAXIMUM_DEPTH = 3000
"""Dependencies of dependencies; Debian's longest chains have some 200."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """``package`` is out of reach because nothing satisfies one of its dependencies."""

    package: BinaryPackage
    alternatives: Alternatives


@dataclass(frozen=True, slots=True)
class Conflict:
    """``holder`` has a Conflicts or Breaks, ``relation``, that excludes ``target``."""

    holder: BinaryPackage
    relation: Relation
    target: BinaryPackage


Obstacle = Unmet | Conflict
"""Why a package is out of reach, or was taken out again."""

_Request = tuple[str, bool]
_Steps = Generator[_Request, bool, bool]


class Marking:
    """The state of one pass. ``base`` is there already and stays; ``forbidden`` names are out of reach."""

    __slots__ = ("_unavailable", "asked", "base", "marked", "obstacles", "parents", "protected", "universe")

    def __init__(
        self, universe: Universe, base: Mapping[str, BinaryPackage], forbidden: Collection[str] = ()
    ) -> None:
        self.universe = universe
        self.base = base
        self.asked: tuple[str, ...] = ()
        self.marked: dict[str, BinaryPackage] = {}
        self.protected: set[str] = set()
        self.obstacles: dict[str, Obstacle] = {}
        self.parents: dict[str, BinaryPackage] = {}
        self._unavailable: set[str] = set(forbidden)

    def want(self, packages: Iterable[BinaryPackage], choices: Iterable[Alternatives]) -> None:
        """Mark all ``packages`` and one of each of ``choices``, with all they depend on, as far as that goes."""
        self.asked = tuple(package.name for package in packages)
        for name in self.asked:
            self.protected.add(name)
            self._run(name, follow=False, asked=True)
        for name in self.asked:
            self._run(name, follow=True, asked=True)
        for alternatives in choices:
            if not self.satisfied(alternatives):
                self._drive(self._any_of(alternatives, None, propagate=True))

    def present(self, package: BinaryPackage) -> bool:
        """Whether the package is in the base or marked."""
        return package.name in self.marked or package.name in self.base

    def satisfied(self, alternatives: Alternatives) -> bool:
        """Whether anything present satisfies one of them."""
        return any(self.present(target) for relation in alternatives for target in self.universe.targets(relation))

    def unmet(self, package: BinaryPackage) -> Alternatives | None:
        """The first dependency that nothing present satisfies."""
        needs = self.universe.needs(package)
        return next((group for group in needs.positive if not self.satisfied(group)), None)

    def conflict(self, package: BinaryPackage) -> Conflict | None:
        """The first Conflicts or Breaks of ``package`` that something present is excluded by."""
        for relation in self.universe.needs(package).negative:
            for target in self.universe.refused(package, relation):
                if self.present(target):
                    return Conflict(package, relation, target)
        return None

    def base_conflict(self) -> Conflict | None:
        """The first Conflicts or Breaks of the base that something marked is excluded by."""
        for package in self.base.values():
            for relation in self.universe.needs(package).negative:
                for target in self.universe.refused(package, relation):
                    if target.name in self.marked:
                        return Conflict(package, relation, target)
        return None

    def solutions(self, alternatives: Alternatives) -> list[BinaryPackage]:
        """What may be marked for one of the alternatives, best first."""
        found: dict[str, BinaryPackage] = {}
        for relation in alternatives:
            for target in self._ordered(relation):
                found.setdefault(target.name, target)
        return list(found.values())

    def _ordered(self, relation: Relation) -> list[BinaryPackage]:
        def key(target: BinaryPackage) -> tuple[bool, bool, bool, tuple[bool, bool, int]]:
            return (
                target.name not in self.protected,
                target.name not in self.base,
                target.name != relation.name,
                self.universe.preference(target),
            )

        available = [target for target in self.universe.targets(relation) if self._available(target.name)]
        ordered: list[BinaryPackage] = []
        for _, equals in groupby(sorted(available, key=key), key):
            same = list(equals)
            ordered += same if len(same) == 1 else sorted(same, key=self.universe.mention, reverse=True)
        return ordered

    def _available(self, name: str) -> bool:
        return name not in self._unavailable or name in self.base

    def _discard(self, name: str, obstacle: Obstacle) -> None:
        self.marked.pop(name, None)
        self._unavailable.add(name)
        self.obstacles[name] = obstacle

    def _run(self, name: str, *, follow: bool, asked: bool) -> bool:
        return self._drive(self._mark(name, follow=follow, asked=asked))

    def _drive(self, first: _Steps) -> bool:
        """Run generators that ask for one another, on a stack of our own: chains are longer than Python's."""
        stack = [first]
        answer: bool | None = None
        while stack:
            try:
                name, follow = stack[-1].send(answer) if answer is not None else next(stack[-1])
            except StopIteration as stop:
                stack.pop()
                answer = bool(stop.value)
            else:
                if len(stack) > MAXIMUM_DEPTH:
                    answer = False
                else:
                    stack.append(self._mark(name, follow=follow, asked=False))
                    answer = None
        return bool(answer)

    def _mark(self, name: str, *, follow: bool, asked: bool) -> _Steps:
        """Mark one package and, with ``follow``, what it needs. The result is whether it works like that."""
        candidate = self._candidate(name, asked=asked)
        if candidate is None:
            return False
        protected = name in self.protected
        if not protected and self.present(candidate) and not self._broken(candidate):
            return True
        if not follow:
            self._select(candidate)
            return True
        if not self._satisfiable(candidate):
            return False
        # What fails stays marked if it was asked for or is needed for certain: there is nothing else to try.
        tolerant = protected or asked
        # Which dependencies are open is decided before anything is pushed aside.
        groups = [g for g in self.universe.needs(candidate).positive if protected or not self.satisfied(g)]
        complete = self._push_aside(candidate, protected=protected, tolerant=tolerant)
        if not (complete or tolerant):
            return False
        self._select(candidate)
        self.protected.add(name)
        unmet = yield from self._install(candidate, groups, propagate=protected, tolerant=tolerant)
        if not protected:
            self.protected.discard(name)
        if unmet is not None and tolerant:
            self.obstacles.setdefault(name, Unmet(candidate, unmet))
        elif unmet is not None:
            self._discard(name, Unmet(candidate, unmet))
        return complete and unmet is None

    def _candidate(self, name: str, *, asked: bool) -> BinaryPackage | None:
        """The package, if it may be marked: what is protected and absent may only be if it is asked for."""
        candidate = self.universe.get(name)
        if candidate is None or not self._available(name):
            return None
        kept_out = name in self.protected and not asked and not self.present(candidate)
        return None if kept_out else candidate

    def _select(self, candidate: BinaryPackage) -> None:
        if candidate.name not in self.base:
            self.marked[candidate.name] = candidate

    def _broken(self, package: BinaryPackage) -> bool:
        return self.unmet(package) is not None or self.conflict(package) is not None

    def _satisfiable(self, candidate: BinaryPackage) -> bool:
        """Whether each dependency has some candidate; if not, this one is out of reach."""
        if candidate.name in self.base:
            return True
        for group in self.universe.needs(candidate).positive:
            targets = (target for relation in group for target in self.universe.targets(relation))
            if not any(self._available(target.name) for target in targets):
                if candidate.name in self.protected:
                    self.obstacles.setdefault(candidate.name, Unmet(candidate, group))
                else:
                    self._discard(candidate.name, Unmet(candidate, group))
                return False
        return True

    def _push_aside(self, candidate: BinaryPackage, *, protected: bool, tolerant: bool) -> bool:
        """Take out what the candidate conflicts with. What is protected or in the base stays and makes it fail."""
        complete = True
        for relation in self.universe.needs(candidate).negative:
            refused = self.universe.refused(candidate, relation)
            if not protected and not any(self.present(target) for target in refused):
                continue
            for target in refused:
                conflict = Conflict(candidate, relation, target)
                if target.name in self.base or (target.name in self.marked and target.name in self.protected):
                    self.obstacles.setdefault(candidate.name, conflict)
                    complete = False
                    if not tolerant:
                        return False
                    continue
                if target.name in self.marked:
                    del self.marked[target.name]
                    self.obstacles[target.name] = conflict
                if protected and self._available(target.name):
                    self._discard(target.name, conflict)
                    self.protected.add(target.name)
        return complete

    def _install(
        self, candidate: BinaryPackage, groups: Iterable[Alternatives], *, propagate: bool, tolerant: bool
    ) -> Generator[_Request, bool, Alternatives | None]:
        """Satisfy each group; the result is the first one that could not be."""
        failed: Alternatives | None = None
        for group in groups:
            if self.satisfied(group):
                if propagate:
                    yield from self._protect_only(group)
                continue
            if not (yield from self._any_of(group, candidate, propagate=propagate)):
                failed = failed or group
                if not tolerant:
                    break
        return failed

    def _protect_only(self, group: Alternatives) -> _Steps:
        """If just one package can satisfy the group, it is as protected as what needs it."""
        possible = self._unprotected_or_present(self.solutions(group))
        if len(possible) == 1 and possible[0].name not in self.protected:
            self.protected.add(possible[0].name)
            return (yield possible[0].name, True)
        return True

    def _any_of(self, group: Alternatives, parent: BinaryPackage | None, *, propagate: bool) -> _Steps:
        possible = self._unprotected_or_present(self.solutions(group))
        for target in possible:
            if not self._available(target.name):
                continue
            if parent is not None:
                self.parents.setdefault(target.name, parent)
            if propagate and len(possible) == 1:
                if not (yield target.name, False):
                    continue
                self.protected.add(target.name)
            if (yield target.name, True):
                return True
        return False

    def _unprotected_or_present(self, packages: list[BinaryPackage]) -> list[BinaryPackage]:
        """Protected means that its state stays: what is protected and absent cannot be chosen."""
        return [package for package in packages if package.name not in self.protected or self.present(package)]

    def reachable(self, roots: Iterable[BinaryPackage]) -> Iterator[BinaryPackage]:
        """Marked packages that ``roots`` need by any satisfied alternative, in an order that does not vary."""
        seen: set[str] = set()
        queue = [package for package in roots if package.name in self.marked]
        while queue:
            package = queue.pop()
            if package.name in seen:
                continue
            seen.add(package.name)
            yield package
            for group in reversed(self.universe.needs(package).positive):
                for relation in reversed(group):
                    queue += [target for target in self.universe.targets(relation) if target.name in self.marked]
