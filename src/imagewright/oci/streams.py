# SPDX-License-Identifier: Apache-2.0
"""Streams made of pieces, and pieces that verify themselves."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

from imagewright.errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from imagewright.oci.descriptor import Descriptor
    from imagewright.oci.source import ImageSource

_BUFFER = 1 << 18


class PulledStream(io.RawIOBase):
    """A raw stream made of pieces; :meth:`_more` gives the next one, empty at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: object) -> int:
        """See :class:`io.RawIOBase`."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(self._more())
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _more(self) -> bytes:
        raise NotImplementedError


class _PieceStream(PulledStream):
    """Closing it ends the generator that the pieces come from."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces

    def _more(self) -> bytes:
        return next(self._pieces, b"")

    def close(self) -> None:
        super().close()
        end = getattr(self._pieces, "close", None)
        if end is not None:
            end()


def stream_of(pieces: Iterator[bytes], size: int = _BUFFER) -> io.BufferedReader:
    """Pieces as a readable stream with a buffer of ``size`` bytes; an empty one is the end."""
    return io.BufferedReader(_PieceStream(pieces), size)


def verified(
    pieces: Iterator[bytes], descriptor: Descriptor, told: Callable[[int], None] | None = None
) -> Iterator[bytes]:
    """The same pieces; the last one only if all of them are what the descriptor says, and nothing follows.

    ``told`` hears how many bytes came so far. Raises ``VerificationError``; then nothing of it is to be used.
    """
    state, count = hashlib.sha256(), 0
    for piece in pieces:
        if not piece:  # to a reader it would be the end
            continue
        state.update(piece)
        count += len(piece)
        last = count >= descriptor.size
        if last and (count > descriptor.size or any(pieces) or state.hexdigest() != descriptor.digest.hex):
            raise damaged(descriptor)
        if told is not None:
            told(count)
        yield piece
    if count != descriptor.size or state.hexdigest() != descriptor.digest.hex:
        raise damaged(descriptor)


def verified_stream(
    source: ImageSource, descriptor: Descriptor, told: Callable[[int], None] | None = None
) -> io.BufferedReader:
    """A blob of any place as a stream; see :func:`verified`."""
    return stream_of(verified(iter(source.pieces(descriptor)), descriptor, told))


def damaged(descriptor: Descriptor) -> VerificationError:
    """What is said of bytes that have another digest or size."""
    return VerificationError(
        f"refused blob {descriptor.digest}: its content is not what its digest says",
        hint="if it is in the store, `imagewright store fsck --repair` drops it and the next build makes it again",
    )
