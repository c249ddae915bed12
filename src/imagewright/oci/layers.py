# SPDX-License-Identifier: Apache-2.0
"""Layers: a sorted stream of entries as a compressed archive, hashed on the way (OCI image-spec, layer.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import Compression
from imagewright.model.tree import Content, Entry, EntrySource, EntryStream
from imagewright.oci.compression import PIECE, compress, pieces
from imagewright.oci.pieces import Recorder
from imagewright.oci.tar import archive


@dataclass(frozen=True, slots=True)
class LayerResult:
    """What was written: ``digest`` and ``size`` (bytes) of the blob, ``diff_id`` and ``uncompressed_size`` of
    the archive in it, and how many ``entries`` that has.
    """

    digest: Digest
    diff_id: Digest
    size: int
    uncompressed_size: int
    entries: int


class Layer:
    """A layer to be read once: iterate over it for its bytes (``blobs.put(layer)``), then ask for ``result``.

    ``entries`` are sorted by :func:`imagewright.oci.tar.order`; later modification times become ``epoch``
    (seconds). The bytes depend on nothing else but ``compression`` and ``level``: not on ``jobs``, the
    processor or the machine, nor on the ``recorder``, which only spares work. Memory is bounded, some
    megabytes per job.
    """

    def __init__(
        self,
        entries: EntrySource,
        *,
        epoch: int,
        compression: Compression = Compression.GZIP,
        level: int | None = None,
        jobs: int = 1,
        recorder: Recorder | None = None,
    ) -> None:
        parts = pieces(archive(self._counted(entries), epoch=epoch), PIECE[compression])
        self._chunks = compress(self._hashed(parts), compression, level=level, jobs=jobs, recorder=recorder)
        self._plain = hashlib.sha256()
        self._packed = hashlib.sha256()
        self._plain_size = self._packed_size = self._entries = 0
        self._done = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._packed.update(chunk)
            self._packed_size += len(chunk)
            yield chunk
        self._done = True

    @property
    def result(self) -> LayerResult:
        """What was written. Raises ``BuildError`` before the last byte was read."""
        if not self._done:
            raise BuildError("a layer was asked for its digest before it was written")
        return LayerResult(
            digest=Digest(self._packed.hexdigest()),
            diff_id=Digest(self._plain.hexdigest()),
            size=self._packed_size,
            uncompressed_size=self._plain_size,
            entries=self._entries,
        )

    def _hashed(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        for part in parts:
            self._plain.update(part)
            self._plain_size += len(part)
            yield part

    def _counted(self, entries: EntrySource) -> EntryStream:
        pair: tuple[Entry, Content]
        for pair in entries:
            self._entries += 1
            yield pair


def write_layer(
    entries: EntrySource,
    sink: Callable[[bytes], object],
    *,
    epoch: int,
    compression: Compression = Compression.GZIP,
    level: int | None = None,
    jobs: int = 1,
) -> LayerResult:
    """Write a layer by calling ``sink`` with its pieces. See :class:`Layer`."""
    layer = Layer(entries, epoch=epoch, compression=compression, level=level, jobs=jobs)
    for chunk in layer:
        sink(chunk)
    return layer.result
