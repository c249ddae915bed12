# SPDX-License-Identifier: Apache-2.0
"""What the solver chooses, one rule at a time, in universes of a few packages."""

from __future__ import annotations

import pytest

from imagewright.archives.debian.solver import Foundation, solve
from imagewright.archives.debian.universe import Universe
from imagewright.errors import SolveError, VerificationError
from support.tiny_universe import packages, universe


def names(there: Universe, *wanted: str, base: str = "") -> str:
    """What is chosen, as one line, for a universe in which ``base`` is installed."""
    installed = [package for name in base.split() if (package := there.get(name))]
    return " ".join(package.name for package in solve(there, wanted, installed=installed).packages)


class TestDependencies:
    def test_pre_depends_and_depends_are_followed(self) -> None:
        there = universe("""
            a 1; Depends: b; Pre-Depends: c
            b 1; Depends: d
            c 1
            d 1
            e 1
        """)
        assert names(there, "a") == "a b c d"

    def test_recommends_and_suggests_are_not(self) -> None:
        assert names(universe("a 1; Recommends: b; Suggests: b; Enhances: b\nb 1"), "a") == "a"

    def test_cycles_end(self) -> None:
        assert names(universe("a 1; Depends: b\nb 1; Pre-Depends: c\nc 1; Depends: a"), "a") == "a b c"

    def test_chains_may_be_longer_than_the_interpreters_stack(self) -> None:
        text = "\n".join(f"p{i} 1; Depends: p{i + 1}" for i in range(2500)) + "\np2500 1"
        assert len(solve(universe(text), ["p0"]).packages) == 2501

    @pytest.mark.parametrize(
        ("relation", "satisfied"),
        [("<< 2", False), ("<= 2", True), ("= 2", True), (">= 2", True), (">> 2", False), (">> 1:0", False)],
    )
    def test_versions_count(self, relation: str, satisfied: bool) -> None:
        there = universe(f"a 1; Depends: b ({relation})\nb 2")
        if satisfied:
            assert names(there, "a") == "a b"
        else:
            with pytest.raises(SolveError):
                solve(there, ["a"])

    def test_a_package_may_depend_on_itself(self) -> None:
        assert names(universe("a 1; Depends: a"), "a") == "a"


class TestAlternatives:
    def test_the_first_is_preferred(self) -> None:
        assert names(universe("a 1; Depends: b | c\nb 1\nc 1"), "a") == "a b"

    def test_the_first_that_can_be_installed(self) -> None:
        there = universe("a 1; Depends: nosuch | b | c | d\nb 1; Depends: nosuch\nc 1; Depends: b\nd 1")
        assert names(there, "a") == "a d"

    def test_what_is_wanted_anyway_counts(self) -> None:
        there = universe("a 1; Depends: b | c\nb 1\nc 1")
        assert names(there, "a", "c") == "a c"
        assert names(there, "c", "a") == "a c"

    def test_what_is_there_already_counts(self) -> None:
        assert names(universe("a 1; Depends: b | c\nb 1\nc 1"), "a", base="c") == "a"

    def test_what_an_attempt_left_behind_is_not_kept(self) -> None:
        there = universe("a 1; Depends: b | c\nb 1; Depends: left, nob\nnob 1; Depends: nosuch\nleft 1\nc 1")
        assert names(there, "a") == "a c"


