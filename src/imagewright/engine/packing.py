# SPDX-License-Identifier: Apache-2.0
"""Layers into the store and out of it, and how a step's record describes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from imagewright.model.digest import Digest
from imagewright.model.images import Compression
from imagewright.model.plan import StepRecord
from imagewright.model.ports import BlobStore, PieceCache
from imagewright.model.tree import EntrySource
from imagewright.oci.compression import PIECE, compress, pieces
from imagewright.oci.decompression import decompressed
from imagewright.oci.layers import Layer
from imagewright.oci.pieces import Recorder

LARGEST = 64 << 30
"""Bytes that a layer may unpack to."""

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class LayerBlob:
    """One layer in the store. ``size`` in bytes as stored; ``diff_id`` is the uncompressed archive's digest."""

    name: str
    digest: Digest
    diff_id: Digest
    size: int
    compression: Compression
    epoch: int

    def output(self) -> tuple[str, Digest]:
        """How a record's outputs name it."""
        return self.name, self.digest

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What a record says about it; :meth:`of` reads it back."""
        return (
            (f"{self.name}.compression", self.compression.value),
            (f"{self.name}.diff_id", str(self.diff_id)),
            (f"{self.name}.epoch", str(self.epoch)),
            (f"{self.name}.size", str(self.size)),
        )

    @classmethod
    def of(cls, record: StepRecord, name: str) -> LayerBlob:
        """The layer called ``name`` that a step left. Raises ``KeyError``."""
        return cls(
            name=name,
            digest=record.output(name),
            diff_id=Digest.parse(record.fact(f"{name}.diff_id")),
            size=int(record.fact(f"{name}.size")),
            compression=Compression(record.fact(f"{name}.compression")),
            epoch=int(record.fact(f"{name}.epoch")),
        )


def pack(
    name: str,
    entries: EntrySource,
    blobs: BlobStore,
    *,
    epoch: int,
    jobs: int,
    known: PieceCache | None = None,
) -> LayerBlob:
    """Write a layer into the store, streaming; the bytes depend on entries and epoch alone.

    Pieces that are ``known`` from other layers are not compressed again.
    """
    recorder = None if known is None else Recorder(known)
    layer = Layer(entries, epoch=epoch, compression=Compression.GZIP, jobs=jobs, recorder=recorder)
    digest = blobs.put(layer) if recorder is None else _put(iter(layer), recorder, blobs)
    if known is not None and recorder is not None:
        known.keep(digest, recorder.written)
    result = layer.result
    return LayerBlob(name, digest, result.diff_id, result.size, Compression.GZIP, epoch)


def repack(
    layer: LayerBlob, compression: Compression, blobs: BlobStore, *, jobs: int, known: PieceCache | None = None
) -> LayerBlob:
    """The same archive compressed in another way: another digest, the same ``diff_id``."""
    if layer.compression is compression:
        return layer
    recorder = None if known is None else Recorder(known)
    with blobs.open(layer.digest) as file:
        plain = decompressed(file, maximum=LARGEST)
        parts = pieces(iter(lambda: plain.read(_PIECE), b""), PIECE[compression])
        chunks = compress(parts, compression, jobs=jobs, recorder=recorder)
        digest = blobs.put(chunks) if recorder is None else _put(chunks, recorder, blobs)
    if known is not None and recorder is not None:
        known.keep(digest, recorder.written)
    return replace(layer, digest=digest, size=blobs.size(digest), compression=compression)


def _put(chunks: Iterator[bytes], recorder: Recorder, blobs: BlobStore) -> Digest:
    """Keep what comes. As long as it is what the beginning of some blob is, nothing is written.

    A layer whose packages have not changed is the very blob that it was, and may have hundreds of megabytes.
    """
    blob: Digest | None = None
    same = 0
    for chunk in chunks:
        found = recorder.found
        if found is None or found.start != same or found.blob != (blob or found.blob):
            return blobs.put(chain(_beginning(blob, same, blobs), [chunk], chunks))
        blob = found.blob
        same += len(chunk)
    if blob is not None and blobs.size(blob) == same:
        return blob
    return blobs.put(_beginning(blob, same, blobs))


def _beginning(blob: Digest | None, size: int, blobs: BlobStore) -> Iterator[bytes]:
    if blob is None:
        return
    with blobs.open(blob) as file:
        while size and (piece := file.read(min(_PIECE, size))):
            size -= len(piece)
            yield piece
