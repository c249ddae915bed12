# SPDX-License-Identifier: Apache-2.0
"""Whatever an image says of itself is text in a report: no terminal, no Markdown and no browser acts on it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from imagewright.cli.console import Paint
from imagewright.cli.contents import content
from imagewright.cli.differences import difference as shown_difference
from imagewright.cli.reports import published as shown
from imagewright.describe.contents_markdown import contents_markdown
from imagewright.describe.difference_markdown import difference_markdown
from imagewright.describe.history import instructions
from imagewright.describe.page import report_page
from imagewright.describe.published_markdown import published_markdown
from imagewright.describe.status_badges import svg
from imagewright.describe.status_text import markdown as status_markdown
from imagewright.describe.status_text import plain as status_plain
from imagewright.model.contents import (
    BinaryPackage,
    ContentFile,
    Contents,
    DirectoryNode,
    DirectorySize,
    InstalledPython,
    Interpreter,
    LayerContent,
    OwnedFiles,
    SourcePackage,
)
from imagewright.model.differences import (
    ChangedFile,
    ChangedFiles,
    ChangedSetting,
    ChangedVersion,
    ComparedImage,
    ComparedInterpreter,
    ComparedLayer,
    Difference,
    FileState,
)
from imagewright.model.digest import Digest
from imagewright.model.reports import (
    PublishedReport,
    Report,
    ReportedAttachment,
    ReportedImage,
    ReportedLayer,
    ReportedPlatform,
)
from imagewright.model.statuses import ImageStatus, State, Status, StatusColumn, StatusRow
from imagewright.oci.config import History

PAINT = Paint(enabled=False)
DIGEST = Digest.of(b"")
NASTY = [
    "<script>alert(1)</script>",
    "](javascript:x) [click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "\x1b[2J\x1b]0;owned\x07",
    "`` ``` ` | a | b |\n# heading\n- item",
    "```\n<img src=x onerror=y>\n````",
    "\u202egnp.exe \u2066x\u2069",
    "\r\nHTTP/1.1 200\r\n",
    "<https://evil.example> &amp; &#60;b&#62;",
    "\"'><svg onload=x>",
    "\x9b31m\x85\u2028",
    "  \t",
]
TEXT = st.sampled_from(NASTY) | st.text(max_size=30)
SIZES = st.integers(0, 1 << 40)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple)
WORDS = st.lists(TEXT, max_size=2).map(tuple)


def some(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(strategy, min_size=1, max_size=2).map(tuple)


HISTORY = st.builds(History, created=st.none() | st.just(0), created_by=TEXT, comment=TEXT)
IMAGES = st.builds(
    ReportedImage,
    platform=st.builds(ReportedPlatform, TEXT, TEXT, TEXT, TEXT),
    digest=st.just(DIGEST),
    media_type=TEXT,
    size=SIZES,
    image_id=st.just(DIGEST),
    created=st.integers(0, 1 << 33),
    docker_version=TEXT,
    entrypoint=WORDS,
    command=WORDS,
    shell=WORDS,
    settings=st.lists(st.tuples(st.sampled_from(["USER", "ONBUILD"]), TEXT), max_size=2).map(tuple),
    environment=PAIRS,
    labels=PAIRS,
    annotations=PAIRS,
    history=some(HISTORY).map(instructions),
    layers=some(st.builds(ReportedLayer, st.just(DIGEST), SIZES, TEXT, st.none() | st.just(0), WORDS)),
)
PUBLISHED = st.builds(
    PublishedReport,
    ref=TEXT,
    name=TEXT,
    pull=st.just("registry.example/team/python"),
    digest=st.just(DIGEST),
    media_type=TEXT,
    images=some(IMAGES),
    attachments=some(st.builds(ReportedAttachment, st.just(DIGEST), TEXT, TEXT, TEXT, SIZES)),
)
FILES = st.builds(ContentFile, TEXT, TEXT, st.just("4755"), SIZES, SIZES, SIZES, st.integers(1, 9), TEXT)
OWNED = some(st.builds(OwnedFiles, TEXT, SIZES, SIZES))
TREES = st.builds(DirectoryNode, TEXT, st.just(10), st.just((DirectoryNode("<b>", 6), DirectoryNode("\x1b", 4))))
CONTENTS = st.builds(
    Contents,
    platform=TEXT,
    digest=st.just(DIGEST),
    distribution=TEXT,
    files=SIZES,
    directories=SIZES,
    links=SIZES,
    size=SIZES,
    sources=some(
        st.builds(
            SourcePackage,
            TEXT,
            TEXT,
            some(st.builds(BinaryPackage, TEXT, TEXT, TEXT, SIZES)),
            WORDS,
            WORDS,
            TEXT.map("https://x.example/{}".format),
            TEXT,
            TEXT,
            WORDS.map(lambda words: tuple(f"http://x.example/{word}" for word in words)),
        )
    ),
    python_packages=some(st.builds(InstalledPython, TEXT, TEXT, TEXT, TEXT, TEXT, WORDS)),
    interpreters=some(st.builds(Interpreter, TEXT, TEXT, st.tuples(st.tuples(st.just("CFLAGS"), TEXT)), WORDS)),
    privileged=some(FILES),
    largest_files=some(FILES),
    largest_directories=some(st.builds(DirectorySize, TEXT, SIZES, SIZES)),
    owners=OWNED,
    users=OWNED,
    layers=some(st.builds(LayerContent, st.just(DIGEST), TEXT, SIZES, SIZES, SIZES, SIZES, TREES)),
)
STATES = st.builds(FileState, st.just("file"), st.just("0644"), st.just("0:0"), SIZES)
VERSIONS = some(st.builds(ChangedVersion, TEXT, TEXT, TEXT, TEXT, WORDS))
SETTINGS = some(st.builds(ChangedSetting, TEXT, TEXT, TEXT, WORDS, WORDS))
COMPARED = st.builds(ComparedImage, TEXT, TEXT, st.just(DIGEST), SIZES, SIZES, SIZES, SIZES)
CHANGED = some(st.builds(ChangedFile, TEXT, STATES, STATES))
DIFFERENCES = st.builds(
    Difference,
    before=COMPARED,
    after=COMPARED,
    identical=st.just(value=False),
    packages=VERSIONS,
    python_packages=VERSIONS,
    configuration=SETTINGS,
    interpreters=some(
        st.builds(
            ComparedInterpreter,
            TEXT,
            TEXT,
            st.tuples(st.builds(ChangedSetting, st.just("CFLAGS"), TEXT, TEXT, WORDS, WORDS)),
            WORDS,
            WORDS,
        )
    ),
    layers=some(st.builds(ComparedLayer, TEXT, SIZES, SIZES, st.booleans())),
    files=some(
        st.builds(
            ChangedFiles, TEXT, SIZES, SIZES, SIZES, SIZES, some(st.builds(ChangedFile, TEXT, STATES, STATES))
        )
    ),
)
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
QUICKLY = settings(max_examples=25, deadline=None, suppress_health_check=_SLOW)


def check_text(text: str) -> None:
    """No control characters but tabs and line ends, and nothing that turns the direction of text."""
    wrong = {sign for sign in text if unicodedata.category(sign) == "Cc" and sign not in "\t\n"}
    assert not wrong
    assert not {sign for sign in text if unicodedata.bidirectional(sign) in ("LRE", "RLE", "LRO", "RLO", "PDF")}
    assert not {sign for sign in text if unicodedata.bidirectional(sign) in ("LRI", "RLI", "FSI", "PDI")}


def check_terminal(lines: list[str]) -> None:
    check_text("\n".join(lines))
    assert not any("\n" in line for line in lines)


def check_markdown(text: str) -> None:
    """Only what reports write themselves is markup: no HTML, no pictures, and links to packages' own places."""
    check_text(text)
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    inline = [child for token in tokens for child in (token, *(token.children or ()))]
    assert not {token.type for token in inline} & {"html_block", "html_inline", "image"}
    links = [str(token.attrs["href"]) for token in inline if token.type == "link_open"]
    assert all(re.match(r"https?://x\.example/", link) for link in links), links


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets |= {value or "" for name, value in attrs if name == "href"}


