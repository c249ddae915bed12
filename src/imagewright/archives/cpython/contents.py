# SPDX-License-Identifier: Apache-2.0
"""What a source archive of CPython tells of itself: when its newest file was written, and what it brings along."""

from __future__ import annotations

import lzma
import tarfile
import zlib
from pathlib import Path

from imagewright.errors import VerificationError

MAXIMUM_ENTRIES = 100_000
"""Entries of one source archive; they have about 5,000."""

MAXIMUM_CONTENT = 2 << 30
"""Bytes of all its files; they come to about 150 million."""

MAXIMUM_BILL = 4 << 20
"""Bytes of the document about bundled libraries; it has about 70,000."""

_BILL = "Misc/sbom.spdx.json"
_LATEST = 1 << 32
"""Seconds since the epoch (the year 2106): a later time is nonsense."""


def newest_time(path: Path, subject: str) -> int:
    """The newest modification time of a file in a source archive, in seconds since the epoch.

    It becomes SOURCE_DATE_EPOCH of the build. Only headers are read and nothing is written. Raises
    ``VerificationError`` for what is no such archive, or beyond the bounds.
    """
    newest = size = 0
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for count, member in enumerate(archive, 1):
                size += member.size
                if count > MAXIMUM_ENTRIES or size > MAXIMUM_CONTENT:
                    raise VerificationError(f"{subject} holds more than a source archive of CPython could")
                if member.isfile() and 0 <= member.mtime < _LATEST:
                    newest = max(newest, int(member.mtime))
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise VerificationError(f"{subject} cannot be read", why=str(error)[:200]) from None
    if not newest:
        raise VerificationError(f"{subject} holds no file")
    return newest


def bundled_bill(path: Path, subject: str) -> bytes | None:
    """The document in a source archive that names the libraries in it (SPDX 2.3); ``None`` before 3.12.

    Raises ``VerificationError`` for what is no such archive, or beyond the bounds.
    """
    size = 0
    try:
        with tarfile.open(path, mode="r|*") as archive:
            for count, member in enumerate(archive, 1):
                size += member.size
                if count > MAXIMUM_ENTRIES or size > MAXIMUM_CONTENT:
                    raise VerificationError(f"{subject} holds more than a source archive of CPython could")
                if member.isfile() and member.name.partition("/")[2] == _BILL:
                    if member.size > MAXIMUM_BILL:
                        raise VerificationError(f"{subject}: {_BILL} is larger than {MAXIMUM_BILL} bytes")
                    content = archive.extractfile(member)
                    assert content is not None, "a regular file has content"
                    return content.read()
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise VerificationError(f"{subject} cannot be read", why=str(error)[:200]) from None
    return None
