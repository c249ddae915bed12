# SPDX-License-Identifier: Apache-2.0
"""Compression whose bytes depend on nothing but content and level.

Both kinds cut the stream into pieces of a fixed size that are compressed independently, in as many threads as
are wanted: gzip into members (RFC 1952, 2.2: "a series of members"), zstd into frames (RFC 8878, 3: "one or more
frames"). Every reader of layers concatenates them. libdeflate gives the same bytes on every processor, and both
libraries are pinned exactly, since another version may choose other matches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import deflate
import zstandard

from imagewright.model.images import Compression
from imagewright.oci.levels import LEVEL, PIECE
from imagewright.oci.pieces import Recorder

_T = TypeVar("_T")

__all__ = ["LEVEL", "MOST_JOBS", "PIECE", "compress", "pieces"]

MOST_JOBS = {Compression.GZIP: 32, Compression.ZSTD: 4}
"""Threads at most: each takes 2 MB (gzip) or 25 MB (zstd), and more than this gains nothing."""


def compress(
    parts: Iterable[bytes],
    kind: Compression,
    *,
    level: int | None = None,
    jobs: int = 1,
    recorder: Recorder | None = None,
) -> Iterator[bytes]:
    """Compress each part by itself, in ``jobs`` threads; memory is bounded by ``jobs`` and the parts' size.

    To be deterministic, cut the parts with :func:`pieces`. A ``recorder`` spares the work for parts that it knows.
    """
    chosen = LEVEL[kind] if level is None else level
    threads = max(1, min(jobs, MOST_JOBS[kind]))
    work = _gzip(chosen) if kind is Compression.GZIP else _zstd(chosen)
    if recorder is None:
        yield from _in_order(parts, work, threads)
        return
    for packed in _in_order(parts, recorder.remembering(method(kind, chosen), work), threads):
        recorder.note(packed)
        yield packed.data


def method(kind: Compression, level: int) -> str:
    """All that decides, besides a piece's bytes, what it is compressed to."""
    if kind is Compression.GZIP:
        return f"gzip {level} deflate {deflate.__version__}"
    return f"zstd {level} {'.'.join(map(str, zstandard.ZSTD_VERSION))} zstandard {zstandard.__version__}"


def pieces(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The same bytes, cut every ``size``; the last piece may be shorter, and none is empty."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= size:
            with memoryview(buffer) as view:
                piece = bytes(view[:size])
            yield piece
            del buffer[:size]
    if buffer:
        yield bytes(buffer)


def _gzip(level: int) -> Callable[[bytes], bytes]:
    def work(piece: bytes) -> bytes:
        return bytes(deflate.gzip_compress(piece, level))

    return work


def _zstd(level: int) -> Callable[[bytes], bytes]:
    def work(piece: bytes) -> bytes:
        # A compressor belongs to one thread, and is cheap beside its work.
        compressor = zstandard.ZstdCompressor(level=level, write_checksum=True, write_content_size=True)
        return compressor.compress(piece)

    return work


def _in_order(parts: Iterable[bytes], work: Callable[[bytes], _T], jobs: int) -> Iterator[_T]:
    if jobs == 1:
        yield from map(work, parts)
        return
    waiting: deque[Future[_T]] = deque()
    with ThreadPoolExecutor(jobs, "compress") as pool:
        try:
            for part in parts:
                waiting.append(pool.submit(work, part))
                if len(waiting) > jobs:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
