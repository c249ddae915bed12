# SPDX-License-Identifier: Apache-2.0
"""How what runs in the real sandbox begins and ends, and what a killed one leaves: nothing."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import threading
import time
import tty
import uuid
from pathlib import Path

import pytest

from support.jails import RUNNER, Jail, eventually
from support.machine import processes_with

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("script", ["kill -9 $$", "exec kill -15 $$", "exit 77", "exit 255"])
def test_exit_statuses(jail: Jail, script: str) -> None:
    expected = {"kill -9 $$": 137, "exec kill -15 $$": 143, "exit 77": 77, "exit 255": 255}
    jail.shell(script, status=expected[script])


def test_commands_that_cannot_be_started(jail: Jail) -> None:
    assert jail("nothing-like-that", status=127) == "nothing-like-that: No such file or directory\n"
    assert jail("/etc/secret-of-the-image", status=126) == "/etc/secret-of-the-image: Permission denied\n"
    assert "change to directory /nowhere" in jail("true", directory="/nowhere", status=125)


def test_descendants_die_with_the_step(jail: Jail) -> None:
    mark = f"8{uuid.uuid4().int % 10**8}"
    jail.shell(
        f"setsid sleep {mark} >/dev/null 2>&1 </dev/null & (trap '' HUP TERM; sleep {mark}) & sleep 0.1; exit 0"
    )
    assert processes_with(mark) == []


def test_orphans_are_reaped(jail: Jail) -> None:
    script = "for n in 1 2 3 4 5; do (true &) ; done; sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l"
    assert jail.shell(script).strip() == "0"


@pytest.mark.parametrize("victim", ["the monitor", "its parent"])
def test_kill_9_leaves_nothing_behind(jail: Jail, victim: str, place: Path) -> None:
    mark = f"9{uuid.uuid4().int % 10**8}"
    if victim == "the monitor":
        process = jail.person.popen(
            jail.line("sh", "-c", f"setsid sleep {mark} & sleep {mark}"), stdout=subprocess.DEVNULL
        )
    else:
        process = jail.person.popen(
            [jail.person.python, "-I", "-c", RUNNER, str(place), f"setsid sleep {mark} & sleep {mark}"],
            stdout=subprocess.DEVNULL,
        )
    assert eventually(lambda: len(processes_with(mark)) == 2)
    process.kill()
    process.wait()
    assert eventually(lambda: processes_with(mark) == [])


def test_kill_9_at_any_moment_of_the_start(jail: Jail) -> None:
    mark = f"2{uuid.uuid4().int % 10**8}"
    for round_ in range(25):
        process = jail.person.popen(jail.line("sleep", mark), stdout=subprocess.DEVNULL)
        time.sleep(round_ * 0.004)
        process.kill()
        process.wait()
    assert eventually(lambda: processes_with(mark, anywhere=True) == [])
    time.sleep(0.3)  # nor does anything start late
    assert processes_with(mark, anywhere=True) == []


def test_the_whole_program_becomes_root(jail: Jail, place: Path) -> None:
    process = jail.person.popen(
        [jail.person.python, "-I", "-c", RUNNER, str(place), "id -u; cat /proc/self/uid_map; exit 5"]
    )
    lines = process.communicate(timeout=60)[0].decode().splitlines()
    assert (process.returncode, lines[0]) == (5, "0")
    rows = [tuple(map(int, line.split())) for line in lines[1:]]
    assert all(inside == outside for inside, outside, _ in rows)
    assert sum(count for _, _, count in rows) == (65536 if jail.person.uid else 2**32 - 1)


def test_ctrl_c_ends_everything_before_it_is_answered(jail: Jail, place: Path) -> None:
    mark = f"7{uuid.uuid4().int % 10**8}"
    process = jail.person.popen(
        [jail.person.python, "-I", "-c", RUNNER, str(place), f"trap '' INT TERM; sleep {mark}"],
        stdout=subprocess.DEVNULL,
    )
    assert eventually(lambda: len(processes_with(mark)) == 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert processes_with(mark) == []


def test_interactive_runs_have_our_standard_streams(jail: Jail) -> None:
    process = jail.person.popen(jail.line("cat", interactive=True), stdin=subprocess.PIPE)
    assert process.communicate(b"typed\n", timeout=60)[0] == b"typed\n"
    assert process.returncode == 0


def test_ctrl_c_in_a_terminal_is_the_command_s_business(jail: Jail, place: Path) -> None:
    code = RUNNER.replace("environment=", "interactive=True, environment=")
    outer, inner = pty.openpty()
    tty.setraw(inner, termios.TCSANOW)
    mode = termios.tcgetattr(inner)
    mode[3] |= termios.ISIG
    termios.tcsetattr(inner, termios.TCSANOW, mode)

    def own_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    Path(os.ttyname(inner)).chmod(0o666)
    process = jail.person.popen(
        [
            jail.person.python,
            "-I",
            "-c",
            code,
            str(place),
            "trap 'echo caught; exit 9' INT; echo ready; sleep 1000",
        ],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        preexec_fn=own_terminal,
    )
    os.close(inner)
    shown = b""

    def expect(text: bytes) -> None:
        nonlocal shown
        while text not in shown:
            assert select.select([outer], [], [], 20)[0], shown
            shown += os.read(outer, 1000)
        shown = shown.partition(text)[2]

    expect(b"ready")
    time.sleep(0.2)
    os.write(outer, b"\x03")
    expect(b"caught")
    assert process.wait(timeout=30) == 9
    os.close(outer)


def test_an_outside_network_is_seen_only_when_asked_for(jail: Jail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def serve() -> None:
            with server.accept()[0] as connection:
                connection.sendall(b"from outside\n")

        threading.Thread(target=serve, daemon=True).start()
        assert jail("nc", "-w", "2", "127.0.0.1", str(port), status=1) != "from outside\n"
        assert jail("nc", "-w", "2", "127.0.0.1", str(port), network=True) == "from outside\n"
