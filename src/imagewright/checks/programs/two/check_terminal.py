# SPDX-License-Identifier: Apache-2.0
"""readline and curses."""

from __future__ import absolute_import, division, print_function

from verdict import need, passed, python

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
print(curses.tigetnum("colors"))
"""
colours = python(CURSES, TERM="xterm").strip()
need(colours == "8", "the terminal xterm has %s colours" % colours)
passed("readline, curses")
