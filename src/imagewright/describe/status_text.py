# SPDX-License-Identifier: Apache-2.0
"""A status as Markdown, as the table that infra7 publishes, and as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from imagewright.describe.status import cells
from imagewright.model.statuses import ImageStatus, State, Status

CHECK = "✓"
_CROSS = "✗"
_HEIGHT = 28
_CHARACTER = 7.2
"""Pixels of a character of the SVG's typeface, about."""

_COLOURS = {
    State.CHECKED: "#2da44e",
    State.BUILT: "#bf8700",
    State.OUTDATED: "#bf8700",
    State.FAILED: "#cf222e",
    State.MISSING: "#8c959f",
}
_WORST = (State.FAILED, State.MISSING, State.OUTDATED, State.BUILT, State.CHECKED)


def cell(images: Sequence[ImageStatus]) -> str:
    """One cell: a check mark if every image of it passed its checks, a cross if one failed, else how many did."""
    passed = sum(image.state == State.CHECKED for image in images)
    if images and passed == len(images):
        return CHECK
    if any(image.state == State.FAILED for image in images):
        return _CROSS
    return f"{passed}/{len(images)}" if any(image.state != State.MISSING for image in images) else ""


def table(status: Status, *, check: str = CHECK) -> list[list[str]]:
    """Rows of cells, two of headings first, as infra7 has them."""
    found = [
        ["Python version →", *(column.series for column in status.columns)],
        ["Target ↓ / Release →", *(column.release for column in status.columns)],
    ]
    for row, places in cells(status):
        title = f"{row.title}{'¹' if row.unstable else ''}"
        found.append([title, *(cell(place).replace(CHECK, check) for place in places)])
    return found


def markdown(status: Status) -> str:
    """A Markdown table, with its note on suites that still change."""
    rows = table(status, check="&check;")
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    unstable = [row.title for row in status.rows if row.unstable]
    if unstable:
        lines += ["", "> [!CAUTION]", f"> ¹ Not for production, because still changing: {', '.join(unstable)}."]
    return "\n".join(lines) + "\n"


def plain(status: Status) -> list[str]:
    """The table for a terminal."""
    rows = table(status)
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = [
        "  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    if any(row.unstable for row in status.rows):
        lines += ["", "¹ still changes: not for production"]
    return lines


def svg(status: Status) -> str:
    """A sheet of badges: one for each cell, in the colour of the worst of its images."""
    rows = table(status)
    widths = [round(max(len(row[place]) for row in rows) * _CHARACTER) + 24 for place in range(len(rows[0]))]
    lefts = [sum(widths[:place]) for place in range(len(widths))]
    colours = [[_colour(place) for place in places] for _, places in cells(status)]
    width, height = sum(widths), _HEIGHT * len(rows)
    box = f'width="{width}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} viewBox="0 0 {width} {height}" role="img">',
        "<title>build status</title>",
        '<style>text{font:13px Verdana,"DejaVu Sans",sans-serif}.h{font-weight:bold}</style>',
        f'<rect width="{width}" height="{height}" rx="4" fill="#fff" stroke="#d0d7de"/>',
    ]
    for number, row in enumerate(rows):
        top = number * _HEIGHT
        for place, text in enumerate(row):
            middle = lefts[place] + widths[place] / 2
            if number > 1 and place and text:
                fill = colours[number - 2][place - 1]
                parts.append(
                    f'<rect x="{lefts[place] + 4}" y="{top + 4}" width="{widths[place] - 8}"'
                    f' height="{_HEIGHT - 8}" rx="3" fill="{fill}"/>'
                )
            style = 'fill="#fff"' if number > 1 and place else 'fill="#1f2328"'
            at = f'x="{middle:g}" text-anchor="middle"' if place else f'x="{lefts[0] + 10}"'
            head = ' class="h"' if number < 2 or not place else ""  # noqa: PLR2004 - two rows of headings
            if text:
                parts.append(f'<text {at} y="{top + 19}" {style}{head}>{escape(text)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [f"{text:<{width}}" for text, width in zip(row, widths, strict=True)]


def _colour(images: Sequence[ImageStatus]) -> str:
    states = {image.state for image in images}
    return next((_COLOURS[state] for state in _WORST if state in states), _COLOURS[State.MISSING])
