# SPDX-License-Identifier: Apache-2.0
"""A real terminal for a program, and what a person would see on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyte

_WIDER = 400
"""Columns of the screen that is looked at: a line that is too long for the terminal is seen, not wrapped."""

_PATIENCE = 30.0
"""Seconds."""


class Terminal:
    """A program on a pseudo-terminal of so many columns. ``raw`` is all that it wrote."""

    def __init__(self, process: subprocess.Popen[bytes], master: int, rows: int) -> None:
        self.process = process
        self.raw = b""
        self._master = master
        self._screen = pyte.Screen(_WIDER, rows)
        self._stream = pyte.ByteStream(self._screen)

    def lines(self) -> list[str]:
        """What is on the screen, without empty lines."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    @property
    def cursor(self) -> bool:
        """Whether the cursor is seen."""
        return not self._screen.cursor.hidden

    def until(self, seen: Callable[[list[str]], bool]) -> list[str]:
        """Read until the screen is as wanted; what is on it then."""
        end = time.monotonic() + _PATIENCE
        while not seen(self.lines()):
            assert time.monotonic() < end, f"it never came: {self.lines()}"
            assert self._read(), f"the program ended: {self.lines()}"
        return self.lines()

    def press(self, key: bytes) -> None:
        """Press a key."""
        os.write(self._master, key)

    def end(self) -> int:
        """Read until the program ends; its status."""
        while self._read():
            pass
        return self.process.wait(timeout=_PATIENCE)

    def _read(self) -> bool:
        if not select.select([self._master], [], [], _PATIENCE)[0]:
            return False
        try:
            data = os.read(self._master, 1 << 16)
        except OSError:  # EIO: nobody has the other side open
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)


@contextmanager
def on_terminal(
    command: Sequence[str], columns: int, *, rows: int = 24, environment: Mapping[str, str] | None = None
) -> Iterator[Terminal]:
    """A program with a terminal of its own, which Ctrl-C reaches, while the block runs."""
    master, slave = pty.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        process = subprocess.Popen(
            ["setsid", "--ctty", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
        )
    finally:
        os.close(slave)
    try:
        yield Terminal(process, master, rows)
    finally:
        process.kill()
        process.wait()
        os.close(master)
