# SPDX-License-Identifier: Apache-2.0
"""What large compressed files hold, kept once they were decompressed.

Debian's files are compressed with xz, which takes most of the time of reading them again and again. What they hold
is kept compressed with zstd, which gives it back ten times faster and takes half as much space again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, cast

import zstandard

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.model.ports import BlobStore, DerivedBlobs, DerivedKinds

KIND = "decompressed"
REVISION = "zstd 1"
_LEVEL = 1
_PIECE = 1 << 20


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
        Raises ``VerificationError``, at the end of the context too, where what was kept is not what it was.
        """
        kept = self.known.get(source.hex)
        if kept is None:
            kept = self.blobs.put(_compressed(decompress()))
            self.known.put(source.hex, kept)
        with self.blobs.open(kept) as file:
            hashed = _Hashed(file)
            unpacker = zstandard.ZstdDecompressor()
            with unpacker.stream_reader(cast("BinaryIO", hashed), _PIECE, closefd=False) as plain:
                yield partial(_read, plain, kept)
            hashed.finish(kept)


class _Hashed:
    """A file that is hashed while it is read: a disk's error must not end in an image."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._state = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._state.update(data)
        return data

    def finish(self, expected: Digest) -> None:
        while self.read(_PIECE):
            pass
        if self._state.hexdigest() != expected.hex:
            raise _damaged(expected, "its content has another digest")


def _read(plain: zstandard.ZstdDecompressionReader, kept: Digest, size: int) -> bytes:
    try:
        return plain.read(size)
    except zstandard.ZstdError as error:
        raise _damaged(kept, str(error)) from error


def _damaged(kept: Digest, why: str) -> VerificationError:
    return VerificationError(
        f"blob {kept} in the store is damaged",
        why=why,
        hint="`imagewright store fsck --repair` drops it; it will be made again",
    )


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()
