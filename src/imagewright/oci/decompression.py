# SPDX-License-Identifier: Apache-2.0
"""Layers decompressed as a stream: kind found by magic number, memory and total size bounded."""

from __future__ import annotations

import io
import zlib
from typing import BinaryIO

import zstandard

from imagewright.errors import VerificationError
from imagewright.oci.streams import PulledStream

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_INPUT = 1 << 18
_OUTPUT = 1 << 20
_ZSTD_STEP = 1 << 10
_WINDOW = 128 << 20
"""The largest window a zstd frame may ask for (RFC 8878, 3.1.1.1.2 recommends to support at least 8 MB)."""


def decompressed(stream: BinaryIO, *, maximum: int) -> io.BufferedReader:
    """The plain bytes of a gzip, zstd or plain stream, at most ``maximum``.

    Reading raises ``VerificationError`` for damaged, truncated or larger data.
    """
    head = _exactly(stream, len(_ZSTD))
    source: io.RawIOBase = _Joined(head, stream)
    if head.startswith(_GZIP):
        source = _Gunzip(source)
    elif head == _ZSTD:
        source = _Unzstd(source)
    return io.BufferedReader(_Bounded(source, maximum), _OUTPUT)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    found = b""
    while len(found) < count and (piece := stream.read(count - len(found))):
        found += piece
    return found


class _Joined(PulledStream):
    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._head = head
        self._stream = stream

    def _more(self) -> bytes:
        head, self._head = self._head, b""
        return head or self._stream.read(_INPUT)


class _Gunzip(PulledStream):
    """All members of a gzip stream, one after the other (RFC 1952, 2.2)."""

    def __init__(self, source: io.RawIOBase) -> None:
        super().__init__()
        self._source = source
        self._member = zlib.decompressobj(wbits=31)
        self._input = b""
        self._inside = False

    def _more(self) -> bytes:
        while True:
            if not self._input:
                self._input = self._source.read(_INPUT) or b""
                if not self._input:
                    if self._inside:
                        raise VerificationError("refused a layer: its gzip stream ends too early")
                    return b""
            self._inside = True
            try:
                output = self._member.decompress(self._input, _OUTPUT)
            except zlib.error as error:
                raise VerificationError("refused a layer: its gzip stream is damaged", why=str(error)) from error
            self._input = self._member.unconsumed_tail
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = zlib.decompressobj(wbits=31)
                self._inside = False
            if output:
                return output


class _Unzstd(PulledStream):
    """All frames of a zstd stream (RFC 8878, 3)."""

    def __init__(self, source: io.RawIOBase) -> None:
        super().__init__()
        self._source = source
        self._make = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
        self._frame = self._make.decompressobj()
        self._input = memoryview(b"")
        self._inside = False

    def _more(self) -> bytes:
        while True:
            if not self._input:
                self._input = memoryview(self._source.read(_INPUT) or b"")
                if not self._input:
                    if self._inside:
                        raise VerificationError("refused a layer: its zstd stream ends too early")
                    return b""
            self._inside = True
            # This object has no limit for its output, so its input is kept small: 128 KiB per 4 bytes at most.
            step, self._input = self._input[:_ZSTD_STEP], self._input[_ZSTD_STEP:]
            try:
                output = self._frame.decompress(step)
            except zstandard.ZstdError as error:
                raise VerificationError("refused a layer: its zstd stream is damaged", why=str(error)) from error
            if self._frame.eof:
                self._input = memoryview(bytes(self._frame.unused_data) + bytes(self._input))
                self._frame = self._make.decompressobj()
                self._inside = False
            if output:
                return output


class _Bounded(PulledStream):
    def __init__(self, source: io.RawIOBase, maximum: int) -> None:
        super().__init__()
        self._source = source
        self._left = maximum

    def _more(self) -> bytes:
        piece = self._source.read(_OUTPUT) or b""
        self._left -= len(piece)
        if self._left < 0:
            raise VerificationError("refused a layer: it is larger than allowed when decompressed")
        return piece
