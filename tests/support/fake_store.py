# SPDX-License-Identifier: Apache-2.0
"""The store's ports in memory, held to the same contract as the real ones by test_store_contract.py."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from imagewright.errors import MachineError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.plan import StepRecord
from imagewright.model.ports import BlobStore


@dataclass
class FakeClock:
    """A clock that stands still until it is moved."""

    moment: datetime = datetime(2026, 8, 1, tzinfo=UTC)
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def pass_days(self, days: float) -> None:
        self.moment += timedelta(days=days)
        self.seconds += days * 86_400


@dataclass
class FakeBlobs:
    """Blobs in memory; ``directory`` is where ``path`` puts a copy when asked."""

    directory: Path
    content: dict[Digest, bytes] = field(default_factory=dict)

    def has(self, digest: Digest) -> bool:
        return digest in self.content

    def size(self, digest: Digest) -> int:
        return len(self.content[digest])

    def path(self, digest: Digest) -> Path:
        path = self.directory / digest.hex
        path.write_bytes(self.content[digest])
        return path

    def open(self, digest: Digest) -> BinaryIO:
        return io.BytesIO(self.content[digest])

    def put(self, chunks: Iterable[bytes], *, expected: Digest | None = None, size: int | None = None) -> Digest:
        if expected in self.content and size in (None, len(self.content[expected])):
            return expected
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if size is not None and len(data) > size:
                raise VerificationError(f"larger than {size} bytes")
        content = bytes(data)
        digest = Digest.of(content)
        if size is not None and len(content) != size:
            raise VerificationError(f"{len(content)} bytes instead of {size}")
        if expected is not None and digest != expected:
            raise VerificationError(f"{digest} instead of {expected}")
        self.content[digest] = content
        return digest


@dataclass
class FakeSteps:
    """Step records in memory."""

    blobs: BlobStore
    records: dict[Digest, StepRecord] = field(default_factory=dict)

    def get(self, step: Digest) -> StepRecord | None:
        record = self.records.get(step)
        if record is None or not all(self.blobs.has(digest) for _, digest in record.outputs):
            return None
        return record

    def put(self, record: StepRecord) -> None:
        for name, digest in record.outputs:
            if not self.blobs.has(digest):
                raise MachineError(f"{name} ({digest}) is not in the store")
        self.records[record.id] = record


@dataclass
class FakeTrees:
    """Trees in a directory of the test's own."""

    directory: Path
    count: int = 0

    def get(self, key: Digest) -> Path | None:
        path = self.directory / key.hex
        return path if path.is_dir() else None

    def adopt(self, directory: Path, key: Digest) -> Path:
        path = self.directory / key.hex
        if path.is_dir():
            shutil.rmtree(directory)
        else:
            directory.rename(path)
        return path

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        self.count += 1
        path = self.directory / f"work-{self.count}"
        path.mkdir(parents=True)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
