# SPDX-License-Identifier: Apache-2.0
"""What large compressed files hold, kept once they were decompressed.

Debian's files are compressed with xz, which takes most of the time of reading them again and again. What they hold
is kept compressed with zstd, which gives it back ten times faster and takes a third more space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import zstandard

from imagewright.model.digest import Digest
from imagewright.model.ports import BlobStore, DerivedBlobs, DerivedKinds

KIND = "decompressed"
REVISION = "zstd 1"
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Decompressed:
    """Contents by the files that they came from: ``known`` says which ``blobs`` have them."""

    blobs: BlobStore
    known: DerivedBlobs

    @classmethod
    def of(cls, blobs: BlobStore, kinds: DerivedKinds | None) -> Decompressed | None:
        """What a store keeps, if it keeps anything."""
        return None if kinds is None else cls(blobs, kinds(KIND, REVISION))

    @contextmanager
    def open(self, source: Digest, decompress: Callable[[], Iterable[bytes]]) -> Iterator[Callable[[int], bytes]]:
        """What ``source`` holds, as a function that gives up to so many bytes of it, and none at the end.

        ``decompress`` reads it where it is not known yet, and what it raises is raised; then nothing is kept.
        """
        kept = self.known.get(source.hex)
        if kept is None:
            kept = self.blobs.put(_compressed(decompress()))
            self.known.put(source.hex, kept)
        with (
            self.blobs.open(kept) as file,
            zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as plain,
        ):
            yield plain.read


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
