# SPDX-License-Identifier: Apache-2.0
"""Layers that several images share, read once: what a reader took of a layer the first time is given again."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from typing import cast

from imagewright.model.digest import Digest
from imagewright.model.tree import Content, Entry, EntryStream, Kind

_Kept = list[tuple[Entry, bytes | None]]


class RememberedLayers:
    """Layers by digest; those in ``shared`` are remembered once they were read to their end.

    Of contents only those are kept that the reader read; so every reader must want the same, as
    :func:`imagewright.describe.scan.scan` does without digests.
    """

    def __init__(self, shared: Collection[Digest]) -> None:
        self._shared = shared
        self._layers: dict[Digest, _Kept] = {}

    def __contains__(self, digest: Digest) -> bool:
        return digest in self._shared

    def read(self, digest: Digest, begin: Callable[[], EntryStream]) -> EntryStream:
        """The entries of a layer, from memory where it was read before."""
        if digest not in self._shared:
            return begin()
        kept = self._layers.get(digest)
        return self._recorded(digest, begin()) if kept is None else _again(kept)

    def _recorded(self, digest: Digest, layer: EntryStream) -> EntryStream:
        kept: _Kept = []
        for entry, content in layer:
            if entry.kind is not Kind.FILE or content is None:
                kept.append((entry, None))
                yield entry, content
                continue
            noted = _Noted(content)
            yield entry, cast("Content", noted)
            kept.append((entry, bytes(noted.seen) if noted.seen else None))
        self._layers[digest] = kept


class _Noted:
    """A content that notes what was read of it."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.seen = bytearray()

    def read(self, size: int | None = -1, /) -> bytes:
        assert self._content is not None
        data = self._content.read(-1 if size is None else size)
        self.seen += data
        return data


def _again(kept: _Kept) -> EntryStream:
    for entry, data in kept:
        yield entry, None if entry.kind is not Kind.FILE else io.BytesIO(data or b"")
