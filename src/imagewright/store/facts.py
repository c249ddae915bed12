# SPDX-License-Identifier: Apache-2.0
"""Small things to remember between runs, by scope and name; for one, the newest Release seen of an archive."""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.store.database import Database


class Facts:
    """Text by name within one scope."""

    def __init__(self, database: Database, scope: str) -> None:
        self._database = database
        self._scope = scope

    def get(self, name: str) -> str | None:
        """The text kept under ``name``."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT value FROM facts WHERE scope = ? AND name = ?", (self._scope, name)
            ).fetchone()
        return None if row is None else str(row[0])

    def put(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name``."""
        with self._database.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (self._scope, name, value))

    def put_larger(self, name: str, value: str) -> str:
        """Keep the larger (as text) of ``value`` and what is there, in one transaction; the one kept.

        For things that must never go back, such as dates in ISO 8601.
        """
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO facts VALUES (?, ?, ?)"
                " ON CONFLICT (scope, name) DO UPDATE SET value = max(value, excluded.value)",
                (self._scope, name, value),
            )
            row = connection.execute(
                "SELECT value FROM facts WHERE scope = ? AND name = ?", (self._scope, name)
            ).fetchone()
        return str(row[0])

    def remove(self, names: Iterable[str]) -> None:
        """Forget what is kept under ``names``."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM facts WHERE scope = ? AND name = ?", [(self._scope, name) for name in names]
            )

    def all(self) -> dict[str, str]:
        """Everything of this scope."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT name, value FROM facts WHERE scope = ? ORDER BY name", (self._scope,)
            ).fetchall()
        return {str(name): str(value) for name, value in rows}
