# SPDX-License-Identifier: Apache-2.0
"""The store remembers how long steps took: the last few times, of so many steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.test_timing import BASE
from imagewright.app import timekeeping
from imagewright.app.timekeeping import RememberedTimes
from imagewright.engine.timing import key_of
from imagewright.model.schedules import Source
from imagewright.store.database import Database
from imagewright.store.facts import Facts
from support.fake_store import FakeClock


@pytest.fixture
def facts(tmp_path: Path) -> Iterator[Facts]:
    database = Database(tmp_path / "index.sqlite")
    yield Facts(database, "step-times")
    database.close()


def test_times_outlive_the_run_that_saw_them(facts: Facts) -> None:
    times = RememberedTimes(facts, FakeClock())
    assert times.expected(BASE, 2).source is Source.ASSUMED
    times.note(BASE, 7.25, 2)
    found = RememberedTimes(facts, FakeClock()).expected(BASE, 2)
    assert (found.seconds, found.source) == (7.25, Source.RECORDED)


def test_only_the_last_few_are_kept(facts: Facts) -> None:
    times = RememberedTimes(facts, FakeClock())
    for seconds in (1000.0, 1000.0, 1000.0, 3.0, 3.0, 3.0, 3.0, 3.0):
        times.note(BASE, seconds, 2)
    assert RememberedTimes(facts, FakeClock()).expected(BASE, 2).seconds == 3.0
    assert len(facts.all()) == 1
    assert facts.all().popitem()[1].count("[") == 6


def test_the_steps_seen_longest_ago_are_forgotten(facts: Facts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timekeeping, "_STEPS", 3)
    facts.put("base||old one", "[[1.0,1,5]]")
    facts.put("base||older one", "[[1.0,1,4]]")
    facts.put("base||broken", "{")
    times = RememberedTimes(facts, FakeClock())
    times.note(BASE, 1.0, 1)
    assert set(facts.all()) == {"base||old one", "base||older one", f"base||{BASE.name}"}
    times.note(replace(BASE, name="base another"), 1.0, 1)
    assert "base||older one" not in facts.all()


@pytest.mark.parametrize(
    "value",
    [
        "",
        "{}",
        "[[1]]",
        "[[1,1]]",
        '[["x",1,1]]',
        "[[-1,1,1]]",
        "[[1,0,1]]",
        "[[NaN,1,1]]",
        "[[1e999,1,1]]",
        "[" * 9999,
    ],
)
def test_what_cannot_be_read_is_not_remembered(facts: Facts, value: str) -> None:
    key = key_of(BASE)
    facts.put(f"{key.kind.value}|{key.effort}|{key.name}", value)
    facts.put("no such kind||x", "[[1,1,1]]")
    times = RememberedTimes(facts, FakeClock())
    assert times.expected(BASE, 2).source is Source.ASSUMED
    times.note(BASE, 4.0, 2)
    assert RememberedTimes(facts, FakeClock()).expected(BASE, 2).seconds == 4.0


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    for seconds, jobs, _ in timekeeping._read(text):
        assert seconds > 0
        assert jobs > 0
