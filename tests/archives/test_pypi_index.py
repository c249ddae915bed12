# SPDX-License-Identifier: Apache-2.0
"""Several indexes as one, errors that name all of them, and what the machine's pip says about itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from imagewright.archives.pypi.index import SimpleIndex, page_url
from imagewright.archives.pypi.machine import configured_indexes, default_index, has_index
from imagewright.errors import FetchError, OfflineError, VerificationError
from imagewright.model.digest import Digest

ONE, TWO = Digest("1" * 64), Digest("2" * 64)


class Pages:
    """A fetcher over a dictionary."""

    def __init__(self, **pages: bytes | Exception) -> None:
        self.pages = {f"https://{name}.example/simple/demo-x/": page for name, page in pages.items()}
        self.asked: list[str] = []

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        assert maximum > 0
        self.asked.append(url)
        page = self.pages.get(url, FetchError(f"cannot fetch {url}", why="status 404"))
        if isinstance(page, Exception):
            raise page
        yield page


def index(pages: Pages) -> SimpleIndex:
    return SimpleIndex(("https://a.example/simple/", "https://b.example/simple"), pages)


def link(name: str, digest: Digest | None) -> bytes:
    fragment = f"#sha256={digest.hex}" if digest else ""
    return f'<a href="{name}{fragment}">x</a>'.encode()


def test_files_of_all_indexes_and_each_page_is_read_once() -> None:
    pages = Pages(a=link("demo_x-1.whl", ONE), b=link("demo_x-2.whl", TWO))
    both = index(pages)
    assert [file.filename for file in both.files("Demo.X")] == ["demo_x-1.whl", "demo_x-2.whl"]
    assert both.files("demo-x") == both.files("demo_x")
    assert pages.asked == ["https://a.example/simple/demo-x/", "https://b.example/simple/demo-x/"]


def test_a_pinned_file_is_found_by_its_hash_wherever_it_is() -> None:
    pages = Pages(
        a=link("demo_x-1.whl", TWO) + link("demo_x-1.whl", None),
        b=link("demo_x-1.whl", ONE) + link("other.whl", ONE),
    )
    assert index(pages).find("demo-x", "demo_x-1.whl", ONE) == (
        "https://b.example/simple/demo-x/demo_x-1.whl",
        "https://a.example/simple/demo-x/demo_x-1.whl",
    )
    with pytest.raises(FetchError) as caught:
        index(Pages(a=link("demo_x-1.whl", TWO))).find("demo-x", "demo_x-1.whl", ONE)
    assert "another SHA-256" in caught.value.why
    with pytest.raises(FetchError) as caught:
        index(pages).find("demo-x", "demo_x-3.whl", ONE)
    assert "no such file" in caught.value.why


def test_one_index_that_fails_does_not_matter_and_all_are_named_if_all_do() -> None:
    assert len(index(Pages(b=link("x.whl", ONE))).files("demo-x")) == 1
    with pytest.raises(FetchError) as caught:
        index(Pages()).files("demo-x")
    assert "a.example" in caught.value.why
    assert "b.example" in caught.value.why
    with pytest.raises(VerificationError):
        index(Pages(b=b"\xff")).files("demo-x")
    with pytest.raises(OfflineError):
        index(Pages(a=OfflineError("x"), b=OfflineError("x"))).files("demo-x")


def test_no_index_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(FetchError) as caught:
        SimpleIndex((), Pages()).files("demo-x")
    assert "--mirror pypi=URL" in caught.value.hint


def test_a_directory_on_the_disk_has_pages_by_name() -> None:
    assert page_url("file:///srv/simple/", "demo") == "file:///srv/simple/demo/index.html"


LISTING = """\
:env:.timeout='180'
global.extra-index-url='file:///srv/one/simple https://two.example/simple/'
global.index-url='https://global.example/simple'
install.index-url="https://install.example/simple/"
not a line
global.broken='
"""


def test_pip_tells_what_it_is_configured_to() -> None:
    assert configured_indexes(LISTING) == (
        "https://install.example/simple",
        "file:///srv/one/simple",
        "https://two.example/simple",
    )
    assert configured_indexes(f"{LISTING}:env:.index-url='https://env.example/simple'")[0] == (
        "https://env.example/simple"
    )
    assert has_index(LISTING)
    assert configured_indexes("") == ()
    assert not has_index("global.extra-index-url='https://two.example/simple'")


def test_pips_own_default_is_in_its_help() -> None:
    text = """
  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://default.example/simple). This should point to a
  --extra-index-url <url>     Extra URLs (default https://no.example/simple)
"""
    assert default_index(text) == "https://default.example/simple"
    assert default_index(text.replace("https://default", "https://user:****@default")) == ""
    assert default_index("nothing") == ""
