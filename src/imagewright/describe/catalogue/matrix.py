# SPDX-License-Identifier: Apache-2.0
"""Status tables of a site: the whole catalog by series and suite, and one series by variant and platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from imagewright.describe.catalogue.facts import CatalogueImage
from imagewright.describe.status import cells
from imagewright.describe.status_text import PUSHED, mark
from imagewright.model.statuses import ImageStatus, State, Status

_SIGNS = {State.CHECKED: "✓", State.BUILT: "○", State.OUTDATED: "↻", State.FAILED: "✗", State.MISSING: "–"}
_WORDS = {
    State.CHECKED: "built, and every check passed",
    State.BUILT: "built; its checks are not known to have passed",
    State.OUTDATED: "only an older release is there",
    State.FAILED: "the last build failed",
    State.MISSING: "the records know nothing of it",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """``text`` is what is seen, ``said`` what is read aloud; ``page`` leads to an image ("" for none)."""

    text: str
    said: str
    state: str
    page: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row with its title; ``suite`` and ``platform`` are what the row is in filters."""

    title: str
    suite: str
    platform: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A table: titles of its columns (with a second line), and rows."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...]


def legend() -> tuple[tuple[str, str, str], ...]:
    """State, sign and meaning."""
    return tuple((state.value, _SIGNS[state], _WORDS[state]) for state in State)


def sign(state: str) -> str:
    """The sign of a state."""
    return _SIGNS[State(state)]


def whole(status: Status) -> Matrix:
    """Series by suite, as ``imagewright status`` has it; rows without anything attempted are left out."""
    rows = []
    for row, places in cells(status):
        if any(image.state != State.MISSING for place in places for image in place):
            title = f"{row.title}{' (still changes)' if row.unstable else ''}"
            rows.append(Row(title, row.suite, row.platform, tuple(_summary(place) for place in places)))
    columns = tuple((column.series, column.release) for column in status.columns)
    used = [place for place in range(len(columns)) if any(row.cells[place].text for row in rows)]
    return Matrix(
        tuple(columns[place] for place in used),
        tuple(replace(row, cells=tuple(row.cells[place] for place in used)) for row in rows),
    )


def of_series(image: CatalogueImage, status: Status, pages: Mapping[str, str]) -> Matrix | None:
    """The image's own series: suites and variants by platform. ``pages`` are by manifest's digest.

    ``None`` where the catalog does not know the image.
    """
    series = image.series.rstrip("td")
    found = [one for one in status.images if one.series == series and one.state != State.MISSING]
    if not any(one.manifest == str(image.digest) for one in found):
        return None
    platforms = tuple(dict.fromkeys(one.platform for one in found))
    places: dict[tuple[str, str], dict[str, ImageStatus]] = {}
    for one in found:
        places.setdefault((one.suite, one.variant), {})[one.platform] = one
    rows = tuple(
        Row(
            f"{variant} on {suite}",
            suite,
            "",
            tuple(_cell(by.get(platform), image, pages) for platform in platforms),
        )
        for (suite, variant), by in places.items()
    )
    return Matrix(tuple((platform.removeprefix("linux/"), "") for platform in platforms), rows)


def _cell(one: ImageStatus | None, image: CatalogueImage, pages: Mapping[str, str]) -> Cell:
    if one is None:
        return Cell("", "not attempted", State.MISSING)
    said = f"{one.image} for {one.platform}: {one.state}"
    page = pages.get(one.manifest, "")
    return Cell(_SIGNS[State(one.state)], said, one.state, page, own=one.manifest == str(image.digest))


def _summary(images: tuple[ImageStatus, ...]) -> Cell:
    text = mark(images)
    passed = sum(image.state == State.CHECKED for image in images)
    failed = sum(image.state == State.FAILED for image in images)
    said = f"{passed} of {len(images)} checked" + (f", {failed} failed" if failed else "")
    said += ", pushed" if PUSHED in text else ""
    if not text:
        return Cell("", "nothing attempted", State.MISSING)
    return Cell(text, said, State.FAILED if failed else State.CHECKED if passed == len(images) else State.BUILT)
