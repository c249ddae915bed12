# SPDX-License-Identifier: Apache-2.0
"""What python.org says of its releases: the JSON API, and the directory listings of its download server.

Pure: bytes in, typed objects out. All of it is a claim, believed by nobody yet; so addresses in it are never
fetched (only file names are read), and digests in it become pins only together with evidence
(:mod:`imagewright.planning.releases`).

Sources: ``downloads/models.py`` and ``downloads/serializers.py`` of python.org's own site (python/pythondotorg);
a listing is nginx's autoindex, an HTML page of links.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urlsplit

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

MAXIMUM_DOCUMENT = 16 << 20
"""Bytes in one answer of the API; the list of all releases has well below one million."""

MAXIMUM_ITEMS = 20_000
"""Releases in the list, or links in a directory; python.org has a few hundred of each."""

RELEASES = "api/v2/downloads/release/?is_published=true"
"""Path of the list of releases, below the address of the role ``python``."""

FILES = "api/v2/downloads/release_file/?release={number}"
"""Path of the list of one release's files."""

TREE = "ftp/python"
"""Path of the download server's directories, one for each final release number."""

LARGEST_SOURCE = 1 << 28
"""Bytes in one source archive; they have about 25 million."""

_RELEASE_NAME = re.compile(r"Python (\d{1,3}\.\d{1,3}\.\d{1,3}(?:(?:a|b|rc)\d{1,3})?)", re.ASCII)
_NUMBER = re.compile(r"/(?:api/v2/)?downloads/release/(\d{1,9})/?", re.ASCII)
_SOURCE = re.compile(r"Python-(\d[0-9a-z.]{0,30})\.(tar\.xz|tgz)", re.ASCII)
_DIRECTORY = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})/", re.ASCII)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)
_LINK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,120}/?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """One release of the API. ``number`` is what its files are asked for by; ``date`` in UTC."""

    version: str
    number: int
    prerelease: bool
    date: datetime


@dataclass(frozen=True, slots=True)
class PublishedSource:
    """A release's source archive.

    ``packed`` is ``tar.xz`` or ``tgz``; ``size`` in bytes, 0 where nobody says; ``sha256`` where somebody says.
    ``signed`` says whether there is an OpenPGP signature beside it, ``bundle`` whether a Sigstore bundle.
    """

    filename: str
    version: str
    packed: str
    size: int = 0
    sha256: Digest | None = None
    signed: bool = False
    bundle: bool = False


def parse_releases(data: bytes, subject: str) -> tuple[PublishedRelease, ...]:
    """Read the list of releases: those of CPython that are published. Raises ``VerificationError``.

    Other things are listed too (the install manager, releases before 2.0 in another form); they are passed over.
    """
    found: dict[str, PublishedRelease] = {}
    for item in _items(data, subject):
        match = _RELEASE_NAME.fullmatch(_text(item, "name"))
        number = _NUMBER.search(_path(_text(item, "resource_uri")))
        if match is None or number is None or item.get("is_published") is not True:
            continue
        try:
            date = datetime.fromisoformat(_text(item, "release_date"))
        except ValueError:
            raise _wrong(subject, f"the date of {match[1]} is {_text(item, 'release_date')[:40]!r}") from None
        moment = date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
        one = PublishedRelease(match[1], int(number[1]), item.get("pre_release") is True, moment)
        if found.setdefault(one.version, one) != one:
            raise _wrong(subject, f"it lists {one.version} twice, differently")
    return tuple(found.values())


def parse_files(data: bytes, version: str, subject: str) -> PublishedSource | None:
    """Read the list of one release's files: its source archive, ``tar.xz`` before ``tgz``; ``None`` if none.

    Raises ``VerificationError``.
    """
    found: dict[str, PublishedSource] = {}
    for item in _items(data, subject):
        name = _last(_text(item, "url"))
        match = _SOURCE.fullmatch(name)
        if match is None or match[1] != version or item.get("is_source") is not True:
            continue
        size = item.get("filesize")
        if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= LARGEST_SOURCE:
            raise _wrong(subject, f"the size of {name} is {str(size)[:40]}")
        found[match[2]] = PublishedSource(
            filename=name,
            version=version,
            packed=match[2],
            size=size,
            sha256=_digest(_text(item, "sha256_sum"), name, subject),
            signed=_last(_text(item, "gpg_signature_file")) == f"{name}.asc",
            bundle=_last(_text(item, "sigstore_bundle_file")) == f"{name}.sigstore",
        )
    return found.get("tar.xz") or found.get("tgz")


def parse_listing(data: bytes, subject: str) -> tuple[str, ...]:
    """The names a directory listing links to, in its order; directories end with ``/``.

    What leads out of the directory is passed over. Raises ``VerificationError``.
    """
    _bounded(data, subject)
    links = _Links()
    try:
        links.feed(data.decode("utf-8", "replace"))
        links.close()
    except (AssertionError, ValueError) as error:
        raise _wrong(subject, str(error)[:200]) from None
    names = dict.fromkeys(name for link in links.found if _LINK.fullmatch(name := unquote(link)))
    return tuple(names)


def listed_directories(names: tuple[str, ...]) -> tuple[str, ...]:
    """Of a listing of :data:`TREE`, the final release numbers there are directories for."""
    return tuple(match[1] for name in names if (match := _DIRECTORY.fullmatch(name)))


def listed_sources(names: tuple[str, ...]) -> tuple[PublishedSource, ...]:
    """Of a listing of one release number's directory, the source archives: ``tar.xz``, else ``tgz``."""
    there = frozenset(names)
    found: dict[str, PublishedSource] = {}
    for name in sorted(there):  # Python-3.15.0.tar.xz before Python-3.15.0.tgz
        match = _SOURCE.fullmatch(name)
        if match is not None and match[1] not in found:
            found[match[1]] = PublishedSource(
                filename=name,
                version=match[1],
                packed=match[2],
                signed=f"{name}.asc" in there,
                bundle=f"{name}.sigstore" in there,
            )
    return tuple(found.values())


class _Links(HTMLParser):
    """Collects what ``<a href>`` leads to."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and len(self.found) < MAXIMUM_ITEMS:
            self.found += [value for name, value in attrs if name == "href" and value]


def _items(data: bytes, subject: str) -> Iterator[dict[str, Any]]:
    _bounded(data, subject)
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _wrong(subject, f"it is not JSON: {str(error)[:120]}") from None
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise _wrong(subject, "it is not a list of objects")
    if len(document) > MAXIMUM_ITEMS:
        raise _wrong(subject, f"it lists more than {MAXIMUM_ITEMS} things")
    yield from document


def _bounded(data: bytes, subject: str) -> None:
    if len(data) > MAXIMUM_DOCUMENT:
        raise _wrong(subject, f"it has more than {MAXIMUM_DOCUMENT} bytes")


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


def _path(url: str) -> str:
    """The path of an address, or nothing for what is no address."""
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _last(url: str) -> str:
    return _path(url).rpartition("/")[2]


def _digest(text: str, name: str, subject: str) -> Digest | None:
    if not text:
        return None
    if not _SHA256.fullmatch(text):
        raise _wrong(subject, f"the SHA-256 of {name} is {text[:80]!r}")
    return Digest(text.lower())


def _wrong(subject: str, why: str) -> VerificationError:
    return VerificationError(
        f"{subject} cannot be read", why=why, hint="it changed its form, or another server answered: try again"
    )
