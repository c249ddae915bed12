# SPDX-License-Identifier: Apache-2.0
"""Draws what benchmarks recorded (``results/*.json``) as SVG files that README and site can show.

``python bench/plots.py [--out DIR]`` (default: ``docs/images``): one file for each result that is there. Nothing
is measured, no library is needed, and the same data give the same bytes. The colours of text follow the reader's
light or dark setting.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from recorded import load

WIDTH, LEFT, RIGHT = 640, 190, 70
COLOURS = ("#1f77b4", "#d95f02", "#7570b3")
"""Told apart without colour vision too (ColorBrewer, Dark2 and Tableau's blue); bars are labelled besides."""

_STYLE = """text{font:13px system-ui,sans-serif;fill:#24292f}.dim{fill:#57606a;font-size:12px}
.axis{stroke:#8c959f;stroke-width:1}.title{font-weight:600;font-size:15px}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.dim{fill:#9da7b3}.axis{stroke:#6e7681}}"""


def svg(title: str, height: int, parts: Sequence[str]) -> str:
    """A whole file; ``title`` is also what a screen reader says."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
    named = f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    shown = text(16, 24, title, "title")
    return f'{head} aria-label="{escape(title)}">{named}{shown}{"".join(parts)}</svg>\n'


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text."""
    classes = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{classes}>{escape(said)}</text>'


def bars(title: str, groups: Sequence[tuple[str, Sequence[tuple[str, float, str]]]], note: str) -> str:
    """Horizontal bars in groups: (name, [(series, value, label)]); a longer bar is a larger value."""
    most = max(value for _, rows in groups for _, value, _ in rows)
    parts, y = [], 44.0
    series = list(dict.fromkeys(name for _, rows in groups for name, _, _ in rows))
    for name, rows in groups:
        parts.append(text(LEFT - 10, y + 10 * len(rows) + 3, name, anchor="end"))
        for one, value, label in rows:
            width = (WIDTH - LEFT - RIGHT) * value / most
            colour = COLOURS[series.index(one) % len(COLOURS)]
            parts.append(f'<rect x="{LEFT}" y="{y:.1f}" width="{width:.1f}" height="16" fill="{colour}"/>')
            parts.append(text(LEFT + width + 6, y + 13, label, "dim"))
            y += 20
        y += 10
    x = 16.0
    for place, one in enumerate(series):
        parts.append(
            f'<rect x="{x:.0f}" y="{y:.1f}" width="12" height="12" fill="{COLOURS[place % len(COLOURS)]}"/>'
        )
        parts.append(text(x + 18, y + 11, one, "dim"))
        x += 40 + 7.2 * len(one)
    parts.append(text(16, y + 34, note, "dim"))
    return svg(title, int(y + 46), parts)


def curves(title: str, lines: Sequence[tuple[str, Sequence[int], Sequence[float]]], note: str) -> str:
    """Lines on logarithmic axes: (name, sizes, seconds); a straight line of slope k is size to the power of k."""
    xs = [math.log10(size) for _, sizes, _ in lines for size in sizes]
    ys = [math.log10(taken) for _, _, seconds in lines for taken in seconds]
    top, bottom, left, right = 48.0, 300.0, 70.0, WIDTH - 190.0
    low, high = math.floor(min(ys)), math.ceil(max(ys))

    def at(size: float, taken: float) -> tuple[float, float]:
        across = (math.log10(size) - min(xs)) / (max(xs) - min(xs))
        up = (math.log10(taken) - low) / (high - low)
        return left + across * (right - left), bottom - up * (bottom - top)

    parts = [f'<path class="axis" fill="none" d="M{left} {top}V{bottom}H{right}"/>']
    for power in range(low, high + 1):
        _, y = at(10 ** min(xs), 10.0**power)
        parts.append(text(left - 8, y + 4, f"{10.0**power:g} s", "dim", "end"))
        parts.append(f'<path class="axis" stroke-dasharray="2 4" d="M{left} {y:.1f}H{right}"/>')
    for size in sorted({size for _, sizes, _ in lines for size in sizes}):
        x, _ = at(size, 10.0**low)
        parts.append(text(x, bottom + 18, f"{size:,}", "dim", "middle"))
    for place, (name, sizes, seconds) in enumerate(lines):
        points = [at(size, taken) for size, taken in zip(sizes, seconds, strict=True)]
        colour = COLOURS[place % len(COLOURS)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points]
        y = top + 16 + 22 * place
        parts.append(f'<rect x="{right + 20}" y="{y - 10:.1f}" width="12" height="12" fill="{colour}"/>')
        parts.append(text(right + 38, y + 1, name))
    parts.append(text(16, bottom + 46, note, "dim"))
    return svg(title, int(bottom + 58), parts)


def columns(title: str, values: Sequence[tuple[str, float]], mean: float, note: str) -> str:
    """A thin column for each ratio, smallest first, from the line at 1 up or down; the mean is a line too."""
    top, bottom, left, right = 48.0, 248.0, 50.0, WIDTH - 16.0
    ordered = sorted(values, key=lambda pair: pair[1])
    low, high = min(0.9, ordered[0][1]), max(1.2, ordered[-1][1])

    def height(ratio: float) -> float:
        """Logarithmic: twice as fast and half as fast are as far from 1."""
        return bottom - (bottom - top) * math.log(ratio / low) / math.log(high / low)

    step = (right - left) / len(ordered)
    parts = []
    for number, (name, ratio) in enumerate(ordered):
        upper, lower = sorted((height(ratio), height(1.0)))
        parts.append(
            f'<rect x="{left + number * step:.1f}" y="{upper:.1f}" width="{step * 0.75:.1f}"'
            f' height="{lower - upper:.1f}" fill="{COLOURS[ratio < 1]}">'
            f"<title>{escape(name)} {ratio:.2f}</title></rect>"
        )
    for ratio, said in ((1.0, "1.0"), (mean, f"{mean:.2f}")):
        y = height(ratio)
        parts.append(f'<line class="axis" x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>')
        parts.append(text(left - 6, y + 4, said, "dim", "end"))
    for at, (name, ratio), anchor in ((left, ordered[0], "start"), (right, ordered[-1], "end")):
        parts.append(text(at, bottom + 20, f"{name} {ratio:.2f}", "dim", anchor))
    parts.append(text(16, bottom + 44, note, "dim"))
    return svg(title, int(bottom + 56), parts)


def said_of(result: dict[str, Any]) -> str:
    """When and on what a result was measured."""
    machine = result["machine"]
    return f"{result['date']}, {machine['cores']} cores, load {machine['load']}"


def complexity(result: dict[str, Any]) -> str:
    """Growth of planning, solving and garbage collection."""
    lines = [
        (f"{name}: n^{curve['exponent']:.2f}", curve["sizes"], curve["seconds"])
        for name, curve in sorted(result["curves"].items())
    ]
    return curves(
        "Time by number of images or packages", lines, f"bench/complexity.py, logarithmic axes; {said_of(result)}"
    )


def start(result: dict[str, Any]) -> str:
    """Start in a fresh container, cold and warm."""
    groups = [
        (
            f"{row['command']}, {'cold' if row['cold'] else 'warm'}",
            [(form, seconds, f"{seconds * 1000:.0f} ms") for form, seconds in row["seconds"].items()],
        )
        for row in result["rows"]
    ]
    return bars("Start in a fresh container", groups, f"bench/start.py, medians; {said_of(result)}")


def sizes(result: dict[str, Any]) -> str:
    """Bytes that a pull transfers."""
    groups = [
        (name, [(kind, size / 1e6, f"{size / 1e6:.1f} MB") for kind, size in found.items()])
        for name, found in result["images"].items()
    ]
    return bars("Compressed size", groups, f"bench/sizes.py; {said_of(result)}")


def interpreter(result: dict[str, Any]) -> str:
    """Speed beside the official configuration, benchmark by benchmark."""
    values = [(name, spread["median"]) for name, spread in result["measurements"].items()]
    return columns(
        f"Speed, to the official interpreter: {len(values)} measurements of pyperformance",
        values,
        result["mean"],
        f"bench/interpreter.py, {result['rounds']} rounds in turns, logarithmic axis; {said_of(result)}",
    )


def refresh(result: dict[str, Any]) -> str:
    """One base package's update, beside the Dockerfiles."""
    rows = [("imagewright refresh", result["seconds"], f"{result['seconds']:.0f} s")]
    if result["dockerfiles"]:
        rows.append(("rebuilding Dockerfiles", result["dockerfiles"], f"{result['dockerfiles']:.0f} s"))
    named = f"A new package in the base of {result['images']} images"
    return bars(
        named,
        [(name, [(name, value, label)]) for name, value, label in rows],
        f"bench/refresh.py; {said_of(result)}",
    )


DRAWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "complexity": complexity,
    "interpreter": interpreter,
    "start": start,
    "sizes": sizes,
    "refresh": refresh,
}


def main() -> int:
    """Draw what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent.parent / "docs" / "images")
    words = parser.parse_args()
    for name, draw in DRAWN.items():
        result = load(name)
        if result is None:
            print(f"{name}: nothing is recorded; run bench/{name}.py")
            continue
        path = words.out / f"bench-{name}.svg"
        path.write_text(draw(result), encoding="utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
