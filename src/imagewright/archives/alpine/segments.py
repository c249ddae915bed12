# SPDX-License-Identifier: Apache-2.0
"""Files of Alpine's are gzip members one after the other, each with a meaning of its own (apk-v2(5)).

A :class:`Segments` hands them out one by one, decompressed, and keeps the digests of their compressed bytes,
which is what signatures and checksums are about.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from typing import BinaryIO

from imagewright.errors import VerificationError

_READ = 1 << 18
_END_OF_TAR = bytes(1024)
_VERSION_3 = b"ADB"


class Segments:
    """The gzip members of a file that is read forward once."""

    def __init__(self, file: BinaryIO, label: str) -> None:
        self._file = file
        self._label = label
        self._rest = b""

    def more(self) -> bool:
        """Whether anything follows."""
        self._rest = self._rest or self._file.read(_READ)
        return bool(self._rest)

    def next(self, hashes: tuple[str, ...] = (), *, everything: bool = False) -> Segment:
        """The next member, with the digests of its compressed bytes by these algorithms; or ``everything`` left.

        Raises :class:`VerificationError` where nothing is left.
        """
        if not self.more():
            raise VerificationError(f"{self._label} is cut short", why="one of its parts is missing")
        if self._rest.startswith(_VERSION_3):
            raise VerificationError(
                f"{self._label} is in the format of apk 3, which is not read yet",
                why="it begins with ADB (apk-v3(5)); Alpine's archives are in that of apk 2",
            )
        return Segment(self, self._label, hashes, everything=everything)

    def raw(self) -> bytes:
        """A piece of compressed data; empty at the end."""
        piece, self._rest = self._rest or self._file.read(_READ), b""
        return piece

    def put_back(self, data: bytes) -> None:
        """What was read and belongs to the next member."""
        self._rest = data + self._rest


class Segment:
    """One member (or several, where all that is left was asked for): :meth:`read` gives decompressed bytes."""

    def __init__(self, source: Segments, label: str, hashes: tuple[str, ...], *, everything: bool) -> None:
        self._source = source
        self._label = label
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in hashes}
        self._everything = everything
        self._state = zlib.decompressobj(wbits=31)
        self._full = False
        self._done = False

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end. Raises :class:`VerificationError` for damaged data."""
        while not self._done:
            piece = b""
            if not self._state.unconsumed_tail and not self._full:
                piece = self._source.raw()
                if not piece:
                    raise VerificationError(f"{self._label} is cut short", why="compressed data ends too early")
            given = self._state.unconsumed_tail + piece
            try:
                data = self._state.decompress(given, size)
            except zlib.error as error:
                raise VerificationError(f"{self._label} is damaged", why=str(error)) from error
            self._full = len(data) == size
            left = self._state.unused_data if self._state.eof else self._state.unconsumed_tail
            for state in self._hashes.values():
                state.update(given[: len(given) - len(left)])
            if self._state.eof:
                self._source.put_back(left)
                self._full = False
                self._done = not (self._everything and self._source.more())
                self._state = zlib.decompressobj(wbits=31)
            if data:
                return data
        return b""

    def tar(self) -> Callable[[int], bytes]:
        """As :meth:`read`, with an archive's end after it: all but the last member of a file are cut before it."""
        ends = [_END_OF_TAR]

        def read(size: int) -> bytes:
            return self.read(size) or (ends.pop() if ends else b"")

        return read

    def drain(self) -> None:
        """Go to the end."""
        while self.read(_READ):
            pass

    def digest(self, name: str) -> bytes:
        """The digest of the compressed bytes. Only right at the end."""
        return self._hashes[name].digest()
