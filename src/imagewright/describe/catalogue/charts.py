# SPDX-License-Identifier: Apache-2.0
"""Small drawings: bars of layers, and sizes over time. Their figures stand beside them as tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from imagewright.describe.catalogue.facts import Sized
from imagewright.describe.wording import human, iso_date, plain
from imagewright.model.digest import Digest

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 22, 14, 34
_STEPS = 3
_LEAST = 0.04
"""The axis spans at least this part of the largest size, so that noise does not look like growth."""


def bar(part: int, whole: int) -> str:
    """A bar as wide as ``part`` is of ``whole``; decoration beside a figure."""
    share = 100 * part / whole if whole else 0.0
    return (
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect class="track" width="100" height="10" /><rect class="value" width="{share:.2f}" height="10" />'
        "</svg>"
    )


def sizes_over_time(points: Sequence[Sized], own: Digest) -> str:
    """A line of sizes, the image's own point marked; "" for fewer than two points."""
    if len(points) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    low, high = _span([point.size for point in points])
    places = _places(points)
    spots = [
        (_LEFT + place * (_WIDTH - _LEFT - _RIGHT), _y(point.size, low, high))
        for point, place in zip(points, places, strict=True)
    ]
    spread = iso_date(points[0].moment)[:10] != iso_date(points[-1].moment)[:10]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
    said = f"{len(points)} builds, from {human(points[0].size)} to {human(points[-1].size)}."
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-labelledby="chart-name chart-said">',
        '<title id="chart-name">Size over time</title>',
        f'<desc id="chart-said">{said} The table has the figures.</desc>',
    ]
    for step in range(_STEPS + 1):
        size = low + (high - low) * step / _STEPS
        y = _y(size, low, high)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" />')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{human(round(size))}</text>')
    parts.append(f'<polyline class="line" points="{line}" />')
    for point, (x, y) in zip(points, spots, strict=True):
        mark = ' class="own"' if point.digest == own else ""
        radius = 6 if mark else 4
        title = f"{iso_date(point.moment)}: {human(point.size)}, {plain(point.name)}"
        parts.append(
            f'<circle{mark} cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escape(title)}</title></circle>'
        )
    for point, (x, _), anchor in ((points[0], spots[0], "start"), (points[-1], spots[-1], "end")):
        day = iso_date(point.moment)[: 10 if spread else 16]
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{day}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _span(sizes: Sequence[int]) -> tuple[float, float]:
    """The ends of the axis."""
    low, high = min(sizes), max(sizes)
    missing = max(0.0, high * _LEAST - (high - low)) / 2
    margin = (high - low) * 0.08
    return max(0.0, low - missing - margin), high + missing + margin + 1


def _y(size: float, low: float, high: float) -> float:
    return _TOP + (high - size) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)


def _places(points: Sequence[Sized]) -> list[float]:
    """Where each lies between 0 and 1: by time, or side by side where time does not tell them apart."""
    first, last = points[0].moment, points[-1].moment
    if last <= first:
        return [number / (len(points) - 1) for number in range(len(points))]
    return [(point.moment - first) / (last - first) for point in points]
