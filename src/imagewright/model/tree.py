# SPDX-License-Identifier: Apache-2.0
"""What a file is, wherever it comes from: a Debian package, a directory, a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO


class Kind(StrEnum):
    """Type of an entry in a file tree."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    HARDLINK = "hardlink"
    CHARACTER = "character"
    BLOCK = "block"
    FIFO = "fifo"


TYPEFLAGS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"7": Kind.FILE,
    b"1": Kind.HARDLINK,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER,
    b"4": Kind.BLOCK,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
"""What the ``typeflag`` of a tar header means (POSIX pax, "ustar Interchange Format"); 0 byte and 7 as 0."""

XATTR_RECORD = "SCHILY.xattr."
"""Begins the keyword of an extended header's record that holds an extended attribute (star, GNU tar)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file tree.

    ``path`` is relative, without ``./`` or a slash at either end (the root itself is ``""``); ``mode`` holds
    the twelve permission bits; ``mtime`` is in whole seconds since the epoch; ``size`` in bytes, 0 unless a
    regular file; ``link`` is a symlink's text or a hard link's path in the same tree; ``xattrs`` are sorted.
    ``records`` are PAX records of other vendors, sorted by name: what Windows knows of a file, for instance.
    """

    path: str
    kind: Kind
    mode: int
    uid: int = 0
    gid: int = 0
    mtime: int = 0
    size: int = 0
    link: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[str, bytes], ...] = ()
    records: tuple[tuple[str, bytes], ...] = ()


Content = BinaryIO | None
"""A regular file's bytes, readable once, before the next entry is asked for; ``None`` for other kinds."""

EntryStream = Iterator[tuple[Entry, Content]]
EntrySource = Iterable[tuple[Entry, Content]]
