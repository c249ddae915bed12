# SPDX-License-Identifier: Apache-2.0
"""Where text goes, and whether it may have colour."""

from __future__ import annotations

import os
import select
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class OutputGoneError(Exception):
    """Whoever read our standard output has left (``imagewright … | head -1``); there is nobody to tell."""


@dataclass(frozen=True, slots=True)
class Paint:
    """Adds terminal colours, or nothing at all."""

    enabled: bool

    def __call__(self, style: str, text: str) -> str:
        """``text`` in ``style``: words such as ``bold red``."""
        if not self.enabled or not style or not text:
            return text
        codes = ";".join(_CODES[word] for word in style.split())
        return f"\x1b[{codes}m{text}\x1b[0m"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Signs of the progress display; plain ones where the terminal's encoding has no others."""

    done: str
    failed: str
    cached: str
    running: str
    dot: str
    full: str
    empty: str


_FANCY = Glyphs(done="✓", failed="✗", cached="=", running="▸", dot="·", full="━", empty="─")
_ASCII = Glyphs(done="+", failed="x", cached="=", running=">", dot=".", full="#", empty="-")


def glyphs_for(stream: TextIO) -> Glyphs:
    """The signs that ``stream`` can show."""
    try:
        "✓✗▸·━─…".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _ASCII
    return _FANCY


def wants_colour(choice: str, stream: TextIO, environment: Mapping[str, str]) -> bool:
    """``--color`` first, then NO_COLOR (no-color.org: set and not empty), then whether it is a terminal."""
    if choice != "auto":
        return choice == "always"
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


@dataclass(slots=True)
class Console:
    """The two standard streams. Results go to ``stdout``, everything else to ``stderr``."""

    stdout: TextIO
    stderr: TextIO
    environment: Mapping[str, str]
    color: str = "auto"

    def paint_out(self) -> Paint:
        """Colours for standard output."""
        return Paint(wants_colour(self.color, self.stdout, self.environment))

    def paint_err(self) -> Paint:
        """Colours for standard error."""
        return Paint(wants_colour(self.color, self.stderr, self.environment))

    def live(self) -> bool:
        """Whether standard error can show a display that redraws itself."""
        return self.stderr.isatty() and self.environment.get("TERM", "dumb") != "dumb"

    def width(self) -> int:
        """Columns of the terminal; 80 where there is none."""
        return shutil.get_terminal_size((80, 24)).columns

    def out(self, lines: Iterable[str]) -> None:
        """Write result lines. Raises ``OutputGoneError`` when nobody reads them."""
        try:
            self.stdout.write("".join(f"{line}\n" for line in lines))
            self.stdout.flush()
        except BrokenPipeError:
            silence(self.stdout)
            raise OutputGoneError from None

    def err(self, lines: Iterable[str]) -> None:
        """Write lines beside the result. Nobody reading them is no reason to stop."""
        try:
            self.stderr.write("".join(f"{line}\n" for line in lines))
            self.stderr.flush()
        except BrokenPipeError:
            silence(self.stderr)


def nobody_reads(stream: TextIO) -> bool:
    """Whether ``stream`` is a pipe whose reader has left (poll(2): POLLERR on the writing end)."""
    poll = select.poll()
    poll.register(stream.fileno(), 0)
    return any(events & select.POLLERR for _, events in poll.poll(0))


def silence(stream: TextIO) -> None:
    """Let everything still to be written to ``stream`` go nowhere, also what the interpreter flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)
