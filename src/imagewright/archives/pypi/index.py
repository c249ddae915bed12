# SPDX-License-Identifier: Apache-2.0
"""Python package indexes over the network: what files a project has, and where one that is pinned can be had."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from imagewright.archives.fetch import shown
from imagewright.archives.pypi.simple import MAXIMUM_PAGE, IndexFile, normalised, parse_page
from imagewright.errors import FetchError, ImagewrightError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.ports import Fetcher

ROLE = "pypi"
"""The role of Python package indexes among mirrors: addresses of the simple API (PEP 503), ``…/simple``."""

MAXIMUM_FILE = 1 << 30
"""Bytes of one file whose size the index does not tell."""


class SimpleIndex:
    """Indexes in the order to ask; pages are read once. Safe for threads.

    Because a file counts only with its SHA-256, all indexes are equal: none can put another file in the place of
    one that is pinned.
    """

    def __init__(self, addresses: Sequence[str], fetcher: Fetcher) -> None:
        self._addresses = tuple(addresses)
        self._fetcher = fetcher
        self._guard = threading.Lock()
        self._pages: dict[str, tuple[IndexFile, ...]] = {}

    def files(self, project: str) -> tuple[IndexFile, ...]:
        """Every file of a project, of all indexes that know it, the first one's first.

        Raises ``ValueError`` for what is no project's name, ``FetchError`` where no index has it, and
        ``VerificationError`` where a page cannot be read.
        """
        name = normalised(project)
        with self._guard:
            if name not in self._pages:
                self._pages[name] = self._read(name)
            return self._pages[name]

    def find(self, project: str, filename: str, sha256: Digest) -> tuple[str, ...]:
        """The addresses of one file with these bytes, as far as pages tell; those without a hash come last.

        Whoever fetches compares the digest. Raises as :meth:`files`, and ``FetchError`` where none has it.
        """
        files = [file for file in self.files(project) if file.filename == filename]
        sure = [file.url for file in files if file.sha256 == sha256]
        unsure = [file.url for file in files if file.sha256 is None]
        if not files or not (sure or unsure):
            raise FetchError(
                f"no index has {filename} as it was pinned",
                why="it is there with another SHA-256"
                if files
                else f"{normalised(project)} has no such file there",
                hint=f"name another index with --mirror {ROLE}=URL, or pin a file that is there",
                details={"filename": filename, "sha256": str(sha256)},
            )
        return tuple(dict.fromkeys((*sure, *unsure)))

    def _read(self, name: str) -> tuple[IndexFile, ...]:
        found: list[IndexFile] = []
        failures: list[ImagewrightError] = []
        for address in self._addresses:
            url = page_url(address, name)
            try:
                data = b"".join(self._fetcher.stream(url, maximum=MAXIMUM_PAGE))
                found += parse_page(data, url)
            except (FetchError, VerificationError) as error:
                failures.append(error)
        if not self._addresses:
            raise FetchError(
                f"no Python package index is known, and {name} is wanted",
                hint=f"give one with --mirror {ROLE}=URL, or under [mirrors] in imagewright.toml",
            )
        if len(failures) == len(self._addresses):
            raise self._failure(name, failures)
        return tuple(found)

    def _failure(self, name: str, failures: Sequence[ImagewrightError]) -> ImagewrightError:
        """One error for all indexes; a page that was wrong comes before one that was not there."""
        reasons = (
            f"{shown(address)}: {error.why or error.message}"
            for address, error in zip(self._addresses, failures, strict=True)
        )
        wrong = [error for error in failures if isinstance(error, VerificationError)]
        return type((wrong or failures)[0])(
            f"no Python package index has {name}",
            why="; ".join(reasons),
            hint=next(
                (error.hint for error in failures if error.hint), f"name another index with --mirror {ROLE}=URL"
            ),
        )


def page_url(address: str, name: str) -> str:
    """The address of a project's page; a directory on a disk has ``index.html`` in the place of a server."""
    page = f"{address.rstrip('/')}/{name}/"
    return f"{page}index.html" if address.startswith("file:") else page
