# SPDX-License-Identifier: Apache-2.0
"""Which packages to install: what ``apt-get install --no-install-recommends`` would choose.

:func:`solve` equals apt's classic resolver where that finds an answer (held by an oracle test; see
``docs/explanation/solver.md``). Where apt's greedy pass runs into a conflict, the pass is repeated without one of
the packages that stood in each other's way: each such conflict splits the search in two or a few, depth first,
at most :data:`MAXIMUM_PASSES` passes. Nothing depends on the order of packages or of what is wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from imagewright.archives.debian.explain import explain_failure, explain_unknown, explain_unreadable
from imagewright.archives.debian.marking import Conflict, Marking, Unmet
from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import Alternatives, parse_dependency
from imagewright.archives.debian.universe import Universe

MAXIMUM_PASSES = 200
"""Passes before a solution counts as not to be found; a pass takes milliseconds."""


class Foundation(StrEnum):
    """What a root must hold whatever else is wanted.

    ``essential``: every ``Essential: yes`` package. ``required``: these, then every package of priority
    ``required``, the way mmdebstrap does it in two steps.
    """

    NONE = "none"
    ESSENTIAL = "essential"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Solution:
    """A closed set of packages, by name, without what was there already.

    ``roots`` are the names among them (or in the base) that the wanted relations came to. ``edges`` maps each
    package to the packages of this set that its Pre-Depends and Depends were resolved to, sorted; a dependency
    that the base satisfies leads nowhere.
    """

    packages: tuple[BinaryPackage, ...]
    roots: tuple[str, ...]
    edges: Mapping[str, tuple[str, ...]]

    def closure(self, names: Iterable[str]) -> tuple[BinaryPackage, ...]:
        """The packages that ``names`` and all they depend on come to. Names outside the set count for nothing."""
        queue = [name for name in names if name in self.edges]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name not in seen:
                seen.add(name)
                queue += self.edges[name]
        return tuple(package for package in self.packages if package.name in seen)


def solve(
    universe: Universe,
    wanted: Iterable[str],
    *,
    foundation: Foundation = Foundation.NONE,
    installed: Iterable[BinaryPackage] = (),
) -> Solution:
    """Find what to install so that everything wanted works.

    ``wanted`` are dependencies as in a control file: ``gcc``, ``libc6 (>= 2.36)``, ``awk``, ``exim4 | postfix``.
    ``installed`` packages stay at their versions and are neither removed nor returned. Raises ``SolveError``.
    """
    base = {package.name: package for package in installed}
    added: dict[str, BinaryPackage] = {}
    roots: set[str] = set()
    for stage in _stages(universe, wanted, foundation):
        marked, chosen = _install(universe.fixed(base.values()), stage, base)
        added.update(marked)
        base.update(marked)
        roots.update(chosen)
    return _solution(universe.fixed(base.values()), base, added, roots)


def _stages(universe: Universe, wanted: Iterable[str], foundation: Foundation) -> Iterable[Sequence[str]]:
    if foundation is not Foundation.NONE:
        yield [package.name for package in universe.essential()]
    required = [package.name for package in universe.required()] if foundation is Foundation.REQUIRED else []
    yield [*required, *wanted]


def _install(
    universe: Universe, wanted: Iterable[str], base: Mapping[str, BinaryPackage]
) -> tuple[dict[str, BinaryPackage], set[str]]:
    """One ``apt-get install``: what is marked, and the names that what was wanted came to."""
    asked, choices = _read_wanted(universe, wanted)
    marking = _search(universe, asked, choices, base)
    roots = [*asked, *(_resolve(marking, group, marking.marked) for group in choices)]
    kept = {package.name: package for package in marking.reachable(root for root in roots if root)}
    return kept, {root.name for root in roots if root}


def _read_wanted(universe: Universe, wanted: Iterable[str]) -> tuple[list[BinaryPackage], list[Alternatives]]:
    """Plain packages, and choices that have no single answer; each sorted, each once.

    apt-get, too, treats a virtual package with one provider as that provider.
    """
    asked: dict[str, BinaryPackage] = {}
    choices: dict[str, Alternatives] = {}
    for text in sorted(set(wanted)):
        try:
            groups = parse_dependency(text)
        except ValueError as error:
            raise explain_unreadable(text, str(error)) from None
        for group in groups:
            targets = [target for relation in group for target in universe.targets(relation)]
            if not targets:
                raise explain_unknown(universe, group)
            if len(group) == 1 and (targets[0].name == group[0].name or len(targets) == 1):
                asked[targets[0].name] = targets[0]
            else:
                choices[" | ".join(map(str, group))] = group
    return [asked[name] for name in sorted(asked)], [choices[text] for text in sorted(choices)]


def _search(
    universe: Universe,
    asked: Sequence[BinaryPackage],
    choices: Sequence[Alternatives],
    base: Mapping[str, BinaryPackage],
) -> Marking:
    """Repeat the pass, each time without one more of the packages that a conflict is about."""
    fixed = {package.name for package in asked} | base.keys()
    first: Marking | None = None
    pending: list[frozenset[str]] = [frozenset()]
    seen: set[frozenset[str]] = set(pending)
    for _ in range(MAXIMUM_PASSES):
        if not pending:
            break
        forbidden = pending.pop()
        marking = Marking(universe, base, forbidden)
        marking.want(asked, choices)
        problem = _problem(marking, asked, choices)
        if problem is None:
            return marking
        first = first or marking
        for name in reversed(_culprits(marking, problem)):
            without = forbidden | {name}
            if name not in fixed and without not in seen:
                seen.add(without)
                pending.append(without)
    assert first is not None  # the first pass always ran
    raise explain_failure(first, asked, choices, exhausted=bool(pending))


def _problem(
    marking: Marking, asked: Sequence[BinaryPackage], choices: Sequence[Alternatives]
) -> Unmet | Conflict | Alternatives | None:
    """The first thing wrong with what the wanted packages came to."""
    roots = list(asked)
    for group in choices:
        chosen = _resolve(marking, group, marking.marked)
        if chosen is None:
            return group
        roots.append(chosen)
    for package in marking.reachable(roots):
        unmet = marking.unmet(package)
        if unmet is not None:
            return Unmet(package, unmet)
        conflict = marking.conflict(package)
        if conflict is not None:
            return conflict
    return marking.base_conflict()


def _culprits(marking: Marking, problem: Unmet | Conflict | Alternatives) -> list[str]:
    """Names that cannot all be chosen: any solution lacks at least one. Those to try leaving out first, first."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    queue = [problem]
    while queue:
        item = queue.pop(0)
        if isinstance(item, Conflict):
            found |= {item.target.name: None, item.holder.name: None}
            continue
        alternatives = item.alternatives if isinstance(item, Unmet) else item
        for target in (target for relation in alternatives for target in marking.universe.targets(relation)):
            if target.name not in seen:
                seen.add(target.name)
                queue += [marking.obstacles[target.name]] if target.name in marking.obstacles else []
        if isinstance(item, Unmet):
            found.setdefault(item.package.name)
    return list(found)


def _resolve(
    marking: Marking, alternatives: Alternatives, among: Mapping[str, BinaryPackage]
) -> BinaryPackage | None:
    """What a group came to: the base if that satisfies it, else the first preferred one of ``among``."""
    targets = [target for relation in alternatives for target in marking.universe.targets(relation)]
    present = next((target for target in targets if target.name in marking.base), None)
    return present or next((target for target in targets if target.name in among), None)


def _solution(
    universe: Universe, base: Mapping[str, BinaryPackage], added: Mapping[str, BinaryPackage], roots: Iterable[str]
) -> Solution:
    before = {name: package for name, package in base.items() if name not in added}
    marking = Marking(universe, before)
    edges: dict[str, tuple[str, ...]] = {}
    for name in sorted(added):
        resolved = {_resolve(marking, group, added) for group in universe.needs(added[name]).positive}
        edges[name] = tuple(sorted({one.name for one in resolved if one and one.name in added} - {name}))
    return Solution(tuple(added[name] for name in sorted(added)), tuple(sorted(roots)), edges)
