# SPDX-License-Identifier: Apache-2.0
"""SQLite with full-text search, JSON and loadable extensions, from several threads."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading

from verdict import failed, need, passed

with tempfile.TemporaryDirectory() as directory:
    path = os.path.join(directory, "test.db")
    connection = sqlite3.connect(path)
    try:
        connection.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
        connection.executemany("INSERT INTO notes VALUES (?)", [("an egg",), ("some ham",), ("ham and eggs",)])
        found = connection.execute("SELECT count(*) FROM notes WHERE notes MATCH 'ham'").fetchone()[0]
        json = connection.execute("SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]')").fetchone()[0]
        sines = connection.execute("SELECT sum(value) FROM json_each('[1, 2, 3]')").fetchone()[0]
    except sqlite3.Error as error:
        failed(f"SQLite {sqlite3.sqlite_version}: {error}")
    need((found, json, sines) == (2, 2, 6), f"wrong answers: {(found, json, sines)}")
    need(hasattr(connection, "enable_load_extension"), "built without loadable extensions")
    connection.enable_load_extension(True)  # noqa: FBT003
    try:
        connection.load_extension("/nowhere/at/all")
        failed("loaded an extension that is not there")
    except sqlite3.OperationalError as error:
        need("not authorized" not in str(error), f"loadable extensions are switched off: {error}")
    connection.commit()
    need(sqlite3.threadsafety >= 1, "SQLite is not safe for threads")

    def insert(number: int) -> None:
        with sqlite3.connect(path, timeout=30) as own:
            own.execute("INSERT INTO notes VALUES (?)", (f"thread {number}",))
        own.close()

    threads = [threading.Thread(target=insert, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
    connection.close()
need(count == 11, f"{count} rows instead of 11 after writing from 8 threads")
passed(f"SQLite {sqlite3.sqlite_version}: FTS5, JSON, extensions, threads")
