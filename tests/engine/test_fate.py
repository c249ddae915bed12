# SPDX-License-Identifier: Apache-2.0
"""What a failure takes with it, and what it leaves."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagewright.engine.fate import Fate
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import ImageConfiguration
from imagewright.model.plan import ImageWork, Step, StepKind

WORK = ImageWork("x", "linux/amd64", ImageConfiguration((), ()), 0, ())
ERROR = BuildError("it broke")


def step(name: str, *needs: Step) -> Step:
    return Step(
        Digest.of(name.encode()), StepKind.IMAGE, name, WORK, tuple((need.name, need.id) for need in needs)
    )


BASE = step("base")
ROOT, OTHER_ROOT = step("root"), step("other root")
PYTHON, OTHER_PYTHON = step("python", ROOT), step("other python", OTHER_ROOT)
IMAGE, OTHER = step("image", BASE, PYTHON), step("other", BASE, OTHER_PYTHON)
STEPS = (BASE, ROOT, OTHER_ROOT, PYTHON, OTHER_PYTHON, IMAGE, OTHER)


def names(found: frozenset[Digest]) -> set[str]:
    return {each.name for each in STEPS if each.id in found}


def test_the_other_image_keeps_all_it_needs() -> None:
    fate = Fate(STEPS, [IMAGE.id, OTHER.id])
    assert names(fate.fail(PYTHON.id, ERROR)) == {"root", "python", "image"}
    assert fate.skipped == {IMAGE.id: PYTHON.id}


def test_what_only_the_failed_image_wanted_goes_too() -> None:
    fate = Fate(STEPS, [IMAGE.id])
    assert names(fate.fail(ROOT.id, ERROR)) == {each.name for each in STEPS}


def test_fail_fast_takes_everything() -> None:
    fate = Fate(STEPS, [IMAGE.id, OTHER.id])
    assert names(fate.fail(PYTHON.id, ERROR, everything=True)) == {each.name for each in STEPS}
    assert fate.skipped[OTHER.id] == PYTHON.id


@given(st.lists(st.sampled_from(STEPS), unique=True))
def test_nothing_that_can_be_reached_is_lost_in_any_order(failed: list[Step]) -> None:
    fate = Fate(STEPS, [IMAGE.id, OTHER.id])
    gone: frozenset[Digest] = frozenset()
    for each in failed:
        gone |= fate.fail(each.id, ERROR)
    for target in (IMAGE, OTHER):
        needed = {target.id}
        for each in reversed(STEPS):
            if each.id in needed:
                needed.update(need for _, need in each.needs)
        reachable = not needed & {each.id for each in failed}
        assert reachable == (not needed & gone)
        assert reachable == (target.id not in fate.skipped and target.id not in fate.failures)
