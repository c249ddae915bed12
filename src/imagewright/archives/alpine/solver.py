# SPDX-License-Identifier: Apache-2.0
"""Which packages of Alpine's satisfy a wish, decided the same way every time.

As apk does (apk-tools, src/solver.c): a name has one owner, unless all who provide it do so without a version;
requirements that only one package can satisfy come first, names that are merely provided last; of several the
preferred one is tried first, and the next one where that fails. What is there already stays. At the end come the
packages that are to be installed where others are (``install_if``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.relations import Relation, parse_relation
from imagewright.archives.alpine.universe import Offer, Universe, names_of
from imagewright.errors import SolveError

_MOST_TRIES = 5_000


@dataclass(frozen=True, slots=True)
class Solution:
    """What is to be installed, by name, without what was there; ``edges`` says which of these each one needs."""

    packages: tuple[ApkPackage, ...]
    roots: tuple[str, ...]
    edges: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Need:
    relation: Relation
    holder: ApkPackage | None


@dataclass(slots=True)
class _State:
    """What was decided so far; copied where there is a choice."""

    chosen: dict[str, ApkPackage] = field(default_factory=dict)
    owners: dict[str, tuple[Offer, ...]] = field(default_factory=dict)
    conflicts: tuple[_Need, ...] = ()
    open: tuple[_Need, ...] = ()
    parents: dict[str, ApkPackage] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()

    def copy(self) -> _State:
        return replace(self, chosen=dict(self.chosen), owners=dict(self.owners), parents=dict(self.parents))


class _RefusedError(Exception):
    """A way that leads nowhere, with what to tell if no other does."""

    def __init__(self, error: SolveError) -> None:
        super().__init__(error.message)
        self.error = error


def solve(universe: Universe, names: Iterable[str], *, installed: Iterable[ApkPackage] = ()) -> Solution:
    """Satisfy ``names`` (words as in ``/etc/apk/world``) on top of ``installed``.

    Raises :class:`SolveError`, saying which requirement of whom cannot be satisfied, and why no candidate does.
    """
    wanted = tuple(sorted(set(names)))
    solver = _Solver(universe)
    there = tuple(installed)
    state = solver.begin(there, wanted)
    done = solver.run(state)
    before = {package.name for package in there}
    packages = tuple(package for name, package in sorted(done.chosen.items()) if name not in before)
    inside = {package.name for package in packages}
    edges = {package.name: _edges(package, done, inside) for package in packages}
    return Solution(packages, wanted, edges)


def _edges(package: ApkPackage, state: _State, inside: set[str]) -> tuple[str, ...]:
    found = {
        offer.package.name
        for relation in package.depends
        if not relation.conflict
        for offer in state.owners.get(relation.name, ())
        if relation.fits(offer.version)
    }
    return tuple(sorted((found & inside) - {package.name}))


class _Solver:
    def __init__(self, universe: Universe) -> None:
        self._universe = universe
        self._choices: list[tuple[_State, _Need, list[Offer]]] = []
        self._first: SolveError | None = None

    def begin(self, installed: Sequence[ApkPackage], wanted: Sequence[str]) -> _State:
        state = _State()
        for package in sorted(installed, key=lambda one: one.name):
            self._own(state, package)
            state.conflicts += tuple(_Need(one, package) for one in package.depends if one.conflict)
        needs = [_Need(self._relation(word), None) for word in wanted]
        state.conflicts += tuple(one for one in needs if one.relation.conflict)
        state.open = tuple(one for one in needs if not one.relation.conflict)
        return state

    def run(self, state: _State) -> _State:
        """Decide until nothing is open, going back to the last choice where a way leads nowhere."""
        tries = 0
        while True:
            try:
                while True:
                    while state.open:
                        self._decide(state)
                    if not self._conditional(state):
                        return state
            except _RefusedError as refused:
                self._first = self._first or refused.error
                tries += 1
                if not self._choices or tries > _MOST_TRIES:
                    raise self._first from None
                state, need, rest = self._choices.pop()
                if len(rest) > 1:
                    self._choices.append((state.copy(), need, rest[1:]))
                if rest:
                    self._take(state, rest[0].package, need)

    def _relation(self, word: str) -> Relation:
        try:
            return parse_relation(word)
        except ValueError as error:
            raise SolveError(f"{word!r} is no package", why=str(error)) from error

    def _decide(self, state: _State) -> None:
        """Satisfy the one open requirement that leaves least to choose."""
        ranked = min(range(len(state.open)), key=lambda at: (self._freedom(state, state.open[at]), at))
        need = state.open[ranked]
        state.open = state.open[:ranked] + state.open[ranked + 1 :]
        if self._is_met(state, need.relation):
            return
        offers = [
            offer for offer in self._universe.offers(need.relation) if not self._objection(state, offer.package)
        ]
        fit = [offer for offer in offers if self._may_be_chosen(need.relation.name, offer)]
        if not fit:
            raise _RefusedError(self._explained(state, need, offers))
        if len(fit) > 1:
            self._choices.append((state.copy(), need, fit[1:]))
        self._take(state, fit[0].package, need)

    def _freedom(self, state: _State, need: _Need) -> int:
        """0 where there is nothing to choose, 1 for versions of one package, 2 where packages are provided."""
        if self._is_met(state, need.relation):
            return 0
        names = {offer.package.name for offer in self._universe.providers(need.relation.name)}
        return min(len(names), 2) if names != {need.relation.name} else 1 if len(names) > 1 else 0

    def _is_met(self, state: _State, relation: Relation) -> bool:
        return any(relation.fits(offer.version) for offer in state.owners.get(relation.name, ()))

    def _may_be_chosen(self, name: str, offer: Offer) -> bool:
        """A name without a version says nothing of who is meant, unless one is alone or declares a priority."""
        alone = len(self._universe.providers(name)) == 1
        return offer.version is not None or offer.package.provider_priority > 0 or alone

    def _take(self, state: _State, package: ApkPackage, need: _Need) -> None:
        if need.holder is not None:
            state.parents.setdefault(package.name, need.holder)
        self._own(state, package)
        new = [_Need(relation, package) for relation in package.depends]
        state.conflicts += tuple(one for one in new if one.relation.conflict)
        state.open += tuple(one for one in new if not one.relation.conflict)

    def _own(self, state: _State, package: ApkPackage) -> None:
        state.chosen[package.name] = package
        for name, version in names_of(package).items():
            state.owners[name] = (*state.owners.get(name, ()), Offer(package, version))

    def _objection(self, state: _State, package: ApkPackage) -> str:
        """Why a package cannot join what was chosen; "" where it can."""
        names = names_of(package)
        for name, version in names.items():
            for owner in state.owners.get(name, ()):
                if owner.version is not None or version is not None:
                    how = "" if owner.own and name == owner.package.name else f" provides {name}, and"
                    return f"{owner.package}{how} is chosen already{_because(state, owner.package)}"
        for conflict in state.conflicts:
            relation = conflict.relation
            if relation.name in names and relation.fits(names[relation.name]):
                return f"{conflict.holder or 'what was asked'} conflicts with {relation.name}"
        for relation in package.depends:
            if relation.conflict and self._is_met(state, relation):
                owner = state.owners[relation.name][0]
                return f"it conflicts with {owner.package}{_because(state, owner.package)}"
        return ""

    def _conditional(self, state: _State) -> bool:
        """Take what is to be installed where others are; whether anything was. It stays out where it cannot be."""
        for package in self._universe.conditional:
            if package.name in state.chosen.keys() | state.left_out or self._objection(state, package):
                continue
            need = _Need(Relation(package.name, "=", package.version), None)
            if all(self._is_met(state, one) is not one.conflict for one in package.install_if):
                without = state.copy()
                without.left_out |= {package.name}
                self._choices.append((without, need, []))
                self._take(state, package, need)
                return True
        return False

    def _explained(self, state: _State, need: _Need, offers: Sequence[Offer]) -> SolveError:
        relation = need.relation
        asked = f"{need.holder} needs {relation}" if need.holder else f"{relation} was asked for"
        chain = _because(state, need.holder) if need.holder else ""
        if offers:
            names = ", ".join(offer.package.name for offer in offers)
            return SolveError(
                f"{relation} can be had from several packages: {names}",
                why=f"{asked}{chain}, and none of them is preferred",
                hint="name the one that is meant under `packages` in imagewright.toml",
            )
        providers = self._universe.providers(relation.name)
        if not providers:
            near = get_close_matches(relation.name, list(self._universe.names()), n=2, cutoff=0.8)
            return SolveError(
                f"no package has or provides {relation.name} for {self._universe.architecture}",
                why=f"{asked}{chain}",
                hint=f"did you mean {' or '.join(near)}?" if near else "is it in another archive of the suite?",
            )
        reasons = [self._rejected(state, relation, offer) for offer in providers]
        return SolveError(
            f"nothing satisfies {relation}",
            why=f"{asked}{chain}; {'; '.join(reasons[:5])}",
            details={"requirement": str(relation), "candidates": reasons},
        )

    def _rejected(self, state: _State, relation: Relation, offer: Offer) -> str:
        if not relation.fits(offer.version):
            called = "" if offer.own else f" provides {relation.name}={offer.version or '(no version)'}, which"
            return f"{offer.package}{called} does not fit"
        return f"{offer.package}: {self._objection(state, offer.package) or 'not tried'}"


def _because(state: _State, package: ApkPackage) -> str:
    """Who brought a package: at most three steps up."""
    words: list[str] = []
    while len(words) < 3 and (parent := state.parents.get(package.name)) is not None:  # noqa: PLR2004
        words.append(parent.name)
        package = parent
    return f" (for {', for '.join(words)})" if words else ""
