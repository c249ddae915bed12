# SPDX-License-Identifier: Apache-2.0
"""What steps take: every kind of step is known."""

from __future__ import annotations

import pytest

from imagewright.engine.loads import LOADS, SECONDS
from imagewright.model.plan import StepKind


@pytest.mark.parametrize("kind", sorted(set(StepKind) - {StepKind.PYTHON}), ids=str)
def test_every_kind_of_step_but_a_compile_has_a_load_and_a_time(kind: StepKind) -> None:
    assert LOADS[kind].cores >= 1
    assert LOADS[kind].needs(1) > 0
    assert SECONDS[kind] > 0


def test_a_compile_is_not_there_because_it_depends_on_how_it_is_optimised() -> None:
    assert StepKind.PYTHON not in LOADS.keys() | SECONDS.keys()
