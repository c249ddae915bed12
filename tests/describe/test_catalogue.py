# SPDX-License-Identifier: Apache-2.0
"""Pages of a catalogue: what an image says stays text, the same facts give the same bytes, data stay small."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.catalog.publication import Publication
from imagewright.catalog.shipped import shipped_catalog
from imagewright.describe.catalogue.charts import sizes_over_time
from imagewright.describe.catalogue.facts import (
    CatalogueImage,
    Findings,
    Kind,
    Package,
    Pull,
    Sized,
    kind_of,
    line_of,
)
from imagewright.describe.catalogue.matrix import of_series, whole
from imagewright.describe.catalogue.pages import Site, assets, image_pages, index_page, list_pages, status_page
from imagewright.describe.catalogue.search import SearchData
from imagewright.model.digest import Digest
from imagewright.model.statuses import ImageStatus, Status, StatusColumn, StatusRow
from support.catalogue import many, one

SITE = Site(Publication(), None, {})
NO_END = frozenset({"meta", "link", "input"})
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "]]>--><!--",
    "\u2028\u2029\x00\x1b[31m",
    "../../../etc/passwd",
    "__proto__",
)
WORDS = st.sampled_from(HOSTILE) | st.text(max_size=30)


class Page(HTMLParser):
    """Every element, and whether they are closed in their order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.seen.append((tag, dict(attrs)))
        if tag not in NO_END:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.seen]


def written(image: CatalogueImage, found: Findings | None = None, site: Site = SITE) -> dict[str, bytes]:
    return dict(image_pages(site, image, found, "" if found else "nobody looked"))


def every_page() -> Iterator[tuple[str, str]]:
    data = SearchData()
    images = list(many(3))
    for image, found in images:
        data.add(image, found)
        for path, content in image_pages(STATUS_SITE, image, found):
            if path.endswith(".html"):
                yield path, content.decode()
    yield "index.html", index_page(STATUS_SITE, data, 3).decode()
    yield "status.html", status_page(STATUS_SITE).decode()
    for path, content in list_pages(STATUS_SITE, [image for image, _ in images]):
        yield path, content.decode()


def status_of(image: CatalogueImage, state: str, platform: str = "linux/amd64") -> ImageStatus:
    return ImageStatus(
        image.name, image.series, image.suite, image.variant, platform, state, str(image.digest), 1, (), "why <b>"
    )


FIRST = one(0)[0]
STATUS = Status(
    (StatusColumn("3.15", "3.15.0"), StatusColumn("3.14", "3.14.1")),
    (StatusRow("forky", "Debian (forky)", unstable=True), StatusRow("trixie", "Debian (trixie)", unstable=False)),
    (
        status_of(FIRST, "checked"),
        status_of(replace(FIRST, digest=Digest.of(b"other")), "failed", "linux/386"),
        status_of(replace(FIRST, suite="trixie", digest=Digest.of(b"none")), "not attempted"),
    ),
)
STATUS_SITE = Site(
    Publication(title="A <b>site", maintainer="Me & you", links=(("repository", "https://git.example/x"),)),
    STATUS,
    {str(FIRST.digest): FIRST.page},
)


def test_pages_need_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    for path, text in every_page():
        seen = Page(text).seen
        assert not {tag for tag, _ in seen} & {"style", "img", "iframe", "object", "base", "embed"}, path
        for tag, attrs in seen:
            assert not [name for name in attrs if name.startswith("on") or name == "style"], (path, tag)
            if tag in ("script", "link"):
                assert not re.match(r"[a-z]+:|//", attrs.get("src") or attrs.get("href") or ""), path
        outside = [attrs["href"] for tag, attrs in seen if tag == "a" and "://" in (attrs["href"] or "")]
        assert set(outside) <= {"https://git.example/x"}, "only links that the configuration names"
        policies = [attrs["content"] for _, attrs in seen if attrs.get("http-equiv") == "Content-Security-Policy"]
        assert len(policies) == 1
        assert (policies[0] or "").startswith("default-src 'none'; ")
        assert "unsafe" not in (policies[0] or "")
        assert text.index("Content-Security-Policy") < text.index("<script")
    for path, content in assets():
        assert not re.search(
            rb"https?://(?!www\.w3\.org/2000/svg)|@import|url\(|fetch\(|innerHTML|eval\(", content
        ), path


