# SPDX-License-Identifier: Apache-2.0
"""The Sources index of a suite (the Debian repository format; Debian Policy 5.4): which CPython it has.

Debian's ``.orig`` archive of CPython is the upstream file, byte for byte, and its SHA-256 is believed by the
suite's signature. A version that says it was repacked (``+dfsg``, ``+ds``, ``~repack``) is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imagewright.archives.debian.deb822 import MalformedError, Stanza, read_stanzas
from imagewright.archives.debian.version import parse_version
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

MAXIMUM_SOURCES = 200_000
"""Stanzas in one index; Debian's largest have about 40,000."""

MAXIMUM_FILES = 1_000
"""Files of one source package."""

_NAME = re.compile(r"python(\d)\.(\d{1,3})", re.ASCII)
_UPSTREAM = re.compile(r"(\d{1,3}\.\d{1,3}\.\d{1,3})(?:~?(a|b|rc)(\d{1,3}))?", re.ASCII)
_DIRECTORY = re.compile(r"pool(/[A-Za-z0-9+~_-][A-Za-z0-9+.~_-]*)+", re.ASCII)
_FILE = re.compile(r"([0-9a-f]{64})\s+([0-9]{1,12})\s+([A-Za-z0-9+.~_-]{1,200})", re.ASCII)
_WANTED = frozenset({"package", "version", "directory", "checksums-sha256"})
_PACKED = {"xz": "tar.xz", "gz": "tgz"}
LARGEST_SOURCE = 1 << 28
"""Bytes in one source archive."""


@dataclass(frozen=True, slots=True)
class DebianSource:
    """The source archive of one release as a suite has it.

    ``release`` is CPython's own number, ``version`` Debian's; ``path`` and ``signature`` are pool paths, the
    latter empty where no upstream signature is published; ``size`` in bytes; ``packed`` as python.org says it.
    """

    release: str
    version: str
    path: str
    size: int
    sha256: Digest
    packed: str
    signature: str = ""


def parse_sources(chunks: Iterable[bytes], archive: str) -> Iterator[DebianSource]:
    """Yield the releases of CPython in an index given decompressed, in pieces of any size.

    Raises ``VerificationError`` naming the line of the first thing that is wrong.
    """
    try:
        for count, stanza in enumerate(read_stanzas(chunks, wanted=_WANTED), 1):
            if count > MAXIMUM_SOURCES:
                raise MalformedError(stanza.line, f"more than {MAXIMUM_SOURCES} source packages")
            if _NAME.fullmatch(stanza.get("package")) and (found := _read(stanza)) is not None:
                yield found
    except MalformedError as error:
        raise VerificationError(f"the Sources index of {archive} cannot be read", why=str(error)) from None


def upstream_release(version: str) -> str:
    """CPython's number in a version of Debian's, ``3.15.0b3`` of ``3.15.0~b3-1``; "" if it is not upstream's file.

    Raises ``ValueError`` for what is no version.
    """
    match = _UPSTREAM.fullmatch(parse_version(version).upstream)
    return f"{match[1]}{match[2] or ''}{match[3] or ''}" if match else ""


def _read(stanza: Stanza) -> DebianSource | None:
    name, version = stanza.get("package"), stanza.get("version")
    try:
        release = upstream_release(version)
        files = {match[3]: match for match in _files(stanza.get("checksums-sha256"))}
    except ValueError as error:
        raise MalformedError(stanza.line, f"in {name}: {error}") from None
    directory = stanza.get("directory")
    if not _DIRECTORY.fullmatch(directory):
        raise MalformedError(stanza.line, f"in {name}: Directory is {directory[:200]!r}")
    if not release or not release.startswith(f"{name.removeprefix('python')}."):
        return None
    stem = f"{name}_{parse_version(version).upstream}.orig.tar"
    for suffix, packed in _PACKED.items():
        match = files.get(f"{stem}.{suffix}")
        if match is None:
            continue
        size = int(match[2])
        if size > LARGEST_SOURCE:
            raise MalformedError(stanza.line, f"in {name}: {match[3]} has {size} bytes")
        signature = f"{directory}/{match[3]}.asc" if f"{match[3]}.asc" in files else ""
        return DebianSource(release, version, f"{directory}/{match[3]}", size, Digest(match[1]), packed, signature)
    return None


def _files(section: str) -> Iterator[re.Match[str]]:
    rows = section.strip().split("\n") if section.strip() else []
    if len(rows) > MAXIMUM_FILES:
        raise ValueError(f"more than {MAXIMUM_FILES} files")
    for row in rows:
        match = _FILE.fullmatch(row.strip())
        if match is None:
            raise ValueError(f"Checksums-Sha256 lists {row.strip()[:160]!r}")
        yield match
