# SPDX-License-Identifier: Apache-2.0
"""What holds for every solution, held against all subsets of random small universes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.relations import Alternatives, Relation
from imagewright.archives.debian.solver import Foundation, Solution, solve
from imagewright.archives.debian.universe import Universe
from imagewright.archives.debian.version import holds
from imagewright.errors import SolveError
from support.tiny_universe import packages, stanzas

NAMES = "abcdefg"
VIRTUAL = "vw"

relations = st.builds(
    lambda name, operator, version: f"{name} ({operator} {version})" if operator else name,
    st.sampled_from(NAMES + VIRTUAL),
    st.sampled_from(["", "", "", ">=", "<<", "="]),
    st.sampled_from("12"),
)
groups = st.lists(relations, min_size=1, max_size=3).map(" | ".join)


def field(name: str, values: st.SearchStrategy[list[str]]) -> st.SearchStrategy[str]:
    return values.map(lambda found: f"; {name}: {', '.join(found)}" if found else "")


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Seven packages at most, full of trouble."""
    lines = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1)):
        line = f"{name} {draw(st.sampled_from('12'))}"
        line += draw(field("Depends", st.lists(groups, max_size=2)))
        line += draw(field("Pre-Depends", st.lists(groups, max_size=1)))
        line += draw(field("Conflicts", st.lists(relations, max_size=1)))
        line += draw(field("Breaks", st.lists(relations, max_size=1)))
        line += draw(
            field("Provides", st.lists(st.sampled_from(["v", "w", "v (= 2)", "a"]), max_size=2, unique=True))
        )
        line += draw(st.sampled_from(["", "", "; Essential: yes", "; Priority: required"]))
        lines.append(line)
    return "\n".join(lines)


class Plain:
    """An independent reading of a package and of relations (Policy 7.1 and 7.5)."""

    def __init__(self, package: BinaryPackage) -> None:
        self.name = package.name
        self.names = [
            (package.name, package.version),
            *((given.name, given.version) for given in package.provides),
        ]
        self.positive = (*package.pre_depends, *package.depends)
        self.negative = (*package.conflicts, *package.breaks)

    def meets(self, relation: Relation) -> bool:
        return any(
            name == relation.name
            and (not relation.operator or (version != "" and holds(version, relation.operator, relation.version)))
            for name, version in self.names
        )


def plain(chosen: Iterable[BinaryPackage]) -> list[Plain]:
    return [Plain(package) for package in chosen]


def works(members: Sequence[Plain], wanted: Iterable[Alternatives] = ()) -> bool:
    """Whether a set has all that is wanted and all its members need, and no two that exclude one another."""
    needed = [*wanted, *(group for member in members for group in member.positive)]
    if not all(any(member.meets(relation) for relation in group for member in members) for group in needed):
        return False
    return not any(
        other.meets(relation)
        for member in members
        for relation in member.negative
        for other in members
        if other.name != member.name
    )


def attempt(there: Universe, wanted: Iterable[str], foundation: Foundation = Foundation.NONE) -> Solution | None:
    try:
        return solve(there, wanted, foundation=foundation)
    except SolveError:
        return None


@given(text=texts(), wanted=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_a_solution_is_found_exactly_if_there_is_one(text: str, wanted: set[str]) -> None:
    there = Universe(packages(text), "amd64")
    real = {name for name in wanted if there.get(name)}  # asked for by its own name, a provider will not do
    groups_wanted = [(Relation(name),) for name in sorted(wanted)]
    members = plain(there)
    subsets = (chosen for count in range(len(there) + 1) for chosen in itertools.combinations(members, count))
    possible = any(
        real <= {member.name for member in chosen} and works(chosen, groups_wanted) for chosen in subsets
    )
    solution = attempt(there, wanted)
    assert (solution is not None) == possible
    if solution is not None:
        assert real <= {package.name for package in solution.packages}
        assert works(plain(solution.packages), groups_wanted)


@given(text=texts(), wanted=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_nothing_is_chosen_that_nothing_needs(text: str, wanted: set[str]) -> None:
    solution = attempt(Universe(packages(text), "amd64"), wanted)
    if solution is None:
        return
    members = plain(solution.packages)
    needed = set(solution.roots)
    for _ in members:
        relations_of = [
            r for member in members if member.name in needed for group in member.positive for r in group
        ]
        needed |= {other.name for other in members if any(other.meets(relation) for relation in relations_of)}
    assert {member.name for member in members} == needed


@given(text=texts(), wanted=st.lists(groups, min_size=1, max_size=3), seed=st.integers(0, 99))
@settings(max_examples=100, deadline=None)
def test_no_order_changes_anything(text: str, wanted: list[str], seed: int) -> None:
    dice = random.Random(seed)
    there = packages(text)
    first = attempt(Universe(there, "amd64"), wanted)
    dice.shuffle(there)
    dice.shuffle(wanted)
    assert attempt(Universe(there, "amd64"), wanted) == first


@given(old=texts(), new=texts(), wanted=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_packages_that_are_read_when_needed_are_solved_the_same(old: str, new: str, wanted: set[str]) -> None:
    parsed = Universe([*packages(old), *packages(new, "security")], "amd64")
    lazy = Universe([*stanzas(old), *stanzas(new, "security")], "amd64")
    for foundation in Foundation:
        assert attempt(lazy, wanted, foundation) == attempt(parsed, wanted, foundation)
    assert (tuple(lazy), lazy.essential(), lazy.required()) == (
        tuple(parsed),
        parsed.essential(),
        parsed.required(),
    )
    for package in parsed:
        assert lazy.mention(package) == parsed.mention(package)
        assert lazy.targets(Relation(package.name)) == parsed.targets(Relation(package.name))


@given(text=texts(), wanted=st.sets(st.sampled_from(NAMES), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_any_part_that_is_closed_under_edges_works_by_itself(text: str, wanted: set[str]) -> None:
    there = Universe(packages(text), "amd64")
    solution = attempt(there, wanted)
    if solution is None:
        return
    assert [package.name for package in solution.packages] == sorted(solution.edges)
    for package in solution.packages:
        part = solution.closure([package.name])
        assert package in part
        assert works(plain(part))


@given(text=texts(), wanted=st.sets(st.sampled_from(NAMES), max_size=2))
@example(text="a 1\nb 1; Breaks: a; Essential: yes", wanted={"a"})
@settings(max_examples=100, deadline=None)
def test_what_is_installed_stays_and_is_built_upon(text: str, wanted: set[str]) -> None:
    there = Universe(packages(text), "amd64")
    base = attempt(there, [], Foundation.ESSENTIAL)
    if base is None:
        return
    try:
        more = solve(there, wanted, installed=base.packages)
    except SolveError:
        return
    assert not {package.name for package in more.packages} & {package.name for package in base.packages}
    assert works(plain([*base.packages, *more.packages]), [(Relation(name),) for name in wanted])


@pytest.mark.parametrize("foundation", list(Foundation))
def test_an_empty_universe(foundation: Foundation) -> None:
    assert solve(Universe([], "amd64"), [], foundation=foundation) == Solution((), (), {})
