# SPDX-License-Identifier: Apache-2.0
"""The program as a process: signals, closed pipes, how fast help is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration
TESTS = Path(__file__).parents[1]
SPEC = "3.13-slim-trixie"


@contextmanager
def program(doing: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, str(TESTS / "support" / "program.py"), doing, *words],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if line.strip() == word:
            return
    pytest.fail(f"the program ended before it said {word!r}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("doing", ["wait", "threads"])
def test_a_signal_ends_it_with_130(number: signal.Signals, doing: str) -> None:
    with program(doing, "build", SPEC) as process:
        wait_for(process, "waiting")
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert err.splitlines() == [
        "error: interrupted",
        "  try: run the same command to go on: finished steps are kept",
    ]


def test_an_interrupted_build_is_a_document_too() -> None:
    with program("wait", "build", SPEC, "--json") as process:
        wait_for(process, "waiting")
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=10)
    assert json.loads(out)["error"]["kind"] == "interrupted"


def test_a_second_signal_ends_it_at_once() -> None:
    with program("stubborn", "build", SPEC) as process:
        wait_for(process, "waiting")
        process.send_signal(signal.SIGINT)
        wait_for(process, "tidying")
        process.send_signal(signal.SIGINT)  # an echo of the first one
        time.sleep(1.2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 130


def test_an_ignored_hangup_stays_ignored() -> None:
    with program("wait", "build", SPEC) as process:
        wait_for(process, "waiting")
        ignored = _ignores_hangup(process.pid)
    assert not ignored
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with program("wait", "build", SPEC) as process:
            wait_for(process, "waiting")
            ignored = _ignores_hangup(process.pid)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert ignored


def _ignores_hangup(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigIgn:")]
    return bool(int(mask, 16) & (1 << (signal.SIGHUP - 1)))


def test_nobody_reads_the_result() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run(
        [sys.executable, str(TESTS / "support" / "program.py"), "answer", "build", SPEC, "-q"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writer)
    assert process.returncode == 141
    assert process.stderr == ""


def test_nobody_reads_the_help() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "imagewright", "--help"]
    process = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert process.returncode == 141
    assert process.stderr == ""


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; import imagewright.cli.run; print(*sorted(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    loaded = set(process.stdout.split())
    heavy = {"rich", "urllib3", "pysequoia", "zstandard", "elftools", "sqlite3", "imagewright.app"}
    assert "click" in loaded
    assert not heavy & loaded
