# SPDX-License-Identifier: Apache-2.0
"""A status as a sheet of badges: an SVG that needs no script, no font of its own, and fetches nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from imagewright.describe.status import cells
from imagewright.describe.status_text import table
from imagewright.describe.wording import plain
from imagewright.model.statuses import ImageStatus, State, Status

_HEIGHT = 30
_MARGIN = 12
_CHARACTER = 7.6
"""Pixels of a character of the SVG's typefaces, on average, bold ones included."""

_CHECKED, _PART = "passed its checks", "some passed"
_COLOURS = {
    _CHECKED: "#1a7f37",
    "built, not checked": "#0969da",
    "an older release is there": "#9a6700",
    _PART: "#57606a",
    "failed": "#cf222e",
}
_MEANINGS = {
    State.CHECKED: _CHECKED,
    State.BUILT: "built, not checked",
    State.OUTDATED: "an older release is there",
    State.FAILED: "failed",
}
"""Colours on which white text has a contrast of 4.5 and more (WCAG 2.2, 1.4.3)."""


def svg(status: Status) -> str:
    """A badge for each cell; signs and words say what the colours say."""
    rows = table(status)
    meanings = [[_meaning(place) for place in places] for _, places in cells(status)]
    used = [meaning for meaning in _COLOURS if any(meaning in row for row in meanings)]
    widths = [round(max(len(row[place]) for row in rows) * _CHARACTER) + 20 for place in range(len(rows[0]))]
    unstable = any(row.unstable for row in status.rows)
    notes = [*_legend(used, _HEIGHT * len(rows)), *(_note(rows, used) if unstable else ())]
    height = _HEIGHT * (len(rows) + bool(used) + unstable)
    legend_width = round(sum(len(meaning) * _CHARACTER + 34 for meaning in used)) + 2 * _MARGIN
    width = max(sum(widths) + 2 * _MARGIN, legend_width)
    body = [part for number, row in enumerate(rows) for part in _row(number, row, widths, meanings, width)]
    return "\n".join((*_head(status, width, height), *body, *notes, "</svg>")) + "\n"


def _head(status: Status, width: int, height: int) -> Iterator[str]:
    passed = sum(image.state == State.CHECKED for image in status.images)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-labelledby="t d">'
    )
    yield '<title id="t">build status</title>'
    yield f'<desc id="d">{passed} of {len(status.images)} images were built and passed their checks</desc>'
    yield (
        '<style>text{font:13px Verdana,"DejaVu Sans",sans-serif;fill:#1f2328}.h{font-weight:bold}'
        ".b{fill:#fff;font-weight:bold}.q{fill:#57606a;font-size:12px}</style>"
    )
    yield f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="6" fill="#fff" stroke="#d0d7de"/>'


def _row(
    number: int, row: Sequence[str], widths: Sequence[int], meanings: Sequence[Sequence[str]], width: int
) -> Iterator[str]:
    """One row: two of headings, then a badge where something is to be said."""
    top, left = number * _HEIGHT, _MARGIN + widths[0]
    if number > 1:
        yield f'<path d="M1 {top}H{width - 1}" stroke="{"#afb8c1" if number == 2 else "#eaeef2"}"/>'  # noqa: PLR2004
    yield f'<text x="{_MARGIN}" y="{top + 20}" class="h">{_text(row[0])}</text>'
    for place, text in enumerate(row[1:], start=1):
        middle = left + widths[place] / 2
        if number > 1 and text:
            fill = _COLOURS[meanings[number - 2][place - 1]]
            yield (
                f'<rect x="{left + 3}" y="{top + 4}" width="{widths[place] - 6}" height="{_HEIGHT - 8}" rx="4"'
                f' fill="{fill}"/>'
            )
        if text:
            kind = "b" if number > 1 else "h" if number == 0 else ""
            yield f'<text x="{middle:g}" y="{top + 20}" text-anchor="middle" class="{kind}">{_text(text)}</text>'
        left += widths[place]


def _legend(used: Sequence[str], top: int) -> Iterator[str]:
    left = float(_MARGIN)
    for meaning in used:
        yield f'<rect x="{left:g}" y="{top + 9}" width="14" height="14" rx="3" fill="{_COLOURS[meaning]}"/>'
        yield f'<text x="{left + 20:g}" y="{top + 20}" class="q">{_text(meaning)}</text>'
        left += len(meaning) * _CHARACTER + 34


def _note(rows: Sequence[object], used: Sequence[str]) -> Iterator[str]:
    top = _HEIGHT * (len(rows) + bool(used))
    yield f'<text x="{_MARGIN}" y="{top + 18}" class="q">¹ still changes: not for production</text>'


def _meaning(images: Sequence[ImageStatus]) -> str:
    states = {State(image.state) for image in images}
    if State.FAILED in states:
        return _MEANINGS[State.FAILED]
    if len(states) == 1 and states != {State.MISSING}:
        return _MEANINGS[states.pop()]
    return _PART if states - {State.MISSING} else ""


def _text(text: str) -> str:
    return escape(plain(text))
