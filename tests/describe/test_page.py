# SPDX-License-Identifier: Apache-2.0
"""The report as a page: whole, by itself, and drawn to scale."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.describe.contents import contents
from imagewright.describe.page import report_page
from imagewright.describe.treemap import Area, squarified, treemap
from imagewright.model.reports import Report
from support.contents import base, described, file, python
from support.fake_transfers import INDEX, REPORTED
from support.golden import Golden

_EMPTY = frozenset({"meta", "rect"})


class Reader(HTMLParser):
    """Every element, and whether they are closed in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in _EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(name: str = "python:3.13-slim") -> str:
    found = contents(described(base(), python()))
    return report_page(Report(REPORTED.ref, name, INDEX, REPORTED, (found,)))


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page(golden: Golden) -> None:
    golden("report.html", page().encode())


def test_the_page_needs_nothing_but_itself() -> None:
    seen = read(page()).seen
    assert not {tag for tag, _ in seen} & {"script", "link", "img", "iframe", "object"}
    assert not [attrs for _, attrs in seen if attrs.keys() & {"src", "onclick", "style"}]
    identifiers = {attrs["id"] for _, attrs in seen if "id" in attrs}
    links = [attrs["href"] or "" for _, attrs in seen if "href" in attrs]
    assert links
    assert {link.removeprefix("#") for link in links} <= identifiers, "only to parts of itself"
    assert not re.search(r"url\(|@import", page())
    assert "default-src 'none'" in page()


def test_the_page_can_be_read_aloud() -> None:
    seen = read(page()).seen
    assert dict(seen)["html"]["lang"] == "en"
    identifiers = [attrs["id"] for _, attrs in seen if "id" in attrs]
    assert len(identifiers) == len(set(identifiers))
    named = [word for _, attrs in seen for word in (attrs.get("aria-labelledby") or "").split()]
    assert set(named) <= set(identifiers)
    assert [attrs["role"] for tag, attrs in seen if tag == "svg"] == ["img"]
    assert all(attrs.get("scope") == "col" for tag, attrs in seen if tag == "th")
    tags = [tag for tag, _ in seen]
    assert tags.count("table") == tags.count("caption")
    assert tags.count("h1") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_what_an_image_says_is_text_and_nothing_else() -> None:
    text = page("<script>alert(1)</script>")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    found = contents(described([file('etc/<b>&"x"', b"x" * 9)]))
    read(report_page(Report("x", "x", INDEX, None, (found,))))


def test_an_image_without_files() -> None:
    found = contents(described([]))
    assert "There are no files." in report_page(Report("x", "x", INDEX, None, (found,)))


SIZES = st.lists(st.integers(0, 10**12), max_size=30).map(lambda sizes: sorted(sizes, reverse=True))
SIDES = st.floats(1, 2000)


@given(SIZES, SIDES, SIDES)
def test_rectangles_fill_the_area_to_scale(sizes: list[int], width: float, height: float) -> None:
    areas = squarified(sizes, Area(0.0, 0.0, width, height))
    assert len(areas) == len(sizes)
    total = sum(sizes)
    for size, area in zip(sizes, areas, strict=True):
        wanted = width * height * size / total if total else 0.0
        assert area.width * area.height == pytest.approx(wanted, rel=1e-6, abs=width * height * 1e-9)
        assert -1e-6 <= area.x <= area.x + area.width <= width * (1 + 1e-9) + 1e-6
        assert -1e-6 <= area.y <= area.y + area.height <= height * (1 + 1e-9) + 1e-6


def test_a_directory_lies_within_its_own() -> None:
    boxes = treemap(contents(described(base(), python())).layers, 1000, 500)
    by_path = {(box.layer, box.path): box for box in boxes}
    inner = [box for box in boxes if box.depth > 1]
    assert inner
    for box in inner:
        outer = by_path[box.layer, box.path.rpartition("/")[0]].area
        area = box.area
        assert outer.x <= area.x + 1e-6
        assert outer.y <= area.y + 1e-6
        assert area.x + area.width <= outer.x + outer.width + 1e-6
        assert area.y + area.height <= outer.y + outer.height + 1e-6
    assert by_path[1, "/"].name == "1 · layer 1"
