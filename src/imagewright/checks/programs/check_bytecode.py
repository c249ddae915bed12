# SPDX-License-Identifier: Apache-2.0
"""The standard library's bytecode is there, made from the sources beside it, and used without a look at them."""

from __future__ import annotations

import _imp
import importlib.util
import os
import sys
import sysconfig
from fnmatch import fnmatch

from verdict import failed, need, passed, python, words

UNCHECKED_HASH = 0b01
"""PEP 552: the hash of the source is in the file, and not compared when it is loaded."""

PASSED_OVER = {"site-packages", "__pycache__"}
library = sysconfig.get_path("stdlib")
frozen: set[str] = set()
if not hasattr(sys, "gettotalrefcount") and hasattr(_imp, "_frozen_module_names"):
    frozen = {"importlib/_bootstrap", "importlib/_bootstrap_external"}
    frozen |= {name.replace(".", "/") for name in _imp._frozen_module_names()}  # noqa: SLF001 # nothing else tells


def left_as_source(module: str) -> bool:
    """Whether a module, named by its path without a suffix, needs no bytecode, or is part of the executable."""
    return module in frozen or any(
        fnmatch(module, word) or module.startswith(f"{word}/") for word in words("IW_PLAIN")
    )


problems, count, size = [], 0, 0
for directory, folders, names in os.walk(library):
    folders[:] = sorted({*folders} - PASSED_OVER - {name for name in folders if "config-" in name})
    for name in sorted(names):
        path = os.path.join(directory, name)
        if not name.endswith(".py") or left_as_source(os.path.relpath(path, library)[:-3]):
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


def compiled(log: str) -> list[str]:
    """The modules of this Python that were compiled when they were imported, in the words of ``-v``."""
    return [
        line for line in log.splitlines() if "code object from" in line and ".pyc" not in line and library in line
    ]


log = python("import asyncio, email, http.client, json, logging, xml.dom.minidom", "-v")
need(not compiled(log), f"compiled at start: {compiled(log)[:3]}")
if words("IW_PIP_COMPILED") and importlib.util.find_spec("pip"):
    log = python(
        "import runpy, sys; sys.argv[1:] = ['--version']; runpy.run_module('pip', None, '__main__')", "-v"
    )
    need(not compiled(log), f"compiled when pip starts: {compiled(log)[:3]}")
passed(f"{count} modules, {size >> 10} KiB")
