# SPDX-License-Identifier: Apache-2.0
"""Version numbers are ordered as deb-version(7) says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.debian.version import (
    OPERATORS,
    Version,
    compare,
    holds,
    parse_version,
    version_key,
)

# Each older than the next: deb-version(7)'s own examples and what real archives hold.
ASCENDING = [
    "0~~",
    "0~~a",
    "0~",
    "0",
    "0+b1",
    "1~rc1-1",
    "1-0~exp1",
    "1",
    "1-0+deb1",
    "1-1~bpo12+1",
    "1-1",
    "1-1deb12u2",
    "1-1deb12u10",
    "1-1+b1",
    "1-1+deb12u1",
    "1-1.1",
    "1-1.1+b1",
    "1a-1",
    "1+git20200101-1",
    "1.0-1",
    "1.0.4~rc1-1",
    "1.0.4-1",
    "1.02-4",
    "1.2-3-1",
    "1.10-1",
    "2024a-0+deb12u1",
    "2024b-0+deb12u1",
    "20240101~",
    "20240101",
    "1:0",
    "1:1.0",
    "2:0.1",
]
EQUAL = [
    ("1.0", "1.00"),
    ("1", "0:1"),
    ("1", "1-0"),
    ("1.0-0", "1.0"),
    ("1.a", "1.a0"),
    ("0", "00"),
    ("1-00", "1"),
]

versions = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:", "2:"]),
    st.from_regex(r"[0-9][0-9a-bzA.+~-]{0,8}", fullmatch=True),
    st.from_regex(r"(-[0-9a-bz.+~]{1,5})?", fullmatch=True),
).filter(lambda text: not text.endswith("-"))


def sign_by_definition(left: str, right: str) -> int:
    """dpkg's verrevcmp(), transcribed: the definition against which the key is held."""

    def order(text: str, at: int) -> int:
        if at >= len(text) or text[at].isdigit():
            return 0
        return -1 if text[at] == "~" else ord(text[at]) + (0 if text[at].isalpha() else 256)

    i = j = 0
    while i < len(left) or j < len(right):
        while (i < len(left) and not left[i].isdigit()) or (j < len(right) and not right[j].isdigit()):
            if order(left, i) != order(right, j):
                return 1 if order(left, i) > order(right, j) else -1
            i += 1
            j += 1
        starts = i, j
        while i < len(left) and left[i].isdigit():
            i += 1
        while j < len(right) and right[j].isdigit():
            j += 1
        a, b = int(left[starts[0] : i] or "0"), int(right[starts[1] : j] or "0")
        if a != b:
            return 1 if a > b else -1
    return 0


def compare_by_definition(left: str, right: str) -> int:
    a, b = parse_version(left), parse_version(right)
    if a.epoch != b.epoch:
        return 1 if a.epoch > b.epoch else -1
    return sign_by_definition(a.upstream, b.upstream) or sign_by_definition(a.revision, b.revision)


def test_examples_ascend() -> None:
    descending = ASCENDING[::-1]
    assert sorted(descending, key=version_key) == ASCENDING
    for older, newer in pairwise(ASCENDING):
        assert compare(older, newer) == -1
        assert compare(newer, older) == 1


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_different_texts_of_one_version_are_equal(left: str, right: str) -> None:
    assert compare(left, right) == 0
    assert version_key(left) == version_key(right)


def test_parts() -> None:
    assert parse_version("1:2:3-4-5") == Version(1, "2:3-4", "5")
    assert parse_version("2024a") == Version(0, "2024a", "")


@pytest.mark.parametrize(
    "text",
    ["", ":", "1:", ":1", "a:1", "-1:1", "1-", "-1", "1 2", "1_2", "1-a_b", "1/2", "é", "1-1:2-", "²:1"],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="version"):
        parse_version(text)


@pytest.mark.parametrize("text", ["2147483648:1", "1" * 513, "1\n", "1;rm"])
def test_what_is_too_much_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="version"):
        parse_version(text)


@given(versions, versions)
def test_order_is_the_definition(left: str, right: str) -> None:
    assert compare(left, right) == compare_by_definition(left, right)
    assert compare(left, right) == -compare(right, left)


@given(versions)
def test_every_version_is_itself(text: str) -> None:
    assert compare(text, text) == 0
    assert compare(text + "~", text) == -1
    assert holds(text, "=", text)


@given(versions, versions)
def test_operators(left: str, right: str) -> None:
    order = compare(left, right)
    expected = {"<<": order < 0, "<=": order <= 0, "=": order == 0, ">=": order >= 0, ">>": order > 0}
    assert {operator: holds(left, operator, right) for operator in OPERATORS} == expected


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(ValueError, match="operator"):
        holds("1", "!=", "2")


@given(st.text(max_size=30))
def test_any_text_is_a_version_or_refused(text: str) -> None:
    try:
        version = parse_version(text)
    except ValueError:
        return
    assert version.upstream
    assert version_key(text)
