# SPDX-License-Identifier: Apache-2.0
"""A profile is trained, kept and named in the lock, and an interpreter is compiled with it.

This compiles twice with full optimisation: IMAGEWRIGHT_LONG_TESTS=1. Whether each release gets the words that its
make and its tests understand is asked of the recipe by ``tests/recipes`` on every run.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest

from peers.fixtures import Workshop

pytestmark = [
    pytest.mark.integration,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("IMAGEWRIGHT_LONG_TESTS"), reason="compiles twice: set IMAGEWRIGHT_LONG_TESTS=1"
    ),
]


def test_an_interpreter_is_trained_and_then_compiled_with_what_was_counted(
    workshop: Workshop, tmp_path: Path
) -> None:
    own = workshop.apart(tmp_path)
    trained = own.answer("train", "3.13-slim-trixie", "-o", tmp_path / "profile.tar.xz")
    assert (tmp_path / "profile.tar.xz").stat().st_size == trained["size"] > 100_000
    (named,) = (
        profile
        for profile in tomllib.loads(own.lock.read_text(encoding="utf-8"))["profile"]
        if profile["suite"] == "trixie"
    )
    assert (named["origin"], named["sha256"]) == ("store", trained["sha256"].removeprefix("sha256:"))
    (image,) = own.answer("build", "3.13-slim-trixie", "--profile", "release")
    assert image["checked"]
