# SPDX-License-Identifier: Apache-2.0
"""The solver chooses what apt would install: hundreds of package sets over three suites and three architectures.

By default every eighth set is compared; ``IMAGEWRIGHT_ORACLE=full`` compares all of them.
``docs/explanation/solver.md`` tells what came out, and about each set in ``TWO_ANSWERS``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.solver import Foundation, Solution, solve
from imagewright.archives.debian.universe import Universe
from imagewright.errors import SolveError
from support.apt_oracle import Answer, AptOracle, NoOracleError
from support.machine import lacking
from support.solver_sets import PackageSet, read_sets, universe_of

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ALL = read_sets()
STEP = 1 if os.environ.get("IMAGEWRIGHT_ORACLE") == "full" else 8
TWO_ANSWERS = frozenset(
    {
        # apt leaves installed what an attempt that it gave up had brought, if something merely recommends it.
        "trixie amd64 minbase finit-sysv libgranite-dev",
        "bullseye amd64 empty gosa-dev postfix-policyd-spf-python",
    }
)
COMPARED = [line for number, line in enumerate(ALL) if number % STEP == 0 or str(line) in TWO_ANSWERS]
ROOTS = sorted({(line.suite, line.architecture) for line in ALL})


@dataclass(slots=True)
class Side:
    """One suite and architecture, as apt and as we see it."""

    apt: AptOracle
    universe: Universe
    minbase: tuple[BinaryPackage, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.minbase = solve(self.universe, ["apt"], foundation=Foundation.REQUIRED).packages


class Sides:
    """Made when first asked for; only the last one is kept, as universes are large."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Side] = {}

    def get(self, suite: str, architecture: str) -> Side:
        if (suite, architecture) not in self._kept:
            self._kept.clear()
            try:
                oracle = AptOracle(suite, architecture)
            except NoOracleError as error:
                lacking(f"an oracle: {error}")
                raise
            self._kept[suite, architecture] = Side(oracle, universe_of(oracle))
        return self._kept[suite, architecture]


@pytest.fixture(scope="module")
def sides() -> Sides:
    return Sides()


def chosen(solution: Solution | tuple[BinaryPackage, ...]) -> frozenset[tuple[str, str]]:
    packages = solution.packages if isinstance(solution, Solution) else solution
    return frozenset((package.name, package.version) for package in packages)


def our_answer(side: Side, line: PackageSet) -> frozenset[tuple[str, str]] | None:
    installed = side.minbase if line.status == "minbase" else ()
    try:
        return chosen(solve(side.universe, line.names, installed=installed))
    except SolveError:
        return None


def difference(ours: frozenset[tuple[str, str]], apts: Answer) -> str:
    return f"apt only: {sorted(apts.packages - ours)}; we only: {sorted(ours - apts.packages)}"


@pytest.mark.parametrize(("suite", "architecture"), ROOTS, ids=lambda value: value)
def test_base_sets_are_apts(sides: Sides, suite: str, architecture: str) -> None:
    side = sides.get(suite, architecture)
    essential = solve(side.universe, [], foundation=Foundation.ESSENTIAL)
    assert chosen(essential) == side.apt.essential().packages
    assert chosen(side.minbase) == side.apt.minbase().packages
    assert len(side.minbase) > len(essential.packages) > 40


@pytest.mark.parametrize("line", sorted(COMPARED, key=lambda line: (line.suite, line.architecture)), ids=str)
def test_choices_are_apts(sides: Sides, line: PackageSet) -> None:
    side = sides.get(line.suite, line.architecture)
    apts = side.apt.install(sorted(line.names), line.status)  # apt's answer depends on their order, ours does not
    ours = our_answer(side, line)
    assert (ours is None) == bool(apts.refusal), apts.refusal or f"apt installs {len(apts.packages)} packages"
    if ours is None:
        return
    if str(line) in TWO_ANSWERS:
        assert ours < apts.packages, f"not one of two right answers: {difference(ours, apts)}"
    else:
        assert ours == apts.packages, difference(ours, apts)


@pytest.mark.parametrize(
    "names", [["python3-dev"], ["exim4-daemon-light", "postfix"], ["gcc", "git"]], ids=" ".join
)
def test_what_apt_would_fetch_is_what_it_would_install(sides: Sides, names: list[str]) -> None:
    oracle = sides.get("trixie", "amd64").apt
    fetched, installed = oracle.install(names), oracle.simulate(names)
    assert fetched.packages == installed.packages
    assert bool(fetched.refusal) == bool(installed.refusal)


def test_the_list_is_long_enough() -> None:
    assert len(ALL) >= 300
    assert len({str(line) for line in ALL}) == len(ALL)
    assert {str(line) for line in ALL} >= TWO_ANSWERS
    assert {line.suite for line in ALL} == {"bullseye", "bookworm", "trixie"}
