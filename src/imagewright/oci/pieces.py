# SPDX-License-Identifier: Apache-2.0
"""Pieces that were compressed before and need not be again: a layer that is made anew is mostly what it was.

A compressed piece is a function of its bytes and of the method, which names kind, level and the library's version.
So what was written for the same bytes by the same method is what would be written now, and a layer is the same
whether its pieces are remembered or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from imagewright.model.ports import PieceCache, WrittenPiece


class Recorder:
    """Compresses the pieces of one layer, those that ``cache`` has not; notes in ``written`` what came out."""

    def __init__(self, cache: PieceCache) -> None:
        self._cache = cache
        self.written: list[WrittenPiece] = []

    def remembering(
        self, method: str, work: Callable[[bytes], bytes]
    ) -> Callable[[bytes], tuple[WrittenPiece, bytes]]:
        """``work`` for one piece, or what it gave before; for threads."""
        start = hashlib.sha256(f"{method}\0".encode())

        def recall(piece: bytes) -> tuple[WrittenPiece, bytes]:
            state = start.copy()
            state.update(piece)
            key = state.digest()
            packed = self._cache.get(key)
            if packed is None:
                packed = work(piece)
            return WrittenPiece(key, len(packed), hashlib.sha256(packed).digest()), packed

        return recall
