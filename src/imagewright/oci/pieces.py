# SPDX-License-Identifier: Apache-2.0
"""Pieces that were compressed before and need not be again: a layer that is made anew is mostly what it was.

A compressed piece is a function of its bytes and of the method, which names kind, level and the library's version.
So what was written for the same bytes by the same method is what would be written now, and a layer is the same
whether its pieces are remembered or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from imagewright.model.ports import FoundPiece, PieceCache, WrittenPiece


@dataclass(frozen=True, slots=True)
class Packed:
    """A compressed piece, and where it was if it was compressed before."""

    written: WrittenPiece
    data: bytes
    found: FoundPiece | None = None


class Recorder:
    """Compresses the pieces of one layer, those that ``cache`` has not.

    Notes in ``written`` what came out, and in ``found`` where the last one of it was, if it was somewhere.
    """

    def __init__(self, cache: PieceCache) -> None:
        self._cache = cache
        self.written: list[WrittenPiece] = []
        self.found: FoundPiece | None = None

    def remembering(self, method: str, work: Callable[[bytes], bytes]) -> Callable[[bytes], Packed]:
        """``work`` for one piece, or what it gave before; for threads."""
        start = hashlib.sha256(f"{method}\0".encode())

        def recall(piece: bytes) -> Packed:
            state = start.copy()
            state.update(piece)
            key = state.digest()
            found = self._cache.get(key)
            if found is not None:
                return Packed(WrittenPiece(key, len(found.data), found.sha256), found.data, found)
            packed = work(piece)
            return Packed(WrittenPiece(key, len(packed), hashlib.sha256(packed).digest()), packed)

        return recall

    def note(self, packed: Packed) -> None:
        """A piece has its place in the layer now."""
        self.written.append(packed.written)
        self.found = packed.found
