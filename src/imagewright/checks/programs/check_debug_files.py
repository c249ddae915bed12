# SPDX-License-Identifier: Apache-2.0
"""Debuggers find the interpreter's debug files by themselves, and gdb the commands for Python."""

from __future__ import annotations

import os
import shutil
import struct
import sys
import sysconfig
from typing import Optional

from verdict import need, passed, run

NOTE = struct.pack("=III", 4, 20, 3) + b"GNU\0"
"""How a build id begins: lengths of name and digest, NT_GNU_BUILD_ID, the name."""


def build_id(data: bytes) -> Optional[str]:
    """The build id in an ELF file, in hexadecimal."""
    place = data.find(NOTE)
    return data[place + len(NOTE) :][:20].hex() if place >= 0 and data[:4] == b"\x7fELF" else None


def contents(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


program = os.path.realpath(sys.executable)
directory = os.path.join(sysconfig.get_path("stdlib"), "lib-dynload")
files = [program, *(os.path.join(directory, name) for name in sorted(os.listdir(directory)) if ".so" in name)]
for path in files:
    found = build_id(contents(path))
    need(found, f"{path} has no build id")
    debug = f"/usr/lib/debug/.build-id/{str(found)[:2]}/{str(found)[2:]}.debug"
    need(os.path.isfile(debug), f"there is no {debug} for {path}")
    need(build_id(contents(debug)) == found, f"{debug} belongs to another file")
    if path == program:
        need(b"_PyEval_EvalFrameDefault\0" in contents(debug), f"{debug} has no symbols")
support = f"/usr/share/gdb/auto-load{program}-gdb.py"
need(os.path.isfile(support), f"there is no {support}")
compile(contents(support), support, "exec")
tried = "gdb is not here to try them"
if shutil.which("gdb"):
    output = run("gdb", "-nx", "-batch", "-ex", "info functions ^PyEval_EvalCode$", "-ex", "help py-bt", program)
    need("PyEval_EvalCode" in output, f"gdb finds no functions: {output[-200:]}")
    need("backtrace" in output, f"gdb has no py-bt: {output[-200:]}")
    tried = "gdb finds functions, and knows py-bt"
passed(f"{len(files)} files have theirs; {tried}")
