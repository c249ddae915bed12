# SPDX-License-Identifier: Apache-2.0
"""What a person reads when there is no solution: three lines, each saying something."""

from __future__ import annotations

import pytest

from imagewright.archives.debian.solver import solve
from imagewright.errors import SolveError
from support.tiny_universe import packages, universe


def failure(text: str, *wanted: str, base: str = "") -> SolveError:
    with pytest.raises(SolveError) as caught:
        solve(universe(text), wanted, installed=packages(base) if base else ())
    return caught.value


@pytest.mark.parametrize(
    ("text", "wanted", "message", "why"),
    [
        (
            "a 1; Depends: b (>= 2)\nb 1.5",
            ["a"],
            "no set of packages satisfies a",
            "a 1 needs b (>= 2) → the only candidate is b 1.5",
        ),
        (
            "a 1; Depends: b\nb 1; Depends: c\nc 3; Depends: nosuch",
            ["a"],
            "no set of packages satisfies a",
            "a 1 needs b → b 1 needs c → c 3 needs nosuch → no package has or provides the name nosuch for amd64",
        ),
        (
            "a 1; Depends: b | c\nb 1; Depends: nosuch\nc 1; Depends: nosuch",
            ["a"],
            "no set of packages satisfies a",
            "a 1 needs b | c → b 1 needs nosuch → no package has or provides the name nosuch for amd64",
        ),
        (
            "a 1; Depends: b\nb 2; Conflicts: d (<< 5)\nc 1; Depends: d\nd 4",
            ["a", "c"],
            "no set of packages satisfies c",
            "c 1 needs d → b 2 (needed by a) conflicts with d 4",
        ),
        (
            "a 1; Breaks: mta\nb 1; Provides: mta",
            ["a", "b"],
            "no set of packages satisfies a",
            "a 1 (wanted) breaks b 1 (as mta) (wanted)",
        ),
        (
            "a 1; Depends: v (>= 3)\nb 9; Provides: v (= 2)",
            ["a"],
            "no set of packages satisfies a",
            "a 1 needs v (>= 3) → b 9 provides v, but not in such a version",
        ),
        (
            "a 1; Depends: b:any\nb 1",
            ["a"],
            "no set of packages satisfies a",
            "a 1 needs b:any → b 1 does not count for b:any",
        ),
        (
            "a 1",
            ["nosuch"],
            "no package satisfies nosuch",
            "no package has or provides the name nosuch for amd64",
        ),
        (
            "a 1",
            ["a (>= 2)"],
            "no package satisfies a (>= 2)",
            "the only candidate is a 1",
        ),
    ],
)
def test_requirement_candidate_and_why_not(text: str, wanted: list[str], message: str, why: str) -> None:
    error = failure(text, *wanted)
    assert (error.message, error.why) == (message, why)
    assert error.hint
    assert len(error.lines()) == 3


def test_what_is_there_is_named_as_such() -> None:
    error = failure("a 1; Conflicts: old\nold 1", "a", base="old 1")
    assert error.why == "a 1 (wanted) conflicts with old 1 (already there)"


def test_what_is_there_may_be_what_refuses() -> None:
    error = failure("a 1\nold 1; Breaks: a", "a", base="old 1; Breaks: a")
    assert error.why == "old 1 (already there) breaks a 1 (wanted)"


def test_a_similar_name_is_proposed() -> None:
    error = failure("libssl-dev 3\nlibssl3t64 3\nzlib1g-dev 1", "libsl-dev")
    assert error.hint == "did you mean libssl-dev?"
    assert error.details["similar"] == ["libssl-dev"]


def test_words_that_are_no_package() -> None:
    error = failure("a 1", "a=1")
    assert error.message == "cannot read the wanted package 'a=1'"
    assert error.hint


def test_the_chain_is_in_the_details() -> None:
    error = failure("a 1; Depends: b (>= 2)\nb 1.5", "a")
    assert error.details["chain"] == ["a 1 needs b (>= 2)", "the only candidate is b 1.5"]
    assert error.code == 3


def test_a_reason_at_the_end_of_a_chain_without_end_is_still_an_error_of_ours() -> None:
    length = 3000
    chain = "\n".join(f"p{i} 1; Depends: p{i + 1}" for i in range(length))
    error = failure(f"{chain}\np{length} 1; Depends: gone", "p0")
    assert "no set of packages satisfies p" in str(error)
