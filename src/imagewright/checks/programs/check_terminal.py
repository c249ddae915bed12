# SPDX-License-Identifier: Apache-2.0
"""readline, curses, pseudo terminals, and a conversation with the interactive interpreter."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time

from verdict import failed, need, passed, python

READLINE = """
import readline
readline.parse_and_bind("tab: complete")
readline.add_history("x")
print(readline.get_history_item(1))
"""
need(python(READLINE, TERM="xterm").strip().endswith("x"), "readline keeps no history")
CURSES = """
import curses, curses.panel
curses.setupterm("xterm", 1)
print(curses.tigetnum("colors"), curses.tigetstr("bold"))
"""
colours = python(CURSES, TERM="xterm").split()[0]
need(colours == "8", f"the terminal xterm has {colours} colours")

os.environ.update(TERM="xterm", PYTHON_HISTORY=os.devnull, HOME="/nonexistent")
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-q", "-I"])


def read(until: str, *, seconds: float = 20.0) -> str:
    """What the interpreter shows, up to something expected."""
    shown = ""
    end = time.monotonic() + seconds
    while until not in shown:
        if not select.select([terminal], [], [], max(0.0, end - time.monotonic()))[0]:
            failed(f"the interactive interpreter did not show {until!r} but {shown[-200:]!r}")
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            failed(f"the interactive interpreter ended after {shown[-200:]!r}")
        shown += re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]|\x1b[=>]|\x1b\(B", "", piece.decode(errors="replace"))
    return shown


read(">>>")
os.write(terminal, b"print(6 * 7)\r")
read("42")
os.write(terminal, b"raise SystemExit(3)\r")
while True:
    try:
        if not os.read(terminal, 4096):
            break
    except OSError:
        break
status = os.waitpid(child, 0)[1] >> 8
need(status == 3, f"the interactive interpreter ended with status {status}")
passed("readline, curses, an interactive session")
