# SPDX-License-Identifier: Apache-2.0
"""SQLite with full-text search and JSON, and threads that write."""

from __future__ import absolute_import, division, print_function

import os
import sqlite3
import tempfile
import threading

from verdict import failed, need, passed

path = os.path.join(tempfile.mkdtemp(), "test.db")
connection = sqlite3.connect(path)
try:
    connection.execute("CREATE VIRTUAL TABLE notes USING fts5(body)")
    connection.executemany("INSERT INTO notes VALUES (?)", [("an egg",), ("some ham",), ("ham and eggs",)])
    found = connection.execute("SELECT count(*) FROM notes WHERE notes MATCH 'ham'").fetchone()[0]
    json = connection.execute("SELECT json_extract('{\"a\": [1, 2]}', '$.a[1]')").fetchone()[0]
except sqlite3.Error as error:
    failed("SQLite %s: %s" % (sqlite3.sqlite_version, error))
need((found, json) == (2, 2), "wrong answers: %s" % ((found, json),))
connection.commit()


def insert(number):
    own = sqlite3.connect(path, timeout=30)
    own.execute("INSERT INTO notes VALUES (?)", ("thread %d" % number,))
    own.commit()
    own.close()


threads = [threading.Thread(target=insert, args=(number,)) for number in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
count = connection.execute("SELECT count(*) FROM notes").fetchone()[0]
need(count == 11, "%d rows instead of 11 after writing from 8 threads" % count)
passed("SQLite %s: FTS5, JSON, threads" % sqlite3.sqlite_version)
