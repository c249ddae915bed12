# SPDX-License-Identifier: Apache-2.0
"""Packages' data as it was when it was first decompressed.

A base that changes makes everything on it be installed again, from the same packages, and most of that time goes
to xz. So what a large package holds is kept, compressed with zstd, which gives it back ten times faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from imagewright.archives.debian.deb import Deb
from imagewright.archives.debian.tar import read_tar
from imagewright.model.packages import LockedPackage
from imagewright.model.ports import BlobStore, DerivedBlobs
from imagewright.model.tree import EntryStream

REVISION = "1"
"""Of the way packages' data is kept."""

_WORTH = 128 << 10
"""Bytes that a package must have: smaller ones are half of all, and have a twentieth of the data."""

_LEVEL = 1


@dataclass(frozen=True, slots=True)
class DecompressedPackages:
    """Data of packages: ``derived`` knows what is kept."""

    blobs: BlobStore
    derived: DerivedBlobs

    def entries(self, package: LockedPackage, deb: Deb) -> EntryStream:
        """Everything that the package ships. Raises as :meth:`imagewright.archives.debian.deb.Deb.entries`."""
        if package.size < _WORTH:
            yield from deb.entries()
            return
        kept = self.derived.get(package.sha256.hex)
        if kept is None:
            kept = self.blobs.put(_compressed(deb))
            self.derived.put(package.sha256.hex, kept)
        with self.blobs.open(kept) as file:
            yield from _entries(file, str(package))


def _compressed(deb: Deb) -> Iterator[bytes]:
    packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for piece in deb.data():
        yield packer.compress(piece)
    yield packer.flush()


def _entries(file: BinaryIO, label: str) -> EntryStream:
    with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as plain:
        yield from read_tar(plain.read, label)