def test_pages_can_be_read_aloud_and_walked_by_keyboard() -> None:
    for path, text in every_page():
        page = Page(text)
        tags = page.tags()
        assert dict(page.seen)["html"]["lang"] == "en"
        assert tags.count("h1") == tags.count("main") == tags.count("header") == tags.count("footer") == 1, path
        links = [attrs for tag, attrs in page.seen if tag == "a"]
        assert links[0] == {"class": "skip", "href": "#main"}
        identifiers = [attrs["id"] for _, attrs in page.seen if "id" in attrs]
        assert len(identifiers) == len(set(identifiers)), path
        named = [word for _, attrs in page.seen for word in (attrs.get("aria-labelledby") or "").split()]
        named += [attrs["for"] or "" for tag, attrs in page.seen if tag == "label" and "for" in attrs]
        anchors = [(attrs["href"] or "")[1:] for attrs in links if (attrs["href"] or "").startswith("#")]
        assert {*named, *anchors} <= set(identifiers), path
        assert tags.count("table") == tags.count("caption"), path
        assert all(attrs.get("scope") in ("col", "row") for tag, attrs in page.seen if tag == "th"), path
        assert all(attrs.get("aria-label") for tag, attrs in page.seen if tag == "nav"), path
        assert not [attrs for _, attrs in page.seen if int(attrs.get("tabindex") or 0) > 0], path
        levels = [int(tag[1]) for tag in tags if re.fullmatch(r"h[1-6]", tag)]
        assert all(after - before <= 1 for before, after in pairwise(levels)), path


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS, WORDS)
def test_what_an_image_says_never_becomes_markup(name: str, tag: str, package: str) -> None:
    image, found = one(1)
    plain_pages = written(image, found)
    shown = replace(
        image,
        name=name,
        tags=(tag, *image.tags),
        detail=package,
        series=tag,
        platform=name,
        pulls=(Pull(tag, (name,)),),
        sizes=(Sized(1, 1, image.digest, tag), Sized(2, 2, image.digest, name)),
        published=replace(image.published, labels=((name, tag),), command=(package,)),
    )
    rows = (Package("deb", package, name, tag, name, tag), *found.packages)
    stuffed = replace(found, packages=rows, distribution=name, python=tag)
    for path, content in written(shown, stuffed).items():
        if not path.endswith(".html"):
            continue
        seen = Page(content.decode())
        known = {each for each, _ in Page(plain_pages[path].decode()).seen}
        assert set(seen.tags()) <= known | {"dt", "dd", "div"}, path
        assert "\x1b" not in content.decode()
        for each, attrs in seen.seen:
            assert not [one for one in attrs if one.startswith("on")]
            if each == "a":
                assert re.match(r"[.#\w/-]", attrs["href"] or ""), attrs
                assert ":" not in (attrs["href"] or "").partition("#")[0], attrs
    data = SearchData()
    data.add(shown, stuffed)
    page = Page(index_page(SITE, data, 1).decode())
    assert page.tags().count("script") == 4
    list(list_pages(SITE, [shown]))
    for script in (data.images(), data.parts()):
        assert b"<" not in script
        assert script.isascii()
        assert load(script)


def load(script: bytes) -> dict[str, list[list[object]]]:
    """The data of a script."""
    text = script.decode("ascii")
    found = json.loads(re.sub(r"^self\.\w+=", "", text).removesuffix(";\n"))
    assert isinstance(found, dict)
    return found


def test_the_search_data_say_which_images_have_what() -> None:
    data = SearchData()
    for image, found in many(40):
        data.add(image, found)
    images = load(data.images())
    assert len(images["images"]) == 40
    first = images["images"][0]
    assert first[0] == "3.15.0-forky"
    assert images["series"][first[2]] == "3.15"  # type: ignore[call-overload] # a number of a list
    parts = load(data.parts())
    packages = {str(name): versions for name, versions in parts["packages"]}
    assert packages["lib000-forky"] == [["0.0-1", "0-19"]]
    assert packages["lib429-trixie"] == [["429.0-1", "20-24"]]
    digests = {str(name): ranges for name, ranges in parts["digests"]}
    assert digests[one(3)[0].published.image_id.hex[:24]] == "3"
    assert data.counts("suite") == {"forky": 20, "trixie": 20}


