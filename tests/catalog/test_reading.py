# SPDX-License-Identifier: Apache-2.0
"""Reading TOML tables: everything wrong is found at once, each with its path."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog.reading import Table, did_you_mean, parse_document
from imagewright.errors import ConfigurationError, Problems


def table(text: str) -> tuple[Table, Problems]:
    problems = Problems()
    return Table(parse_document(text, "test.toml"), "", problems), problems


def found(problems: Problems) -> list[str]:
    return [str(problem) for problem in problems.found]


def test_each_getter_returns_what_is_written() -> None:
    values, problems = table(
        'name = "a"\non = true\ncount = 3\nwords = ["x", "y"]\nday = 2026-08-05\nmoment = 2026-08-05T12:25:43Z\n'
        "[pairs]\nA = '1'\n[[list]]\nz = 'q'\n"
    )
    assert values.text("name") == "a"
    assert values.boolean("on") is True
    assert values.integer("count") == 3
    assert values.texts("words") == ("x", "y")
    assert values.moment("day") == 1785888000
    assert values.moment("moment") == 1785932743
    assert values.mapping("pairs") == (("A", "1"),)
    assert [inner.text("z") for inner in values.tables("list")] == ["q"]
    values.finish()
    assert not problems.found


def test_every_mistake_is_noted_with_its_path() -> None:
    values, problems = table(
        'count = "three"\nbig = 100\nwords = [1, "ok", "ok"]\nmoment = 2026-08-05T12:00:00\nname = "Not This"\n'
        "[[list]]\nextra = 1\n[inner]\n"
    )
    assert values.integer("count", 0) == 0
    assert values.integer("big", maximum=9) == 100
    assert values.texts("words") == ("ok",)
    assert values.moment("moment") == 0
    assert values.text("name", pattern="[a-z]+", of="a name") == "Not This"
    assert values.boolean("absent") is False
    for inner in values.tables("list"):
        inner.text("extra")
        inner.finish()
    values.finish()
    assert found(problems) == [
        "count: must be a whole number, not text",
        "big: 100 is not between 0 and 9",
        "words[0]: must be text, not a number",
        "words[2]: 'ok' is there twice",
        "moment: a time needs its zone (write it as 2026-08-05T12:25:43Z)",
        "name: 'Not This' is not a name",
        "absent: is missing (it must be true or false)",
        "list[0].extra: must be text, not a number",
        "inner: is not known here (there are count, big, words, moment, name, absent, list)",
    ]


def test_true_is_no_number() -> None:
    values, problems = table("count = true\n")
    assert values.integer("count") == 0
    assert found(problems) == ["count: must be a whole number, not true or false"]


def test_a_misspelt_key_gets_the_nearest_one() -> None:
    values, problems = table("mirors = {}\n")
    values.table("mirrors")
    values.finish()
    assert found(problems) == ["mirors: is not known here (did you mean mirrors?)"]


def test_strange_keys_are_quoted_in_paths() -> None:
    values, problems = table('"a b" = 1\n')
    values.finish()
    assert found(problems)[0].startswith('"a b": is not known here')


@pytest.mark.parametrize("text", ["a = ", "a = 1\na = 2\n", "= 1", "[" * 100_000, "a = " + "[" * 100_000])
def test_what_is_no_toml_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"x\.toml is not TOML"):
        parse_document(text, "x.toml")


def test_a_document_has_a_bound() -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        parse_document("a" * 101, "x.toml", maximum=100)


def test_did_you_mean() -> None:
    assert did_you_mean("slm", ["slim", "full"]) == "did you mean slim?"
    assert did_you_mean("zzz", ["slim", "full"]) == "there are slim, full"
    assert did_you_mean("zzz", []) == ""
    assert did_you_mean("zzz", map(str, range(100)), listing=3) == "there are 0, 1, 2, …"


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    problems = Problems()
    with suppress(ConfigurationError):
        values = Table(parse_document(text, "x.toml"), "", problems)
        for key in values.written():
            values.text(key)
        values.finish()
        assert len(problems.found) <= len(values.written())
