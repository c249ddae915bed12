# SPDX-License-Identifier: Apache-2.0
"""What finished steps left: the port ``StepIndex`` on SQLite."""

from __future__ import annotations

import json
import sqlite3

from imagewright.errors import MachineError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.ports import BlobStore, Clock
from imagewright.model.records import StepKind, StepRecord
from imagewright.store.database import Database

_ONE = "SELECT id, kind, name, outputs, facts, seconds, finished, used FROM steps WHERE id = ?"
_ALL = "SELECT id, kind, name, outputs, facts, seconds, finished, used FROM steps ORDER BY used, id"
_DAY = 86_400


class SqliteSteps:
    """Records by step id. A record counts only while every blob it names is there."""

    def __init__(self, database: Database, blobs: BlobStore, clock: Clock) -> None:
        self._database = database
        self._blobs = blobs
        self._clock = clock

    def get(self, step: Digest) -> StepRecord | None:
        """The record, only if every blob it names is in the store. Counts as a use, for gc."""
        with self._database.reading() as connection:
            row = connection.execute(_ONE, (step.hex,)).fetchone()
        record = None if row is None else _record(row[:-1])
        if record is None or not all(self._blobs.has(digest) for _, digest in record.outputs):
            return None
        self._note_use(step, int(row[-1]))
        return record

    def put(self, record: StepRecord) -> None:
        """Keep a record. Raises ``MachineError`` if a blob it names is not in the store."""
        for name, digest in record.outputs:
            if not self._blobs.has(digest):
                raise MachineError(
                    f"cannot keep the result of {record.name}",
                    why=f"its {name} ({digest}) is not in the store",
                    hint="another process removed it; run the same command again",
                )
        values = (
            record.id.hex,
            record.kind.value,
            record.name,
            canonical_json([[name, digest.hex] for name, digest in record.outputs]).decode(),
            canonical_json([list(fact) for fact in record.facts]).decode(),
            record.seconds,
            record.finished,
            self._now(),
        )
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def all(self) -> list[tuple[StepRecord, int]]:
        """Every readable record with the time of its last use, oldest first; blobs may be missing."""
        with self._database.reading() as connection:
            rows = connection.execute(_ALL).fetchall()
        found = ((_record(row[:-1]), int(row[-1])) for row in rows)
        return [(record, used) for record, used in found if record is not None]

    def remove(self, steps: list[Digest]) -> None:
        """Forget records."""
        with self._database.writing() as connection:
            connection.executemany("DELETE FROM steps WHERE id = ?", [(step.hex,) for step in steps])

    def unreadable(self, *, remove: bool = False) -> list[str]:
        """Ids of rows that are no records; ``remove`` deletes them."""
        with self._database.reading() as connection:
            rows = connection.execute(_ALL).fetchall()
        bad = [str(row[0]) for row in rows if _record(row[:-1]) is None]
        if bad and remove:
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM steps WHERE id = ?", [(name,) for name in bad])
        return bad

    def _note_use(self, step: Digest, used: int) -> None:
        now = self._now()
        if now - used > _DAY:
            with self._database.writing() as connection:
                connection.execute("UPDATE steps SET used = ? WHERE id = ?", (now, step.hex))

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _record(row: sqlite3.Row | tuple[object, ...]) -> StepRecord | None:
    """A record from its row, or ``None`` for a row that is none: the step is then simply done again."""
    step, kind, name, outputs, facts, seconds, finished = row
    try:
        return StepRecord(
            id=Digest(str(step)),
            kind=StepKind(str(kind)),
            name=str(name),
            outputs=tuple((str(key), Digest(value)) for key, value in json.loads(str(outputs))),
            facts=tuple((str(key), str(value)) for key, value in json.loads(str(facts))),
            seconds=float(str(seconds)),
            finished=int(str(finished)),
        )
    except (ValueError, TypeError):
        return None
