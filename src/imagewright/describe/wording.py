# SPDX-License-Identifier: Apache-2.0
"""Figures, dates and foreign text, as reports write them whatever the locale."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_KILO = 1000
_UNITS = ("KB", "MB", "GB", "TB")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""Control characters, and those that turn the direction of what follows (Unicode UAX 9), which hides things."""


def http_date(epoch: int) -> str:
    """``Tue, 22 Nov 2016 23:24:34 GMT`` (RFC 9110, 5.6.7)."""
    moment = _EPOCH + timedelta(seconds=epoch)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"


def iso_date(epoch: int) -> str:
    """``2016-11-22 23:24``, in UTC."""
    moment = _EPOCH + timedelta(seconds=epoch)
    return f"{moment.year:04}-{moment:%m-%d %H:%M}"


def human(size: int) -> str:
    """``5.8 GB``: decimal units, one digit behind the point."""
    if size < _KILO:
        return f"{size}.0 B"
    value = float(size)
    for unit in _UNITS:
        value /= _KILO
        if round(value, 1) < _KILO or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}"


def exact(size: int) -> str:
    """``5.8 GB (5779609629 bytes)``; small sizes need no second form."""
    return human(size) if size < _KILO else f"{human(size)} ({size} bytes)"


def code(text: str) -> str:
    """Inline code of Markdown, whatever is in it, on one line (CommonMark 0.31, 6.1)."""
    text = plain(text).replace("\n", "\\n")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * (longest + 1)
    blank = " " if longest or not text else ""
    return f"{marks}{blank}{text}{blank}{marks}"


def fence(lines: Sequence[str], kind: str) -> list[str]:
    """A fenced block, whose marks do not occur in it (CommonMark 0.31, 4.5)."""
    lines = [plain(line).replace("\n", " ") for line in lines]
    longest = max((len(run) for line in lines for run in re.findall("`{3,}", line)), default=2)
    marks = "`" * (longest + 1)
    return [f"{marks}{kind}", *lines, marks]


def listed(words: Sequence[str]) -> str:
    """A command as JSON, as configurations have it."""
    return json.dumps(list(words), ensure_ascii=False, separators=(",", ":"))


def plain(text: str) -> str:
    """Without control characters and turned directions; tabs and line ends stay."""
    return _CONTROL.sub("", text)


def cell(text: str) -> str:
    """Text in a Markdown table: nothing of it is markup."""
    text = " ".join(plain(text).split())
    return re.sub(r"([\\`*_\[\]<>|])", r"\\\1", text)
