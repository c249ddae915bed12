# SPDX-License-Identifier: Apache-2.0
"""One project's page in a simple index: the HTML of PEP 503 (with 592, 629, 658) and the JSON of PEP 691 and 700.

https://packaging.python.org/en/latest/specifications/simple-repository-api/. Pure: bytes in, files out. A page is
not signed, so nothing in it is believed: a file counts only with the SHA-256 that a lock or a person's file names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

MAXIMUM_PAGE = 64 << 20
"""Bytes of one project's page; the largest projects have some tens of thousands of files."""

MAXIMUM_FILES = 100_000
"""Files of one project."""

_NAME = re.compile(r"([A-Z0-9]|[A-Z0-9][A-Z0-9._-]{0,200}[A-Z0-9])", re.ASCII | re.IGNORECASE)
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,250}", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One file of a project. ``size`` in bytes, 0 where the page does not tell; so may ``sha256`` be ``None``.

    ``requires_python`` is a version specifier (PEP 345) or empty; ``yanked`` says that it was withdrawn (PEP 592).
    """

    filename: str
    url: str
    sha256: Digest | None = None
    size: int = 0
    requires_python: str = ""
    yanked: bool = False


def normalised(name: str) -> str:
    """The one spelling of a project's name (PEP 503). Raises ``ValueError`` for what is no name (PEP 508)."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is not the name of a Python package")
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_page(data: bytes, url: str) -> tuple[IndexFile, ...]:
    """Read a project's page, which came from ``url``; JSON or HTML as it begins, in the page's order.

    Files with names that cannot be file names, or with addresses of other kinds, are left out. Raises
    :class:`VerificationError` for a page that cannot be read.
    """
    if len(data) > MAXIMUM_PAGE:
        raise _unreadable(url, f"more than {MAXIMUM_PAGE} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unreadable(url, "it is not UTF-8 text") from error
    found = _json(text, url) if text.lstrip()[:1] == "{" else _html(text, url)
    if len(found) > MAXIMUM_FILES:
        raise _unreadable(url, f"more than {MAXIMUM_FILES} files")
    schemes = {"http", "https", "file"} if url.startswith("file:") else {"http", "https"}
    return tuple(file for file in found if _FILENAME.fullmatch(file.filename) and _scheme(file.url) in schemes)


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def _unreadable(url: str, why: str) -> VerificationError:
    return VerificationError(f"cannot read the index page {url}", why=why)


def _json(text: str, url: str) -> list[IndexFile]:
    """PEP 691: a major version other than 1 must not be read."""
    try:
        page = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _unreadable(url, f"it is not JSON: {str(error)[:100]}") from error
    meta, files = page.get("meta"), page.get("files")
    version = meta.get("api-version") if isinstance(meta, Mapping) else None
    if not isinstance(version, str) or not version.startswith("1."):
        raise _unreadable(url, f"its version is {str(version)[:20]!r}; versions 1.x are understood")
    if not isinstance(files, list):
        raise _unreadable(url, "it lists no files")
    return [_json_file(entry, url) for entry in files if isinstance(entry, Mapping)]


def _json_file(entry: Mapping[str, Any], url: str) -> IndexFile:
    hashes = entry.get("hashes")
    size = entry.get("size")
    return IndexFile(
        filename=_word(entry.get("filename")),
        url=_joined(url, _word(entry.get("url"))),
        sha256=_digest(_word(hashes.get("sha256")) if isinstance(hashes, Mapping) else ""),
        size=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 1 << 40 else 0,
        requires_python=_word(entry.get("requires-python")),
        yanked=bool(entry.get("yanked")),
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _html(text: str, url: str) -> list[IndexFile]:
    page = _Page()
    try:
        page.feed(text)
        page.close()
    except AssertionError as error:  # html.parser's answer to some malformed declarations
        raise _unreadable(url, f"it is not HTML: {str(error)[:100]}") from error
    if page.version and not page.version.startswith("1."):
        raise _unreadable(url, f"its version is {page.version[:20]!r}; versions 1.x are understood")
    base = _joined(url, page.base) if page.base else url
    found = []
    for attributes in page.anchors:
        target, fragment = urldefrag(_joined(base, attributes.get("href") or ""))
        name, _, value = fragment.partition("=")
        found.append(
            IndexFile(
                filename=unquote(target.partition("?")[0].rpartition("/")[2]),
                url=target,
                sha256=_digest(value if name == "sha256" else ""),
                requires_python=attributes.get("data-requires-python") or "",
                yanked="data-yanked" in attributes,
            )
        )
    return found


class _Page(HTMLParser):
    """Gathers the links of a page, ``<base>``, and the version in ``<meta name="pypi:repository-version">``."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.anchors: list[Mapping[str, str | None]] = []
        self.base = ""
        self.version = ""

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href"):
            self.anchors.append(attributes)
        elif tag == "base" and not self.base:
            self.base = attributes.get("href") or ""
        elif tag == "meta" and attributes.get("name") == "pypi:repository-version":
            self.version = attributes.get("content") or ""


def _joined(base: str, target: str) -> str:
    """The address that a link means; empty for one that cannot be read."""
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return ""


def _digest(text: str) -> Digest | None:
    return Digest(text) if _SHA256.fullmatch(text) else None
