# SPDX-License-Identifier: Apache-2.0
"""A schedule for people: nothing is wider than the terminal, and what is estimated is marked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagewright.cli import schedules
from imagewright.cli.console import Paint
from imagewright.model.digest import Digest
from imagewright.model.records import StepKind
from imagewright.model.schedules import Schedule, ScheduledStep, Source

PLAIN = Paint(enabled=False)


def name(number: int) -> Digest:
    return Digest.of(str(number).encode())


def schedule(steps: tuple[ScheduledStep, ...], *, cores: int = 2, price: float | None = None) -> Schedule:
    end = max((step.end for step in steps), default=0.0)
    path = tuple(step.id for step in steps if step.critical)
    cost = None if price is None else price * end / 3600
    return Schedule(2, cores, 1 << 30, end, end, end, 0.5, end / 3600, cost, "EUR", 1, path, steps)


def step(number: int, begin: float, end: float, source: Source = Source.RECORDED) -> ScheduledStep:
    worker = number % 2
    return ScheduledStep(
        name(number), f"python 3.{number}.1 trixie amd64", "python", worker, begin, end, 1, source, number == 0
    )


def test_each_of_few_steps_has_its_bar() -> None:
    shown = schedules.told(schedule((step(0, 0, 3600), step(1, 900, 1800, Source.SIMILAR)), price=0.5), PLAIN, 80)
    assert shown[0] == "wall time     1 h 00 min on 2 workers of 2 cores, 1.1 GB"
    assert "cost          1.00 worker-hours, 0.50 EUR" in shown
    assert "estimated     1 of 2 steps (~ from steps like it, ? assumed)" in shown
    first, second = (line for line in shown if line.startswith("  python"))
    assert len(first) == 80
    room = first.count("█")
    assert first.endswith(" " + "█" * room)
    assert second[80 - room :] == " " * (room // 4) + "▒" * (round(room / 2) - room // 4)
    assert "~15 min 00 s" in second
    assert shown[-1] == "              python 3.0.1 trixie amd64"


def test_of_many_steps_each_core_has_a_line() -> None:
    shown = schedules.told(schedule(tuple(step(number, number, number + 2) for number in range(50))), PLAIN, 80)
    lanes = [line for line in shown if line[:3] in {"1.1", "1.2", "2.1", "2.2"}]
    assert len(lanes) == 4
    assert all(len(line) == 80 for line in lanes)
    assert {"P"} <= set(lanes[0][8:]) <= {"P", "·"}
    assert "P python" in shown[shown.index(lanes[-1]) + 1]


def test_nothing_to_do_is_said() -> None:
    assert schedules.told(schedule(()), PLAIN, 80) == ["wall time     nothing is to be done"]


@given(
    st.lists(st.tuples(st.floats(0, 1e5), st.floats(0, 1e5), st.sampled_from(Source)), max_size=60),
    st.integers(78, 200),
)
def test_no_schedule_is_wider_than_the_terminal(times: list[tuple[float, float, Source]], width: int) -> None:
    steps = tuple(step(number, begin, begin + long, source) for number, (begin, long, source) in enumerate(times))
    for line in schedules.told(schedule(steps, cores=1), PLAIN, width):
        assert len(line) <= width


def test_every_kind_has_a_sign_of_its_own() -> None:
    signs = [schedules._SIGNS[kind] for kind in StepKind]
    assert all(len(sign) == 1 for sign in signs)
    assert len(set(signs)) == len(signs)
