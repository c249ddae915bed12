# SPDX-License-Identifier: Apache-2.0
"""Records of speed: read strictly, found for exactly one interpreter, told by images and reports."""

from __future__ import annotations

import pytest

from imagewright.catalog.shipped import shipped_catalog, shipped_speeds
from imagewright.catalog.speeds import Speed, read_speeds
from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest
from imagewright.model.plan import ImageWork, Plan, PythonWork, StepKind
from imagewright.model.reports import SPEED_KEY
from imagewright.planning.identity import compile_identity
from imagewright.planning.steps import PlanOptions, make_plan
from support.locks import definition, locked

SLIM, FULL, OTHER = "3.13-slim-trixie", "3.13-trixie", "3.13-slim-bookworm"
LOCK = locked(SLIM, FULL, OTHER)
RECORD = f"""
[[speed]]
interpreter = "{"a" * 64}"
name = "python 3.13.15 trixie amd64"
ratio = "1.36"
least = "1.01"
benchmarks = 97
measure = "pyperformance 1.13.0"
date = "2026-11-21"
machine = "2 cores"
"""


def planned(spec: str, *speeds: Speed) -> Plan:
    options = PlanOptions(speeds={speed.interpreter: speed for speed in speeds})
    return make_plan([definition(spec)], LOCK, shipped_catalog(), options)


def speed_of(spec: str) -> Speed:
    (work,) = (step.work for step in planned(spec).steps if isinstance(step.work, PythonWork))
    return Speed(
        compile_identity(work), "python", "1.36", "1.01", 97, "pyperformance 1.13.0", "2026-11-21", "2 cores"
    )


def told(plan: Plan) -> str | None:
    (work,) = (step.work for step in plan.steps if isinstance(step.work, ImageWork))
    return dict(work.configuration.annotations).get(SPEED_KEY)


def test_a_record_is_read() -> None:
    (speed,) = read_speeds(RECORD, "speeds.toml").values()
    assert speed.interpreter == Digest("a" * 64)
    assert str(speed) == (
        "1.36 times the official configuration (geometric mean of 97 benchmarks, least 1.01; "
        "pyperformance 1.13.0, 2 cores, 2026-11-21)"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('ratio = "1.36"', 'ratio = "fast"'),
        ("benchmarks = 97", "benchmarks = 0"),
        ('date = "2026-11-21"', 'date = "today"'),
        ('machine = "2 cores"', 'machines = "2 cores"'),
        ("a" * 64, "a" * 63),
    ],
)
def test_what_is_wrong_is_refused(before: str, after: str) -> None:
    with pytest.raises(ConfigurationError):
        read_speeds(RECORD.replace(before, after), "speeds.toml")


def test_two_records_of_one_interpreter_are_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_speeds(RECORD * 2, "speeds.toml")
    assert "twice" in str(caught.value.why) + str(caught.value.details)


def test_what_ships_can_be_read() -> None:
    assert all(key == speed.interpreter for key, speed in shipped_speeds().items())


def test_every_variant_with_the_interpreter_tells_its_speed() -> None:
    speed = speed_of(SLIM)
    assert told(planned(SLIM, speed)) == told(planned(FULL, speed)) == str(speed)


def test_another_interpreter_says_nothing() -> None:
    assert told(planned(OTHER, speed_of(SLIM))) is None
    assert told(planned(SLIM)) is None


def test_a_record_changes_the_image_alone() -> None:
    before, after = planned(SLIM), planned(SLIM, speed_of(SLIM))
    kinds = {one.kind for one, two in zip(before.steps, after.steps, strict=True) if one.id != two.id}
    assert kinds == {StepKind.IMAGE, StepKind.CHECK}
