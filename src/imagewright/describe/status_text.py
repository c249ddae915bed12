# SPDX-License-Identifier: Apache-2.0
"""A status as text: for a terminal, and as the Markdown table that infra7 publishes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imagewright.describe.status import cells
from imagewright.describe.wording import cell as escaped
from imagewright.describe.wording import plain as visible
from imagewright.model.statuses import ImageStatus, State, Status

CHECK = "✓"
PUSHED = "↑"
_MARKS = {State.CHECKED: CHECK, State.BUILT: "○", State.OUTDATED: "↻", State.FAILED: "✗"}
_MEANINGS = (
    (CHECK, "passed its checks"),
    (PUSHED, "pushed"),
    ("○", "built, not checked"),
    ("↻", "an older release is there"),
    ("✗", "failed"),
    ("/", "how many passed"),
)
_HEADS = (("Python version →", "Target ↓ / Release →"), ("Python →", "release →"))
_TOLD = 8
"""Images told one by one below the table, at most."""


def mark(images: Sequence[ImageStatus]) -> str:
    """One cell: the sign of what all its images have come to, a cross if one failed, else how many passed."""
    states = {State(image.state) for image in images}
    if not states or states == {State.MISSING}:
        return ""
    if State.FAILED in states:
        return _MARKS[State.FAILED]
    if len(states) == 1:
        sign = _MARKS[states.pop()]
        return sign + PUSHED if sign == CHECK and all(image.pushed for image in images) else sign
    passed = sum(image.state == State.CHECKED for image in images)
    return f"{passed}/{len(images)}"


def table(status: Status, heads: tuple[str, str] = _HEADS[0]) -> list[list[str]]:
    """Rows of cells, two of headings first, as infra7 has them."""
    found = [
        [heads[0], *(column.series for column in status.columns)],
        [heads[1], *(column.release for column in status.columns)],
    ]
    for row, places in cells(status):
        found.append([f"{row.title}{'¹' if row.unstable else ''}", *map(mark, places)])
    return found


def legend(rows: Sequence[Sequence[str]]) -> str:
    """What the signs in a table mean, as far as they are there; "" where check marks are the only ones."""
    signs = "".join(text for row in rows[2:] for text in row[1:])
    words = [f"{sign if sign != '/' else 'n/m'} {meaning}" for sign, meaning in _MEANINGS if sign in signs]
    return ", ".join(words) if set(signs) - {CHECK} else ""


def markdown(status: Status) -> str:
    """A Markdown table, with notes on its signs and on suites that still change."""
    plain_rows = table(status)
    rows = [[escaped(text).replace(CHECK, "&check;") for text in row] for row in plain_rows]
    widths = _widths(rows)
    lines = [f"| {' | '.join(_padded(row, widths))} |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    if signs := legend(plain_rows):
        lines += ["", f"{signs[0].upper()}{signs[1:]}."]
    unstable = dict.fromkeys(
        row.title.rpartition(" ")[0] if row.platform else row.title for row in status.rows if row.unstable
    )
    if unstable:
        lines += ["", "> [!CAUTION]", f"> ¹ Not for production, because still changing: {', '.join(unstable)}."]
    return "\n".join(lines) + "\n"


def plain(status: Status, width: int = 80) -> list[str]:
    """The table for a terminal of ``width`` columns, in parts where it is wider; then what went wrong."""
    lines: list[str] = []
    for part in _parts(status, width):
        lines += ["", *part] if lines else part
    notes = [legend(table(status))]
    if any(row.unstable for row in status.rows):
        notes.append("¹ still changes: not for production")
    lines += ["", *filter(None, notes)] if any(notes) else []
    told = list(_troubles(status))
    if told:
        lines += ["", *(line if len(line) <= width else f"{line[: width - 1]}…" for line in told[:_TOLD])]
        lines += [f"… and {len(told) - _TOLD} more: --json names all"] if len(told) > _TOLD else []
    return lines


def _parts(status: Status, width: int) -> Iterator[list[str]]:
    """As few tables as fit: with shorter headings and narrower gaps first, then with fewer columns each."""
    for heads, gap in ((_HEADS[0], 2), (_HEADS[1], 2), (_HEADS[1], 1)):
        rows = table(status, heads)
        widths = _widths(rows)
        if sum(widths) + gap * (len(widths) - 1) <= width:
            yield _aligned(rows, widths, gap)
            return
    start, gap = 1, 2
    while start < len(widths):
        end, room = start, width - widths[0]
        while end < len(widths) and (end == start or widths[end] + gap <= room):
            room -= widths[end] + gap
            end += 1
        chosen = [0, *range(start, end)]
        yield _aligned(
            [[row[place] for place in chosen] for row in rows], [widths[place] for place in chosen], gap
        )
        start = end


def _aligned(rows: Sequence[Sequence[str]], widths: Sequence[int], gap: int) -> list[str]:
    return [(" " * gap).join(_padded(row, widths)).rstrip() for row in rows]


def _troubles(status: Status) -> Iterator[str]:
    """Images that failed or are behind, the former first, a line each."""
    for state in (State.FAILED, State.OUTDATED):
        for image in status.images:
            if image.state == state:
                detail = " ".join(visible(image.detail).split())
                yield f"{_MARKS[state]} {image.image} {image.platform}: {detail}"


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [f"{text:<{width}}" for text, width in zip(row, widths, strict=True)]
