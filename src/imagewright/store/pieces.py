# SPDX-License-Identifier: Apache-2.0
"""Where in the store's blobs compressed pieces lie: the port ``PieceCache``, as a table beside the step index."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence

from imagewright.model.digest import Digest
from imagewright.model.ports import FoundPiece, WrittenPiece
from imagewright.store.blobs import DiskBlobs
from imagewright.store.database import Database

# Made when first used, without another schema version: programs that do not know the table do well without it.
_CREATE = """
CREATE TABLE IF NOT EXISTS pieces (
  key BLOB PRIMARY KEY, blob TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL, sha256 BLOB NOT NULL
) WITHOUT ROWID
"""


class Pieces:
    """Pieces by key. A row costs about 150 bytes, and there is one for each MiB of a layer."""

    def __init__(self, database: Database, blobs: DiskBlobs) -> None:
        self._database = database
        self._blobs = blobs
        self._guard = threading.Lock()
        self._ready = False

    def get(self, key: bytes) -> FoundPiece | None:
        """The piece, if its blob is there and holds it unharmed."""
        self._make()
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT blob, start, size, sha256 FROM pieces WHERE key = ?", (key,)
            ).fetchone()
        if row is None:
            return None
        blob, (start, size, sha256) = Digest(row[0]), row[1:]
        try:
            with self._blobs.inspect(blob) as file:
                file.seek(start)
                found = file.read(size)
        except KeyError:
            return None  # collected since
        return FoundPiece(found, sha256, blob, start) if hashlib.sha256(found).digest() == sha256 else None

    def keep(self, blob: Digest, pieces: Sequence[WrittenPiece]) -> None:
        """Note where the pieces of a blob lie; the newest blob that has one counts."""
        self._make()
        rows, start = [], 0
        for piece in pieces:
            rows.append((piece.key, blob.hex, start, piece.size, piece.sha256))
            start += piece.size
        with self._database.writing() as connection:
            connection.executemany("INSERT OR REPLACE INTO pieces VALUES (?, ?, ?, ?, ?)", rows)

    def prune(self) -> None:
        """Forget pieces of blobs that are gone."""
        self._make()
        with self._database.writing() as connection:
            blobs = [str(blob) for (blob,) in connection.execute("SELECT DISTINCT blob FROM pieces")]
            gone = [(blob,) for blob in blobs if not self._blobs.has(Digest(blob))]
            connection.executemany("DELETE FROM pieces WHERE blob = ?", gone)

    def _make(self) -> None:
        with self._guard:
            if not self._ready:
                with self._database.writing() as connection:
                    connection.execute(_CREATE)
                self._ready = True
