# SPDX-License-Identifier: Apache-2.0
"""``kill -9`` at random moments: a few rounds of bench/kill_rounds.py, which plays a hundred on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from peers.fixtures import Built
from support.machine import need_root

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SCRIPT = Path(__file__).parents[2] / "bench" / "kill_rounds.py"


@pytest.mark.parametrize("number", ["KILL", "INT"])
def test_a_killed_build_harms_nothing(quick_image: Built, number: str) -> None:
    need_root()
    workshop = quick_image.workshop
    own = [f"--store={workshop.store}", f"--lock={workshop.lock}", "--json"]
    # Each kind of step once; those that compile only on request, since each takes minutes.
    kinds = "base,runtime,image,check,fetch" + (
        ",python,buildroot" if os.environ.get("IMAGEWRIGHT_LONG_TESTS") and number == "KILL" else ""
    )
    rounds = len(kinds.split(","))
    command = [sys.executable, str(SCRIPT), *own, "--kinds", kinds, "--signals", number, "--rounds", str(rounds)]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    played = json.loads(ended.stdout)
    assert [(this["kind"], this["problems"]) for this in played if this["problems"]] == []
    assert len(played) == rounds
    assert any(this["killed"] for this in played)
    assert ended.returncode == 0
