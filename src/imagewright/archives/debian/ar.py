# SPDX-License-Identifier: Apache-2.0
"""The outer archive of a .deb: "common" ar as deb(5) restricts it. One pass, nothing kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from imagewright.errors import VerificationError

_MAGIC = b"!<arch>\n"
_HEADER = 60
_END = b"`\n"
_READ = 1 << 18


@dataclass(frozen=True, slots=True)
class ArMember:
    """One member: its name without a trailing slash, its size in bytes, and its bytes, readable once."""

    name: str
    size: int
    content: Part


class Part:
    """A bounded piece of a file, read forward once."""

    def __init__(self, file: BinaryIO, size: int, label: str) -> None:
        self._file = file
        self._label = label
        self.left = size

    def read(self, size: int = -1) -> bytes:
        """Up to ``size`` bytes, empty at the end. Raises :class:`VerificationError` if the file ends early."""
        wanted = self.left if size < 0 else min(size, self.left)
        if not wanted:
            return b""
        data = self._file.read(wanted)
        if not data:
            raise VerificationError(f"{self._label} is cut short", why="the file ends inside a member")
        self.left -= len(data)
        return data

    def skip(self) -> None:
        """Read and drop what is left."""
        while self.read(_READ):
            pass


def read_ar(file: BinaryIO, label: str, *, maximum_members: int = 16) -> Iterator[ArMember]:
    """Yield the members in order; each one's content must be read before the next is asked for.

    ``label`` names the file in errors. Raises :class:`VerificationError` for anything deb(5) does not allow:
    a bad size, a name that is empty or not plain ASCII, missing padding, bytes after the last member.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        raise VerificationError(f"{label} is not a Debian package", why="it does not begin like an ar archive")
    count = 0
    while header := _exactly(file, _HEADER, label):
        count += 1
        if count > maximum_members:
            raise VerificationError(f"{label} has more than {maximum_members} members")
        name, size = _parse(header, label)
        content = Part(file, size, label)
        yield ArMember(name, size, content)
        content.skip()
        if size % 2 and file.read(1) not in (b"\n", b""):
            raise VerificationError(f"{label}: member {name} is not padded to an even size")


def _exactly(file: BinaryIO, size: int, label: str) -> bytes:
    data = b""
    while len(data) < size:
        piece = file.read(size - len(data))
        if not piece:
            break
        data += piece
    if data and len(data) < size:
        raise VerificationError(f"{label} is cut short", why="the file ends inside a member's header")
    return data


def _parse(header: bytes, label: str) -> tuple[str, int]:
    if header[58:60] != _END:
        raise VerificationError(f"{label}: a member's header is damaged")
    raw_name = header[:16].rstrip(b" ").removesuffix(b"/")
    digits = header[48:58].rstrip(b" ")
    if not raw_name or not raw_name.isascii() or not raw_name.decode().isprintable() or b"/" in raw_name:
        raise VerificationError(f"{label}: a member has no proper name: {raw_name!r}")
    if not digits.isdigit():
        raise VerificationError(f"{label}: member {raw_name.decode()} has no proper size: {digits!r}")
    return raw_name.decode(), int(digits)
