# SPDX-License-Identifier: Apache-2.0
"""The SQLite file behind the step index, the images, small facts and pieces of layers.

Write-ahead log with ``synchronous=NORMAL``: safe against kill -9 (nothing committed is lost) and against loss
of power (consistent; the last commits may be lost, and their steps are then done again). Transactions are
short and take the write lock at once, so a second process waits for milliseconds, at most ``_BUSY`` of them.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagewright.errors import ConfigurationError, MachineError

SCHEMA = 1
_BUSY_SECONDS = 60.0
_CREATE = """
CREATE TABLE IF NOT EXISTS steps (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL,
  outputs TEXT NOT NULL, facts TEXT NOT NULL,
  seconds REAL NOT NULL, finished INTEGER NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (
  spec TEXT NOT NULL, platform TEXT NOT NULL, manifest TEXT NOT NULL, tags TEXT NOT NULL,
  size INTEGER NOT NULL, finished INTEGER NOT NULL, pinned INTEGER NOT NULL,
  PRIMARY KEY (spec, platform)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
  scope TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (scope, name)
) WITHOUT ROWID;
"""


class Database:
    """One connection, used by one thread at a time. Opened when first used."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for queries."""
        with self._guard, self._errors():
            yield self._open()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The connection inside a transaction: all of it happens, or nothing."""
        with self._guard, self._errors():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._guard:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def problems(self) -> list[str]:
        """What SQLite's own check finds wrong."""
        with self._guard:
            try:
                rows = self._open().execute("PRAGMA integrity_check(20)").fetchall()
            except sqlite3.DatabaseError as error:
                return [str(error)]
            return [str(text) for (text,) in rows if text != "ok"]

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = sqlite3.connect(
                self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA busy_timeout={int(_BUSY_SECONDS * 1000)}")
        connection.execute("PRAGMA synchronous=NORMAL")
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA:
            raise ConfigurationError(
                f"{self._path} is of a newer version",
                why=f"its schema is {version}, this program knows up to {SCHEMA}",
                hint="use a newer imagewright, or another directory with --store",
            )
        if version < SCHEMA:
            connection.execute("PRAGMA journal_mode=WAL")
            # One transaction: a kill in the middle leaves an empty file, and the next process starts anew.
            connection.executescript(f"BEGIN IMMEDIATE; {_CREATE} PRAGMA user_version={SCHEMA}; COMMIT;")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise MachineError(
                "cannot use the store's index",
                why=f"{self._path}: {error}",
                hint="`imagewright store fsck --repair` starts a new index if this one is damaged",
            ) from error
