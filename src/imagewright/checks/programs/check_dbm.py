# SPDX-License-Identifier: Apache-2.0
"""Every kind of key-value file."""

from __future__ import annotations

import dbm
import importlib
import os
import shelve
import sys
import tempfile

from verdict import failed, need, passed, words

KINDS = ["dbm.gnu", "dbm.ndbm", "dbm.dumb"]
if sys.version_info >= (3, 13):
    KINDS.append("dbm.sqlite3")
EXTENSIONS = {"dbm.gnu": "_gdbm", "dbm.ndbm": "_dbm", "dbm.sqlite3": "_sqlite3"}
KINDS = [kind for kind in KINDS if EXTENSIONS.get(kind) not in words("IW_OPTIONAL_MODULES")]
with tempfile.TemporaryDirectory() as directory:
    for kind in KINDS:
        path = os.path.join(directory, kind)
        try:
            module = importlib.import_module(kind)
        except ImportError as error:
            failed(f"{kind}: {error}")
        with module.open(path, "c") as database:
            database[b"key"] = b"value" * 100
        need(dbm.whichdb(path) == kind, f"a file of {kind} is taken for {dbm.whichdb(path)}")
        with dbm.open(path, "r") as database:
            need(database[b"key"] == b"value" * 100, f"{kind} does not give back what it got")
    with shelve.open(os.path.join(directory, "shelf")) as shelf:
        shelf["list"] = [1, 2, {"three": 4.0}]
        need(shelf["list"] == [1, 2, {"three": 4.0}], "shelve does not give back what it got")
passed(", ".join(KINDS))
