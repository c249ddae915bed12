# SPDX-License-Identifier: Apache-2.0
"""Pages of a simple index: HTML and JSON alike, relative links, what is left out, what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.pypi import simple
from imagewright.archives.pypi.simple import IndexFile, normalised, parse_page
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

URL = "https://index.example/simple/demo/"
ONE, TWO = "1" * 64, "2" * 64
HTML = f"""<!DOCTYPE html>
<html><head><meta name="pypi:repository-version" content="1.3"><title>Links for demo</title></head><body>
<h1>Links for demo</h1>
<a href="../../files/demo-1.0-py3-none-any.whl#sha256={ONE}" data-requires-python="&gt;=3.9">demo</a><br/>
<a href="https://files.example/a%2Bb/demo-1.0%2Blocal.tar.gz?x=1#md5=00">demo</a>
<a href="/demo-2.0-py3-none-any.whl#sha256={TWO}" data-yanked="broken">x</a>
<a>no link</a> <a href="">empty</a> <a href="file:///etc/passwd">no</a> <a href="https://[bad/x.whl">no</a>
</body></html>
"""


def test_an_html_page_gives_its_files_in_order() -> None:
    assert parse_page(HTML.encode(), URL) == (
        IndexFile(
            "demo-1.0-py3-none-any.whl",
            "https://index.example/files/demo-1.0-py3-none-any.whl",
            Digest(ONE),
            requires_python=">=3.9",
        ),
        IndexFile("demo-1.0+local.tar.gz", "https://files.example/a%2Bb/demo-1.0%2Blocal.tar.gz?x=1"),
        IndexFile(
            "demo-2.0-py3-none-any.whl",
            "https://index.example/demo-2.0-py3-none-any.whl",
            Digest(TWO),
            yanked=True,
        ),
    )


def test_a_json_page_gives_sizes_too() -> None:
    page = {
        "meta": {"api-version": "1.1"},
        "name": "demo",
        "files": [
            {
                "filename": "demo-1.0-py3-none-any.whl",
                "url": "demo-1.0-py3-none-any.whl",
                "hashes": {"sha256": ONE},
                "size": 1234,
                "requires-python": ">=3.9",
                "yanked": False,
            },
            {"filename": "../evil.whl", "url": "x", "hashes": {}},
            {
                "filename": "demo-2.0.tar.gz",
                "url": "https://f.example/demo-2.0.tar.gz",
                "hashes": {"sha256": "short"},
            },
            {"filename": "demo-3.0.tar.gz", "url": "demo-3.0.tar.gz", "size": True, "yanked": "why not"},
            "not a table",
        ],
    }
    assert parse_page(json.dumps(page).encode(), URL) == (
        IndexFile("demo-1.0-py3-none-any.whl", f"{URL}demo-1.0-py3-none-any.whl", Digest(ONE), 1234, ">=3.9"),
        IndexFile("demo-2.0.tar.gz", "https://f.example/demo-2.0.tar.gz"),
        IndexFile("demo-3.0.tar.gz", f"{URL}demo-3.0.tar.gz", yanked=True),
    )


def test_links_are_relative_to_the_page_or_to_its_base() -> None:
    page = b'<base href="https://other.example/files/"><a href="demo-1.whl">x</a>'
    assert [file.url for file in parse_page(page, URL)] == ["https://other.example/files/demo-1.whl"]


def test_only_a_page_on_the_disk_may_lead_to_the_disk() -> None:
    page = b'<a href="file:///srv/demo-1.whl">x</a>'
    assert parse_page(page, URL) == ()
    assert parse_page(page, "file:///srv/simple/demo/index.html") == (
        IndexFile("demo-1.whl", "file:///srv/demo-1.whl"),
    )


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (b"\xff", "UTF-8"),
        (b"{", "JSON"),
        (b"{" * 100_000, "JSON"),
        (b"{}", "version"),
        (b'{"meta": {"api-version": "2.0"}, "files": []}', "'2.0'"),
        (b'{"meta": {"api-version": "1.0"}}', "lists no files"),
        (b'<meta name="pypi:repository-version" content="2.0">', "'2.0'"),
    ],
)
def test_a_page_that_cannot_be_read_is_refused(page: bytes, why: str) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_page(page, URL)
    assert why in caught.value.why


def test_what_a_page_may_hold_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple, "MAXIMUM_FILES", 3)
    with pytest.raises(VerificationError, match="index page"):
        parse_page(b'<a href="a.whl">' * 4, URL)
    monkeypatch.setattr(simple, "MAXIMUM_PAGE", 10)
    with pytest.raises(VerificationError, match="index page"):
        parse_page(HTML.encode(), URL)


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_are_a_page_or_refused(data: bytes) -> None:
    try:
        found = parse_page(data, URL)
    except VerificationError:
        return
    assert all("/" not in file.filename and file.url for file in found)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: (
            st.lists(x, max_size=4)
            | st.dictionaries(
                st.sampled_from(["meta", "files", "api-version", "filename", "url", "hashes", "1.0"]), x
            )
        ),
    )
)
def test_any_json_is_a_page_or_refused(value: object) -> None:
    for page in ({"meta": {"api-version": "1.0"}, "files": [value]}, {"meta": value, "files": value}):
        try:
            parse_page(json.dumps(page).encode(), URL)
        except VerificationError:
            continue


def test_names_have_one_spelling() -> None:
    assert normalised("Typing__Extensions.X") == "typing-extensions-x"
    for wrong in ("", "-a", "a-", "a/b", "a b", "ä", "a" * 300):
        with pytest.raises(ValueError, match="is not the name"):
            normalised(wrong)
