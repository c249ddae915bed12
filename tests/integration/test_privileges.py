# SPDX-License-Identifier: Apache-2.0
"""Who is not root and has no subordinate ids locks, plans, and looks what is behind; only a build needs more."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPEC = "3.13-slim-trixie"
NUMBER = 54321
"""A user that no machine knows, so that none has subordinate ids."""


def somebody(directory: Path, *words: str, expect: int = 0) -> Any:
    """What ``imagewright WORDS --json`` answers a user who is nobody in particular.

    In a user namespace of one id: not root there, and what root owned outside is the user's own.
    """
    command = [program("unshare", "util-linux"), "--user", f"--map-user={NUMBER}", f"--map-group={NUMBER}"]
    command += [sys.executable, "-m", "imagewright", "--store", "store", "--lock", "own.lock", *words]
    ended = subprocess.run(
        [*command, "--json", "--progress", "none"],
        cwd=directory,
        env={**os.environ, "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == expect, f"{words}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return json.loads(ended.stdout)


def test_only_builds_need_ids(tmp_path: Path) -> None:
    assert somebody(tmp_path, "lock", SPEC)["changed"]
    plan = somebody(tmp_path, "plan", SPEC)
    assert [image["spec"] for image in plan["images"]] == ["3.13.15-slim-trixie"]
    assert plan["compiles"] == 1
    assert somebody(tmp_path, "outdated") == []
    assert somebody(tmp_path, "update", "--only", "packages", "--dry-run")["packages"] == []
    refused = somebody(tmp_path, "build", SPEC, expect=6)["error"]
    assert "subordinate" in f"{refused['message']} {refused['why']} {refused['hint']}"
