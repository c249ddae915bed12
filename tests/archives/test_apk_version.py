# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.alpine.relations import parse_relation, parse_relations
from imagewright.archives.alpine.version import compare, holds, key

# What apk-tools' own table says (its test/version.data), in excerpts: one for each rule.
KNOWN = """
2.34 > 0.1.0_alpha
0.1.0_alpha = 0.1.0_alpha
0.1.0_alpha < 0.1.3_alpha
0.1.0_alpha2 > 0.1.0_alpha
2.2.39-r1 > 1.0.4-r3
1.0.4-r3 < 1.0.4-r4
1.1 > 1.1_alpha1
1.1_alpha1 < 1.2.1
1.2 < 1.3_alpha
2.3.0b-r1 < 2.3.0b-r2
0.12.3 > 0.12
0.12 < 0.13_beta1
3.1_p16 < 3.1_p17
1.06-r6 < 006
006 > 1.0.0
1.2.2-r1 > 1.2.2
20050718-r1 < 20050718-r2
2.01.01_alpha10 > 0.94
1.0 > 0.99.3.20040818
1.39 > 1.00_beta2
1.02.07 < 1.02.10-r1
2.5.1-r8 < 2.5.1a-r1
021109-r3 < 20060512
3.9_pre20060124 > 0.01
0.10.0 < 0.10.1_rc1
1.1a < 1.3a
0.15.1b-r2 > 0.15.1b
2.1_pre20 < 2.1_pre26
02.08.01b < 4.77
0.20070118 < 0.20070207_rc1
4.3_p2-r1 < 4.3_p2-r5
4.5_p1 < 4.5_p1-r1
0.9.8c-r1 < 0.9.8d
1.7 < 1.7b
1.8.5 < 1.8.5_p2
0.98 < 1.00
2.9.11_pre20051101-r3 > 2.9.11_pre20051101
1.6.8_p12-r1 > 1.6.8_p9-r2
0.9.28.1 > 0.9.28
7.0.17 < 7.0.174
1.3-r0 < 1.3.1-r0
1.3_pre1-r1 < 1.3.2
1.0_p10-r0 > 1.0_p9-r0
0.1.0_alpha_pre2 < 0.1.0_alpha
1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0
6.0_pre1 < 6.0
6.1_p1 > 6.1
8.2.0015 < 8.2.002
1.0_git20230717-r5 > 1.0_svn1
1.0_alpha < 1.0_beta
1.0_beta < 1.0_pre
1.0_pre < 1.0_rc
1.0_rc < 1.0
1.0 < 1.0_cvs
1.0_hg < 1.0_p
1.0~1234 < 1.0~abcd
1.0~1234 > 1.0-r1
"""
LINES = [line.split() for line in KNOWN.split("\n") if line]

NUMBERS = st.one_of(st.integers(0, 2000).map(str), st.sampled_from(["00", "01", "010", "0015"]))
SUFFIXES = st.lists(
    st.tuples(
        st.sampled_from(["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"]),
        st.one_of(st.just(""), st.integers(0, 99).map(str)),
    ).map(lambda pair: f"_{pair[0]}{pair[1]}"),
    max_size=2,
).map("".join)


@st.composite
def versions(draw: st.DrawFn) -> str:
    numbers = ".".join(draw(st.lists(NUMBERS, min_size=1, max_size=4)))
    letter = draw(st.sampled_from(["", "", "a", "b"]))
    commit = draw(st.sampled_from(["", "", "~0a1b", "~f"]))
    revision = draw(st.one_of(st.just(""), st.integers(0, 12).map(lambda number: f"-r{number}")))
    return f"{numbers}{letter}{draw(SUFFIXES)}{commit}{revision}"


@pytest.mark.parametrize(("one", "sign", "other"), LINES, ids=[" ".join(line) for line in LINES])
def test_apk_tools_table(one: str, sign: str, other: str) -> None:
    found = compare(one, other)
    assert "<=>"[(found > 0) - (found < 0) + 1] == sign


@pytest.mark.parametrize(
    "text", ["", "a1", "1.0bc", "1.0_foo", "1.0-r", "1.0-1", "1..2", "1.0-r1-r2", "1.0\n", "1 "]
)
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="not a version"):
        key(text)


@given(versions(), versions())
def test_either_way_round(one: str, other: str) -> None:
    assert compare(one, other) == -compare(other, one)


@given(versions(), versions(), versions())
def test_the_order_is_total(one: str, two: str, three: str) -> None:
    ordered = sorted([one, two, three], key=key)
    assert compare(ordered[0], ordered[1]) <= 0
    assert compare(ordered[1], ordered[2]) <= 0
    assert compare(ordered[0], ordered[2]) <= 0


@given(versions())
def test_equal_to_itself_alone(version: str) -> None:
    assert compare(version, version) == 0
    assert holds(version, "=", version)
    assert not holds(version, "<", version)
    assert not holds(version, ">", version)


@given(versions(), versions())
def test_operators_are_the_order(one: str, other: str) -> None:
    order = compare(one, other)
    assert holds(one, "<", other) == (order < 0)
    assert holds(one, ">=", other) == (order >= 0)
    assert holds(one, "<=", other) == (order <= 0)
    assert holds(one, "=", other) == (order == 0)


@pytest.mark.parametrize(
    ("version", "operator", "wanted", "fits"),
    [
        ("1.2.3-r0", "~", "1.2", True),
        ("1.2.3-r0", "=~", "1.2.3", True),
        ("1.20-r0", "~", "1.2", False),
        ("1.3", "~", "1.2", False),
        ("1.3", ">~", "1.2", True),
        ("1.2.9", "<~", "1.2", True),
        ("1.1", "", "", True),
        ("2a.weird", "=", "2a.weird", True),
        ("2a.weird", ">", "1", False),
    ],
)
def test_operators(version: str, operator: str, wanted: str, *, fits: bool) -> None:
    assert holds(version, operator, wanted) is fits


def test_relations() -> None:
    found = parse_relations("musl>=1.2 so:libz.so.1 !uclibc /bin/sh cmd:[[=1.36.1-r2 py3-x~3.12")
    assert [(one.name, one.operator, one.version, one.conflict) for one in found] == [
        ("musl", ">=", "1.2", False),
        ("so:libz.so.1", "", "", False),
        ("uclibc", "", "", True),
        ("/bin/sh", "", "", False),
        ("cmd:[[", "=", "1.36.1-r2", False),
        ("py3-x", "~", "3.12", False),
    ]
    assert " ".join(map(str, found)) == "musl>=1.2 so:libz.so.1 !uclibc /bin/sh cmd:[[=1.36.1-r2 py3-x~3.12"


@pytest.mark.parametrize("word", ["", "!", ">=1", "a==1", "a=", "a>=", "a><Q1abc", "a\tb", "a" * 600])
def test_what_is_no_relation(word: str) -> None:
    with pytest.raises(ValueError, match="not a dependency"):
        parse_relation(word)


def test_a_name_without_a_version_fits_no_version_that_is_asked_for() -> None:
    assert parse_relation("mta").fits(None)
    assert not parse_relation("mta=1").fits(None)
    assert parse_relation("mta>0").fits("1")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_relations(text)
    except ValueError:
        return
    assert parse_relations(" ".join(map(str, found))) == found