class TestProvides:
    def test_a_virtual_name_is_satisfied(self) -> None:
        assert names(universe("a 1; Depends: v\nb 1; Provides: v"), "a") == "a b"

    def test_the_package_of_that_name_comes_first(self) -> None:
        assert names(universe("a 1; Depends: b\nb 1\nz 1; Provides: b; Priority: required"), "a") == "a b"

    def test_the_higher_priority_comes_first(self) -> None:
        there = universe(
            "a 1; Depends: v\nx 1; Provides: v; Priority: standard\ny 1; Provides: v\nz 1; Provides: v"
        )
        assert names(there, "a") == "a x"

    def test_essential_comes_before_priority(self) -> None:
        there = universe("a 1; Depends: v\nx 1; Provides: v; Essential: yes\ny 1; Provides: v; Priority: required")
        assert names(there, "a") == "a x"

    def test_among_equals_the_name_met_last_is_taken(self) -> None:
        assert names(universe("a 1; Depends: v\nx 1; Provides: v\ny 1; Provides: v"), "a") == "a y"
        there = universe("a 1; Depends: v; Suggests: y\nx 1; Provides: v\ny 1; Provides: v")
        assert names(there, "a") == "a x"

    def test_a_version_is_asked_of_the_provides(self) -> None:
        there = universe(
            "a 1; Depends: v (>= 2)\nx 3; Provides: v\ny 3; Provides: v (= 1)\nz 1; Provides: v (= 2)"
        )
        assert names(there, "a") == "a z"

    def test_a_similar_name_is_not_provided(self) -> None:
        with pytest.raises(SolveError):
            solve(universe("a 1; Depends: v\nb 1; Provides: v-extra, xv"), ["a"])


class TestMultiArch:
    def test_any_needs_a_package_that_allows_it(self) -> None:
        assert names(universe("a 1; Depends: b:any\nb 1; Multi-Arch: allowed"), "a") == "a b"
        for multi_arch in ("", "; Multi-Arch: same", "; Multi-Arch: foreign"):
            with pytest.raises(SolveError):
                solve(universe(f"a 1; Depends: b:any\nb 1{multi_arch}"), ["a"])

    def test_any_through_provides(self) -> None:
        assert names(universe("a 1; Depends: v:any\nb 1; Provides: v; Multi-Arch: allowed"), "a") == "a b"
        assert names(universe("a 1; Depends: v:any\nb 1; Provides: v:any"), "a") == "a b"

    @pytest.mark.parametrize("qualifier", ["native", "amd64"])
    def test_the_own_architecture(self, qualifier: str) -> None:
        assert names(universe(f"a 1; Depends: b:{qualifier}\nb 1"), "a") == "a b"

    def test_a_foreign_architecture_is_never_there(self) -> None:
        there = universe("a 1; Depends: b:i386 | c\nb 1\nb 1; Architecture: i386\nc 1; Architecture: all")
        assert names(there, "a") == "a c"


class TestConflicts:
    @pytest.mark.parametrize("field", ["Conflicts", "Breaks"])
    @pytest.mark.parametrize("holder", ["c", "b"])
    def test_another_alternative_is_taken(self, field: str, holder: str) -> None:
        target = {"b": "c", "c": "b"}[holder]
        lines = {"b": "b 1", "c": "c 1", "d": "d 1"}
        lines[holder] += f"; {field}: {target}"
        there = universe("a 1; Depends: b | d", *lines.values())
        assert names(there, "a", "c") == "a c d"

    def test_only_versions_that_are_named_conflict(self) -> None:
        assert names(universe("a 1; Breaks: b (<< 2)\nb 2"), "a", "b") == "a b"
        with pytest.raises(SolveError):
            solve(universe("a 1; Breaks: b (<< 2)\nb 1"), ["a", "b"])

    def test_a_provider_may_conflict_with_what_it_provides(self) -> None:
        assert names(universe("a 1; Provides: v; Conflicts: v"), "a") == "a"
        with pytest.raises(SolveError):
            solve(universe("a 1; Provides: v; Conflicts: v\nb 1; Provides: v; Conflicts: v"), ["a", "b"])

    def test_replaces_alone_excludes_nothing(self) -> None:
        assert names(universe("a 1; Replaces: b\nb 1"), "a", "b") == "a b"

    def test_an_earlier_choice_is_taken_back(self) -> None:
        # a prefers b, but only c's needs come later and exclude it.
        there = universe("a 1; Depends: b | e, c\nb 1\nc 1; Depends: d\nd 1; Conflicts: b\ne 1")
        assert names(there, "a") == "a c d e"

    def test_a_choice_deep_below_is_taken_back(self) -> None:
        there = universe("""
            a 1; Depends: m
            m 1; Depends: n
            n 1; Depends: x | y
            x 1
            y 1
            z 1; Depends: w
            w 1; Depends: u | v
            u 1; Breaks: x
            v 1; Breaks: y
        """)
        assert names(there, "a", "z") == "a m n u w y z"

    def test_what_is_there_stays(self) -> None:
        there = universe("a 1; Depends: b | c\nb 1; Conflicts: old\nc 1\nold 1")
        assert names(there, "a", base="old") == "a c"

    def test_what_is_there_may_refuse(self) -> None:
        there = universe("a 1; Depends: b | c\nb 1\nc 1\nold 1; Breaks: b")
        assert names(there, "a", base="old") == "a c"
        with pytest.raises(SolveError, match="no set of packages satisfies b"):
            solve(there, ["b"], installed=[package for package in there if package.name == "old"])

    def test_what_is_there_keeps_its_version(self) -> None:
        there = universe("a 1; Depends: b (>= 2) | c\nb 2\nc 1")
        installed = packages("b 1")
        assert [package.name for package in solve(there, ["a"], installed=installed).packages] == ["a", "c"]


