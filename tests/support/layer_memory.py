# SPDX-License-Identifier: Apache-2.0
"""Writes a layer of ``layer_memory.py MEBIBYTES KIND`` to nowhere and says how much memory that took, in KiB."""

from __future__ import annotations

import hashlib
import io
import resource
import sys

from imagewright.model.images import Compression
from imagewright.model.tree import Entry, Kind
from imagewright.oci.layers import write_layer


class Stream(io.RawIOBase):
    """``size`` bytes that compress about as programs do."""

    def __init__(self, size: int) -> None:
        self._left = size
        noise = hashlib.shake_256(b"seed").digest(1 << 20)
        self._block = b"".join(noise[at : at + 64] + b"the same again " * 6 for at in range(0, 1 << 20, 64))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:
        data = self._take(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def _take(self, size: int) -> bytes:
        count = min(self._left, size, len(self._block))
        self._left -= count
        return self._block[:count]


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def write(mebibytes: int, kind: str) -> int:
    size = mebibytes << 20
    entry = Entry("big", Kind.FILE, 0o644, size=size)
    pair = (entry, io.BufferedReader(Stream(size)))
    return write_layer([pair], len, epoch=0, compression=Compression(kind), jobs=2).uncompressed_size


if __name__ == "__main__":
    write(1, sys.argv[2])
    before = peak()
    assert write(int(sys.argv[1]), sys.argv[2]) > int(sys.argv[1]) << 20
    print(peak() - before)
