# SPDX-License-Identifier: Apache-2.0
"""How figures and foreign text are written for people."""

from __future__ import annotations

import re

_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    r"|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"  # what turns the direction of text hides things
)
_UNITS = ("kB", "MB", "GB", "TB")
_KILO = 1000
_MINUTE = 60
_HOUR = 3600


def size(count: int) -> str:
    """Bytes in decimal units, three or four significant digits: ``812 B``, ``42.9 MB``."""
    if count < _KILO:
        return f"{count} B"
    value = float(count)
    for unit in _UNITS:
        value /= _KILO
        if round(value, 1) < _KILO or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds as a person says them: ``0.3 s``, ``41 s``, ``3 min 41 s``, ``1 h 02 min``."""
    if round(seconds, 1) < 10:  # noqa: PLR2004 - one digit before the point
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02d} s"
    return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02d} min"


def stopwatch(seconds: float) -> str:
    """A running time, without digits that jitter: ``0:07``, ``12:40``, ``1:02:03``."""
    minutes, rest = divmod(int(max(0.0, seconds)), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def count(number: int, noun: str) -> str:
    """A number and its noun: ``1 file``, ``3 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def one_line(text: str) -> str:
    """Foreign text on one line, without anything a terminal would act on."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    """A foreign line without escape sequences and control characters; tabs stay."""
    return _CONTROL.sub("", text)


def fitted_path(text: str, width: int) -> str:
    """A path in at most ``width`` columns: its end says most, so it is cut in the middle."""
    if len(text) <= width:
        return text
    head = max(0, width - 1) // 3
    tail = max(0, width - 1 - head)
    return f"{text[:head]}…{text[len(text) - tail :]}"


def fitted(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns; what is cut off is said by an ellipsis."""
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
