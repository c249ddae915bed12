# SPDX-License-Identifier: Apache-2.0
"""A blob store in a plain directory and a clock that stands still, for tests of rooms below the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest


class DirectoryBlobs:
    """The port ``BlobStore``; ``names`` shows what is there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def names(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    def has(self, digest: Digest) -> bool:
        return (self.directory / digest.hex).exists()

    def size(self, digest: Digest) -> int:
        return self.path(digest).stat().st_size

    def path(self, digest: Digest) -> Path:
        if not self.has(digest):
            raise KeyError(str(digest))
        return self.directory / digest.hex

    def open(self, digest: Digest) -> BinaryIO:
        return self.path(digest).open("rb")

    def put(self, chunks: Iterable[bytes], *, expected: Digest | None = None, size: int | None = None) -> Digest:
        if expected is not None and self.has(expected):
            return expected
        data = b"".join(chunks)
        digest = Digest(hashlib.sha256(data).hexdigest())
        if size not in (None, len(data)) or expected not in (None, digest):
            raise VerificationError(f"refused blob {expected}", why=f"it has {digest}, {len(data)} bytes")
        (self.directory / digest.hex).write_bytes(data)
        return digest


@dataclass
class StillClock:
    """The port ``Clock``: moves only when a test moves it."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds
