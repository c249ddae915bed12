# SPDX-License-Identifier: Apache-2.0
"""Blobs that were made of something else and can be made again: what a layer contains, for one.

A cache: whoever asks makes what is not there. That a blob is there says that it was made to its end, as a row is
written after the blob it names.
"""

from __future__ import annotations

from imagewright.model.digest import Digest
from imagewright.model.ports import BlobStore
from imagewright.store.database import Database
from imagewright.store.facts import Facts

_SCOPE = "derived "


class Derived:
    """Blobs of one ``kind``, by what they were made of. ``revision`` tells how: of another, they do not count."""

    def __init__(self, database: Database, blobs: BlobStore, kind: str, revision: str) -> None:
        self._facts = Facts(database, f"{_SCOPE}{kind}")
        self._blobs = blobs
        self._revision = revision

    def get(self, source: str) -> Digest | None:
        """What was made of ``source``, if it is still there. Counts as a use, for gc."""
        revision, _, hexadecimal = (self._facts.get(source) or "").rpartition(" ")
        if not hexadecimal or revision != self._revision:
            return None
        digest = Digest(hexadecimal)
        return digest if self._blobs.has(digest) else None

    def put(self, source: str, digest: Digest) -> None:
        """Remember what was made of ``source``, which is in the store already."""
        self._facts.put(source, f"{self._revision} {digest.hex}")


def prune(database: Database, blobs: BlobStore) -> None:
    """Forget all whose blobs are gone."""
    with database.reading() as connection:
        rows = connection.execute(
            "SELECT scope, name, value FROM facts WHERE substr(scope, 1, ?) = ?", (len(_SCOPE), _SCOPE)
        ).fetchall()
    gone = [(scope, name) for scope, name, value in rows if not blobs.has(Digest(str(value).rpartition(" ")[2]))]
    with database.writing() as connection:
        connection.executemany("DELETE FROM facts WHERE scope = ? AND name = ?", gone)
