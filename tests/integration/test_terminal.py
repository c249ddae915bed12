# SPDX-License-Identifier: Apache-2.0
"""Progress on a real terminal: nothing is wider than it, and Ctrl-C leaves it as it was found."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.terminal import Terminal, on_terminal

pytestmark = pytest.mark.integration
TESTS = Path(__file__).parents[1]
WORDS = ("build", "3.13t-minimal-debug-bookworm", "3.13-slim-trixie")


@contextmanager
def building(columns: int, rows: int = 24) -> Iterator[Terminal]:
    """Two builds, told of and then waiting."""
    command = [sys.executable, str(TESTS / "support" / "program.py"), "show", *WORDS]
    with on_terminal(command, columns, rows=rows, environment={"PYTHONPATH": str(TESTS)}) as terminal:
        yield terminal


def drawn(lines: list[str]) -> bool:
    return any("0 of 2 images" in line for line in lines) and any("check 3.13" in line for line in lines)


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    with building(columns) as terminal:
        lines = terminal.until(drawn)
        assert max(map(len, lines)) <= columns
        assert terminal.process.poll() is None


def test_at_80_columns_all_that_runs_is_told_in_a_line_each() -> None:
    with building(80) as terminal:
        lines = terminal.until(drawn)
    said = [line for line in lines if "problems" in line or "LC_" in line]
    assert said[0].startswith("✗       0.2 s  check package-files: 12 problems: ")
    assert all(line.startswith(" " * 15) and line[15] != " " for line in said[1:])
    live = lines[lines.index(said[-1]) + 1 :]
    assert [line[15:] for line in live] == [
        "━━━───────  310.0 MB of 930.0 MB  12 of 412 files",
        "python 3.13.15t bookworm arm64  compile with counters for a very…",
        "check 3.13.15t-minimal-debug-bookworm linux/arm64",
        "━━━━━─────  0 of 2 images, 0 of 2 compiles, 1 failed",
    ]


def test_ctrl_c_gives_the_terminal_back() -> None:
    with building(80) as terminal:
        terminal.until(drawn)
        assert not terminal.cursor
        terminal.press(b"\x03")
        status = terminal.end()
        lines = terminal.lines()
        assert terminal.cursor
    assert status == 130
    assert terminal.raw.count(b"\x1b[?25h") >= terminal.raw.count(b"\x1b[?25l")
    assert not any("0 of 2 images" in line for line in lines), "what ran is still shown"
    assert lines[-2:] == [
        "error: interrupted",
        "  try: run the same command to go on: finished steps are kept",
    ]


def test_a_terminal_of_few_rows_keeps_the_newest() -> None:
    with building(80, rows=8) as terminal:
        lines = terminal.until(lambda lines: any("check 3.13" in line or "python 3.13" in line for line in lines))
        assert len(lines) <= 8
        assert max(map(len, lines)) <= 80
