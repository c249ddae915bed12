# SPDX-License-Identifier: Apache-2.0
"""A wheel that a release comes with is found on the indexes that were named, by name and by what it is."""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.app.archives import _wheel_requests
from imagewright.app.world import SystemClock, World
from imagewright.archives.download import FetchRequest
from imagewright.errors import FetchError, ImagewrightError
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.lock import LockedWheel

WHEEL = LockedWheel("wheel", "0.45.1", "wheel-0.45.1-py3-none-any.whl", 5, Digest("1" * 64))
WORLD = World(GlobalOptions(mirrors=(("pypi", "https://index.example/simple"),)), SystemClock(), 0o022)


class Pages:
    """A fetcher that knows one page."""

    def __init__(self, page: str) -> None:
        self.page = page

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        assert maximum > 0
        if url != "https://index.example/simple/wheel/":
            raise FetchError(f"cannot fetch {url}", why="status 404")
        yield self.page.encode()


def asked(page: str) -> tuple[list[FetchRequest], dict[Digest, ImagewrightError]]:
    failures: dict[Digest, ImagewrightError] = {}
    return list(_wheel_requests([WHEEL], WORLD, Pages(page), failures)), failures


def test_the_index_that_was_named_is_asked() -> None:
    requests, failures = asked(f'<a href="../../files/{WHEEL.filename}#sha256={"1" * 64}">x</a>')
    (request,) = requests
    assert request.urls == (f"https://index.example/files/{WHEEL.filename}",)
    assert (request.size, request.sha256) == (5, WHEEL.sha256)
    assert failures == {}


def test_another_file_of_the_same_name_is_not_taken() -> None:
    requests, failures = asked(f'<a href="{WHEEL.filename}#sha256={"2" * 64}">x</a>')
    assert requests == []
    assert "another SHA-256" in (failures[WHEEL.sha256].why or "")