KNOWN = frozenset(
    {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "nav",
        "ul",
        "li",
        "a",
        "h1",
        "h2",
        "h3",
        "h4",
        "p",
    }
    | {"code", "main", "section", "dl", "dt", "dd", "div", "svg", "desc", "g", "rect", "text", "table", "caption"}
    | {"thead", "tbody", "tr", "th", "td", "details", "summary", "strong", "span", "pre", "footer"}
)


@QUICKLY
@given(PUBLISHED, CONTENTS)
def test_reports(published: PublishedReport, contents: Contents) -> None:
    for width in (30, 80):
        check_terminal(shown(published, PAINT, width))
        check_terminal(content(published.name, contents, PAINT, width))
    check_markdown("\n".join(published_markdown(published)))
    check_markdown("\n".join(contents_markdown(published.name, contents)))
    page = report_page(Report(published.ref, published.name, DIGEST, published, (contents,)))
    check_text(page)
    reader = Tags()
    reader.feed(page)
    assert reader.seen <= KNOWN
    assert not any(name.startswith("on") for name in reader.attributes)
    assert all(target.startswith("#") for target in reader.targets)


@QUICKLY
@given(DIFFERENCES)
def test_differences(found: Difference) -> None:
    for width in (30, 80):
        check_terminal(shown_difference(found, PAINT, width))
    check_markdown("\n".join(difference_markdown(found)))
    check_markdown("\n".join(difference_markdown(replace(found, packages=(), files=()))))


@QUICKLY
@given(st.lists(TEXT, min_size=1, max_size=3), st.sampled_from(list(State)))
def test_statuses(details: list[str], state: State) -> None:
    images = tuple(
        ImageStatus("3.13.15-trixie", "3.13", "trixie", "full", "linux/amd64", state.value, "", 0, (), detail)
        for detail in details
    )
    status = Status(
        (StatusColumn("3.13", "3.13.15"),), (StatusRow("trixie", "Debian (trixie)", unstable=True),), images
    )
    check_terminal(status_plain(status, 80))
    check_markdown(status_markdown(status))
    check_text(svg(status))
    reader = Tags()
    reader.feed(svg(status))
    assert reader.seen <= {"svg", "title", "desc", "style", "rect", "path", "text"}
