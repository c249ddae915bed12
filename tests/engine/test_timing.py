# SPDX-License-Identifier: Apache-2.0
"""How long steps are expected to last."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagewright.engine.loads import COMPILES, EMULATED_COMPILE, compile_of, seconds_of, serial_of
from imagewright.engine.simulation import forecast
from imagewright.engine.timing import Guess, Key, Sample, expected, key_of
from imagewright.model.digest import Digest
from imagewright.model.images import Profile
from imagewright.model.lock import LockedProfile
from imagewright.model.plan import PythonWork, Step, StepKind
from imagewright.model.schedules import Source, Workers
from imagewright.planning.steps import make_plan
from support.locks import definition, locked, shipped_catalog

SLIM = "3.13-slim-trixie"


def steps(profile: Profile | None = None) -> dict[StepKind, Step]:
    wanted = definition(SLIM)
    if profile is not None:
        wanted = replace(wanted, profile=profile)
    return {step.kind: step for step in make_plan([wanted], locked(SLIM), shipped_catalog()).steps}


PYTHON, BASE = steps()[StepKind.PYTHON], steps()[StepKind.BASE]


def test_what_was_seen_counts_by_its_median() -> None:
    samples = {key_of(BASE): (Sample(10.0, 2), Sample(90.0, 2), Sample(12.0, 2))}
    assert expected(BASE, 2, samples) == Guess(12.0, Source.RECORDED)


def test_another_width_is_scaled() -> None:
    samples = {key_of(PYTHON): (Sample(100.0, 1),)}
    serial = serial_of(PYTHON)
    assert expected(PYTHON, 2, samples).seconds == pytest.approx(100 * (serial + (1 - serial) / 2))
    assert expected(PYTHON, 1, samples).seconds == 100.0


def test_of_several_widths_the_one_that_was_seen_counts() -> None:
    samples = {key_of(PYTHON): (Sample(100.0, 1), Sample(80.0, 2))}
    assert expected(PYTHON, 2, samples).seconds == 80.0


def test_what_nobody_saw_is_like_what_is_named_most_like_it() -> None:
    near = Key(StepKind.BASE, "", BASE.name.replace("amd64", "arm64"))
    far = Key(StepKind.BASE, "", "base bullseye i386")
    found = expected(BASE, 1, {near: (Sample(20.0, 1),), far: (Sample(99.0, 1),)})
    assert found == Guess(20.0, Source.SIMILAR)


def test_a_compile_without_link_time_optimisation_says_nothing_of_one_with() -> None:
    other = next(one for one in COMPILES if one is not compile_of(PYTHON))
    seen = {Key(StepKind.PYTHON, other.effort, PYTHON.name): (Sample(5.0, 2),)}
    assert expected(PYTHON, 2, seen) == Guess(seconds_of(PYTHON), Source.ASSUMED)


def test_how_hard_a_compile_optimises_follows_from_its_flags() -> None:
    assert compile_of(steps(Profile.QUICK)[StepKind.PYTHON]).effort == "plain"
    assert compile_of(steps(Profile.RELEASE)[StepKind.PYTHON]).effort == "trained"
    assert isinstance(PYTHON.work, PythonWork)
    profile = LockedProfile("3.13.15", "trixie", "amd64", "", "gcc-14 14", 1, Digest.of(b"profile"), "store")
    assert compile_of(replace(PYTHON, work=replace(PYTHON.work, profile=profile))).effort == "linked"


def test_what_is_emulated_is_assumed_to_take_longer_and_has_times_of_its_own() -> None:
    emulated = replace(PYTHON, needs=(*PYTHON.needs, ("emulator", BASE.id)))
    assert seconds_of(emulated) == EMULATED_COMPILE * seconds_of(PYTHON)
    assert key_of(emulated) != key_of(PYTHON)


@given(st.floats(0.1, 1e5), st.integers(0, 64), st.integers(1, 63))
def test_more_processes_never_take_longer_nor_less_work(seconds: float, seen: int, jobs: int) -> None:
    samples = {key_of(PYTHON): (Sample(seconds, seen),)}
    first, second = (expected(PYTHON, each, samples).seconds for each in (jobs, jobs + 1))
    if seen:
        assert second <= first * 1.000001
        assert (jobs + 1) * second >= jobs * first * 0.999999
    else:
        assert first == second == seconds


@given(st.lists(st.floats(0.2, 5), min_size=8, max_size=8), st.integers(1, 3), st.integers(1, 4))
@example([3.9756453125409847, 3.9756453125409847, *[1.0] * 6], 1, 4)
def test_the_times_of_a_build_predict_that_build(factors: list[float], workers: int, cores: int) -> None:
    """What steps took, each with the processes it had, gives the wall time and the cost of just that build."""
    planned = make_plan([definition(SLIM)], locked(SLIM), shipped_catalog()).steps
    pace = {key_of(step): (Sample(seconds_of(step) * by, 2),) for step, by in zip(planned, cycle(factors))}
    machine = Workers(workers, cores, 1 << 40, price=0.3)
    real = forecast(planned, lambda step, jobs: expected(step, jobs, pace), machine)
    again = {
        one.id: sum(found.end - found.begin for found in real.steps if found.id in one.again) for one in real.steps
    }
    by_id = {step.id: step for step in planned}
    noted = {key_of(by_id[one.id]): (Sample(one.end - one.begin - again[one.id], one.jobs),) for one in real.steps}
    predicted = forecast(planned, lambda step, jobs: expected(step, jobs, noted), machine)
    assert predicted.seconds == pytest.approx(real.seconds)
    assert predicted.cost == pytest.approx(real.cost)
    assert [(one.worker, one.jobs) for one in predicted.steps] == [(one.worker, one.jobs) for one in real.steps]
    assert predicted.estimates == 0


def test_every_kind_of_step_can_be_scheduled() -> None:
    for kind in set(StepKind) - {StepKind.PYTHON}:
        step = replace(BASE, kind=kind)
        assert 0 <= serial_of(step) <= 1
        assert expected(step, 4, {}).seconds > 0
