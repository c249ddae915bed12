# SPDX-License-Identifier: Apache-2.0
"""A blob of any place as a stream that verifies itself."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable

from imagewright.errors import VerificationError
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.source import ImageSource

_BUFFER = 1 << 18


def verified_stream(
    source: ImageSource, descriptor: Descriptor, told: Callable[[int], None] | None = None
) -> io.BufferedReader:
    """The blob's bytes; ``told`` hears how many were read so far.

    Reading the end raises ``VerificationError`` unless all of it was what the descriptor says: what was read is
    only to be used after that.
    """
    return io.BufferedReader(_Verified(source, descriptor, told), _BUFFER)


class _Verified(io.RawIOBase):
    def __init__(self, source: ImageSource, descriptor: Descriptor, told: Callable[[int], None] | None) -> None:
        super().__init__()
        self._pieces = iter(source.pieces(descriptor))
        self._descriptor = descriptor
        self._told = told
        self._rest = memoryview(b"")
        self._state = hashlib.sha256()
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
            self._take()
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _take(self) -> None:
        """Count and hash a new piece; an empty one is the end."""
        self._count += len(self._rest)
        self._state.update(self._rest)
        wanted = self._descriptor
        whole = self._count == wanted.size and self._state.hexdigest() == wanted.digest.hex
        if self._count > wanted.size or (not self._rest and not whole):
            raise VerificationError(f"refused {wanted.digest}: its content is not what its digest says")
        if self._rest and self._told is not None:
            self._told(self._count)