def test_ten_thousand_images_stay_small() -> None:
    """Bytes for each image are bounded, and more images do not make them more: generation is linear."""
    sizes = {}
    for number in (1000, 10_000):
        data = SearchData()
        rows = 0
        for image, found in many(number):
            data.add(image, found)
            rows += 1
        assert rows == number
        sizes[number] = (len(data.images()) / number, len(data.parts()) / number)
    assert sizes[10_000][0] < 260
    assert sizes[10_000][1] < 400, "packages are written once for all images that have them"
    assert sizes[10_000][0] < sizes[1000][0] * 1.05
    assert sizes[10_000][1] < sizes[1000][1] * 1.05


def test_the_first_page_does_not_grow_with_the_images() -> None:
    small, large = SearchData(), SearchData()
    for image, found in many(100):
        small.add(image, found)
    for image, found in many(10_000):
        large.add(image, found)
    assert len(index_page(SITE, large, 10_000)) < len(index_page(SITE, small, 100)) + 2000


def test_the_same_facts_give_the_same_bytes() -> None:
    assert dict(every_page()) == dict(every_page())


def test_an_image_that_nobody_looked_into_says_why() -> None:
    pages = written(FIRST)
    assert set(pages) == {FIRST.page}
    assert "What is in it is not shown: nobody looked" in pages[FIRST.page].decode()


def test_findings_are_remembered_whole() -> None:
    found = one(7)[1]
    assert Findings.decode(found.encode()) == found


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("3.13.15-slim-trixie", Kind("3.13", "slim", "trixie")),
        ("3.13.15-trixie", Kind("3.13", "full", "trixie")),
        ("3.14.0t-minimal-debug-trixie", Kind("3.14t", "minimal-debug", "trixie")),
        ("3.13.15-slim-trixie-20261120", Kind("3.13", "slim", "trixie")),
        ("3.13.15-slim-nowhere", Kind("3.13", "slim-nowhere", "other")),
        ("registry.example/team/python:3.13", None),
        ("latest", None),
    ],
)
def test_what_a_name_says(name: str, kind: Kind | None) -> None:
    assert kind_of(name, shipped_catalog()) == kind


def test_builds_of_one_kind_are_compared_whatever_their_release() -> None:
    catalog = shipped_catalog()
    lines = {line_of(name, "p", kind_of(name, catalog)) for name in ("3.13.14-slim-trixie", "3.13.15-slim-trixie")}
    assert lines == {"3.13 slim trixie p"}
    assert line_of("r.example/p:1.0", "p", None) == line_of("r.example/p:1.1", "p", None) == "r.example/p p"
    assert line_of("r.example:5000/p", "p", None) == "r.example:5000/p p"


def test_matrices_mark_only_what_has_a_record() -> None:
    table = whole(STATUS)
    assert [row.title for row in table.rows] == ["Debian (forky) (still changes)"]
    assert [(cell.text, cell.state) for cell in table.rows[0].cells] == [("✗", "failed")]
    assert table.columns == (("3.15", "3.15.0"),)
    own = of_series(FIRST, STATUS, STATUS_SITE.pages)
    assert own is not None
    assert [(cell.text, cell.own, cell.page) for cell in own.rows[0].cells] == [
        ("✓", True, FIRST.page),
        ("✗", False, ""),
    ]
    assert of_series(one(5)[0], STATUS, {}) is None


@given(st.lists(st.tuples(st.integers(0, 4_000_000_000), st.integers(0, 10**13)), max_size=30))
def test_sizes_lie_within_the_drawing(points: list[tuple[int, int]]) -> None:
    digest = Digest.of(b"")
    drawn = sizes_over_time([Sized(when, size, digest, "<n>") for when, size in sorted(points)], digest)
    if len(points) < 2:
        assert drawn == ""
        return
    places = re.findall(r'cx="([0-9.]+)" cy="([0-9.]+)"', drawn)
    assert len(places) == len(points)
    assert all(0 <= float(x) <= 720 and 0 <= float(y) <= 220 for x, y in places)
    assert "<n>" not in drawn
