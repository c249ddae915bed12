# SPDX-License-Identifier: Apache-2.0
"""Why there is no solution: requirement → candidate → why not, as short as it can be said."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from imagewright.archives.debian.marking import Conflict, Marking, Unmet
from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import Alternatives, Relation
from imagewright.archives.debian.universe import Universe
from imagewright.errors import SolveError

_ARROW = " → "

_DEEPEST = 200
"""Steps from what was asked for to the reason. Real chains have some dozen, hostile ones any number."""


def explain_unreadable(text: str, why: str) -> SolveError:
    """What is wanted is not a dependency at all."""
    return SolveError(
        f"cannot read the wanted package {text[:80]!r}",
        why=why,
        hint="write it as in a control file, e.g. 'libssl-dev' or 'libc6 (>= 2.36)'",
    )


def explain_unknown(universe: Universe, alternatives: Alternatives) -> SolveError:
    """Nothing at all satisfies what is wanted."""
    text = _text(alternatives)
    names = [relation.name for relation in alternatives]
    close = [] if any(universe.get(name) for name in names) else _close(universe, names[0])
    return SolveError(
        f"no package satisfies {text}",
        why=_absent(universe, alternatives),
        hint=f"did you mean {' or '.join(close)}?" if close else "check the name, the suite and the architecture",
        details={"wanted": text, "similar": close},
    )


def explain_failure(
    marking: Marking, asked: Sequence[BinaryPackage], choices: Sequence[Alternatives], *, exhausted: bool
) -> SolveError:
    """Follow the first wanted package that does not work down to the reason."""
    start, chain = _first_failure(marking, asked, choices)
    details: dict[str, object] = {"wanted": start, "chain": chain, "exhausted": exhausted}
    return SolveError(
        f"no set of packages satisfies {start}",
        why=_ARROW.join(chain),
        hint="leave one of them out, or use another suite or archive",
        details=details,
    )


def _first_failure(
    marking: Marking, asked: Sequence[BinaryPackage], choices: Sequence[Alternatives]
) -> tuple[str, list[str]]:
    for package in asked:
        chain = _why(marking, package, set())
        if chain:
            return package.name, chain
    for group in choices:
        if not marking.satisfied(group):
            return _text(group), _why_unmet(marking, group, set())
    for package in marking.reachable(asked):
        chain = _why(marking, package, set())
        if chain:
            return package.name, chain
    conflict = marking.base_conflict()
    if conflict is not None:
        return conflict.target.name, [_conflict(marking, conflict)]
    return asked[0].name if asked else _text(choices[0]), ["too many combinations were tried"]


def _why(marking: Marking, package: BinaryPackage, seen: set[str], depth: int = 0) -> list[str]:
    """Why the package does not work in this marking; empty if it does, or if that lies too deep."""
    if package.name in seen or depth > _DEEPEST:
        return []
    seen.add(package.name)
    unmet = marking.unmet(package)
    obstacle = marking.obstacles.get(package.name)
    if isinstance(obstacle, Conflict):
        return [_conflict(marking, obstacle)]
    if isinstance(obstacle, Unmet):
        unmet = obstacle.alternatives
    if unmet is not None:
        return [f"{_name(package)} needs {_text(unmet)}", *_why_unmet(marking, unmet, seen, depth)]
    conflict = marking.conflict(package)
    if conflict is not None:
        return [_conflict(marking, conflict)]
    for group in marking.universe.needs(package).positive:
        for relation in group:
            for target in marking.universe.targets(relation):
                if target.name in marking.marked:
                    chain = _why(marking, target, seen, depth + 1)
                    if chain:
                        return [f"{_name(package)} needs {_text(group)}", *chain]
    return []


def _why_unmet(marking: Marking, alternatives: Alternatives, seen: set[str], depth: int = 0) -> list[str]:
    targets = {target.name: target for relation in alternatives for target in marking.universe.targets(relation)}
    if not targets:
        return [_absent(marking.universe, alternatives)]
    for target in targets.values():
        chain = _why(marking, target, seen, depth + 1)
        if chain:
            return chain
    return [f"{' and '.join(_name(target) for target in targets.values())} cannot be installed with the rest"]


def _absent(universe: Universe, alternatives: Alternatives) -> str:
    return "; ".join(_absent_one(universe, relation) for relation in alternatives)


def _absent_one(universe: Universe, relation: Relation) -> str:
    package = universe.get(relation.name)
    if package is None:
        providers = universe.targets(Relation(relation.name))
        if providers and relation.operator:
            return f"{_name(providers[0])} provides {relation.name}, but not in such a version"
        return f"no package has or provides the name {relation.name} for {universe.architecture}"
    if relation.architecture_qualifier and relation.architecture_qualifier != universe.architecture:
        return f"{_name(package)} does not count for {relation.name}:{relation.architecture_qualifier}"
    return f"the only candidate is {_name(package)}"


def _conflict(marking: Marking, conflict: Conflict) -> str:
    verb = "breaks" if conflict.relation in conflict.holder.breaks else "conflicts with"
    holder, target = _name(conflict.holder), _name(conflict.target)
    named = "" if conflict.relation.name == conflict.target.name else f" (as {conflict.relation})"
    origins = [_origin(marking, package) for package in (conflict.holder, conflict.target)]
    return f"{holder}{origins[0]} {verb} {target}{named}{origins[1]}"


def _origin(marking: Marking, package: BinaryPackage) -> str:
    if package.name in marking.base:
        return " (already there)"
    if package.name in marking.asked:
        return " (wanted)"
    parent = marking.parents.get(package.name)
    return f" (needed by {parent.name})" if parent else ""


def _name(package: BinaryPackage) -> str:
    return f"{package.name} {package.version}"


def _text(alternatives: Alternatives) -> str:
    return " | ".join(map(str, alternatives))


def _close(universe: Universe, name: str) -> list[str]:
    """Similar names. Only names with the same beginning are compared: there may be 70,000."""
    return get_close_matches(name, universe.near(name[:2]), n=2, cutoff=0.8)
