# SPDX-License-Identifier: Apache-2.0
"""Where the process begins and ends. Imports next to nothing, so that Ctrl-C is understood from the start."""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
_PATIENCE = 1.0
"""Seconds in which a repeated signal is taken for an echo of the first (a terminal signals the whole group)."""


class _Interrupts:
    """Turns the first SIGINT, SIGTERM or SIGHUP into ``KeyboardInterrupt``; a later one ends the process.

    The store is safe even then: it stays clean when the process is killed outright, and every descendant dies
    with it.
    """

    def __init__(self) -> None:
        self._first: float | None = None

    def install(self) -> None:
        """Take the signals over, save those that whoever started us wants ignored (``nohup``)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        now = time.monotonic()
        if self._first is None:
            self._first = now
            raise KeyboardInterrupt
        if now - self._first > _PATIENCE:
            os._exit(INTERRUPTED)


def entry() -> NoReturn:
    """The program ``imagewright``."""
    status = INTERRUPTED
    # Thousands of objects are made while modules are read, and none of them is garbage.
    gc.set_threshold(50_000, 20, 20)
    try:
        _Interrupts().install()
        from imagewright.cli.run import run

        status = run(sys.argv[1:], os.environ)
    except KeyboardInterrupt:
        os.write(2, b"error: interrupted\n")
    # All is written and closed by now: what is left would be taking the interpreter apart, object by object.
    os._exit(_flush(status))


def _flush(status: int) -> int:
    """Write out what is buffered, quietly if nobody reads any more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
    return status
