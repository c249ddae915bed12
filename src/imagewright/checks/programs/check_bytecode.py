# SPDX-License-Identifier: Apache-2.0
"""The standard library's bytecode is there, made from the sources beside it, and used without a look at them."""

from __future__ import annotations

import importlib.util
import os
import sysconfig

from verdict import failed, need, passed, python

UNCHECKED_HASH = 0b01
"""PEP 552: the hash of the source is in the file, and not compared when it is loaded."""

PASSED_OVER = {"site-packages", "__pycache__"}
WITHOUT = {
    "_pydatetime",
    "_pydecimal",
    "_pyio",
    "ensurepip",
    "ftplib",
    "idlelib",
    "imaplib",
    "lib-tk",
    "lib2to3",
    "mailbox",
    "pickletools",
    "poplib",
    "pyclbr",
    "pydoc_data",
    "tabnanny",
    "tkinter",
    "turtle",
    "turtledemo",
    "xmlrpc",
}
"""Shipped as source alone; hardly any image imports them."""

library = sysconfig.get_path("stdlib")
problems, count, size = [], 0, 0
for directory, folders, names in os.walk(library):
    folders[:] = sorted({*folders} - PASSED_OVER - WITHOUT - {name for name in folders if "config-" in name})
    for name in sorted(names):
        path = os.path.join(directory, name)
        if not name.endswith(".py") or (directory == library and name[:-3] in WITHOUT):
            continue
        cached = importlib.util.cache_from_source(path)
        if not os.path.exists(cached):
            problems.append(f"{path} has none")
            continue
        with open(cached, "rb") as file:
            header = file.read(16)
            size += len(header) + len(file.read())
        with open(path, "rb") as file:
            source = file.read()
        count += 1
        if header[:4] != importlib.util.MAGIC_NUMBER:
            problems.append(f"{cached} is another Python's")
        elif int.from_bytes(header[4:8], "little") != UNCHECKED_HASH:
            problems.append(f"{cached} is not of the unchecked kind")
        elif header[8:] != importlib.util.source_hash(source):
            problems.append(f"{cached} was made from another source")
if problems:
    failed(f"{len(problems)} problems: {', '.join(problems[:3])}")
need(count > 200, f"only {count} modules in {library}")
log = python("import asyncio, email, http.client, json, logging, xml.dom.minidom", "-v")
compiled = [
    line for line in log.splitlines() if "code object from" in line and ".pyc" not in line and library in line
]
need(not compiled, f"compiled at start: {compiled[:3]}")
passed(f"{count} modules, {size >> 10} KiB")