class TestFoundation:
    TEXT = """
        base 1; Essential: yes; Pre-Depends: awk
        mawk 1; Provides: awk; Priority: required
        gawk 1; Provides: awk
        lib 1; Priority: required
        login 1; Priority: required; Depends: lib | other
        other 1
        guard 1; Protected: yes
        tool 1; Depends: awk
    """

    def test_none(self) -> None:
        assert names(universe(self.TEXT), "tool") == "mawk tool"

    def test_essential(self) -> None:
        solution = solve(universe(self.TEXT), [], foundation=Foundation.ESSENTIAL)
        assert [package.name for package in solution.packages] == ["base", "mawk"]

    def test_required_on_top_of_essential(self) -> None:
        solution = solve(universe(self.TEXT), ["tool"], foundation=Foundation.REQUIRED)
        assert [package.name for package in solution.packages] == ["base", "lib", "login", "mawk", "tool"]
        assert solution.edges["tool"] == ("mawk",)
        assert solution.edges["base"] == ("mawk",)


class TestWanted:
    def test_versions_and_alternatives(self) -> None:
        there = universe("a 2\nb 1; Provides: v\nc 1; Provides: v")
        assert names(there, "a (>= 2)") == "a"
        assert names(there, "a (>= 3) | b") == "b"
        assert names(there, "v") == "c"
        assert names(there, "v", "b") == "b"
        assert names(there, "a, b") == "a b"

    def test_nothing_wanted_is_nothing_chosen(self) -> None:
        assert names(universe("a 1")) == ""

    def test_roots_are_what_was_wanted(self) -> None:
        there = universe("a 1; Depends: b\nb 1\nc 1; Provides: v")
        assert solve(there, ["v", "a"]).roots == ("a", "c")

    def test_edges_are_what_dependencies_came_to(self) -> None:
        there = universe("a 1; Depends: x | y, z, v\nx 1; Depends: z\ny 1\nz 1\np 1; Provides: v")
        solution = solve(there, ["a", "y"], installed=[there.get("z")])  # type: ignore[list-item]
        assert solution.edges == {"a": ("p", "y"), "p": (), "y": ()}
        assert [package.name for package in solution.closure(["a"])] == ["a", "p", "y"]
        assert [package.name for package in solution.closure(["p", "z"])] == ["p"]


class TestUniverse:
    def test_the_highest_version_of_all_archives_is_the_candidate(self) -> None:
        there = universe(packages("a 1.10\nb 2", "stable"), packages("a 1.9\nb 2", "security"))
        assert [(p.name, p.version, p.archive) for p in there] == [("a", "1.10", "stable"), ("b", "2", "security")]

    def test_only_the_candidate_provides(self) -> None:
        there = universe(packages("a 1; Provides: v", "stable"), packages("a 2", "updates"), "b 1; Depends: v")
        with pytest.raises(SolveError):
            solve(there, ["b"])

    def test_other_architectures_are_left_out(self) -> None:
        there = universe("a 1; Architecture: i386\nb 1; Architecture: all")
        assert [one.name for one in there] == ["b"]
        assert len(there) == 1

    def test_a_malformed_field_matters_only_when_it_is_read(self) -> None:
        there = universe("a 1\nb 1; Depends: (((")
        assert names(there, "a") == "a"
        with pytest.raises(VerificationError):
            solve(there, ["b"])
