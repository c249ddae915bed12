# SPDX-License-Identifier: Apache-2.0
"""Every kind of key-value file."""

from __future__ import absolute_import, division, print_function

import anydbm
import importlib
import os
import shelve
import tempfile
import whichdb

from verdict import failed, need, passed

KINDS = ("gdbm", "dbm", "dbhash", "dumbdbm")
directory = tempfile.mkdtemp()
for kind in KINDS:
    path = os.path.join(directory, kind)
    try:
        module = importlib.import_module(kind)
    except ImportError as error:
        failed("%s: %s" % (kind, error))
    database = module.open(path, "c")
    database[b"key"] = b"value" * 100
    database.close()
    need(whichdb.whichdb(path) == kind, "a file of %s is taken for %s" % (kind, whichdb.whichdb(path)))
    database = anydbm.open(path, "r")
    need(database[b"key"] == b"value" * 100, "%s does not give back what it got" % kind)
    database.close()
shelf = shelve.open(os.path.join(directory, "shelf"))
shelf["list"] = [1, 2, {"three": 4.0}]
need(shelf["list"] == [1, 2, {"three": 4.0}], "shelve does not give back what it got")
shelf.close()
passed(", ".join(KINDS))
