# SPDX-License-Identifier: Apache-2.0
"""The interpreter is the release that was asked for, and starts without a word."""

from __future__ import absolute_import, division, print_function

import os
import platform
import sys

from verdict import need, passed, python, run

expected = os.environ["IW_RELEASE"]
need(platform.python_version() == expected, "this is %s, not %s" % (platform.python_version(), expected))
told = os.environ.get("PYTHON_VERSION", expected)
need(told == expected, "PYTHON_VERSION says %s, not %s" % (told, expected))
for name in ("python", "python2", "python2.7"):
    output = run(name, "--version").strip()
    need(output == "Python %s" % expected, "%s --version says %r" % (name, output))
for options in ((), ("-E", "-s"), ("-W", "error", "-3")):
    output = python("pass", *options)
    need(not output, "python %s -c pass prints %r" % (" ".join(options), output))
need(sys.prefix == "/usr/local", "the prefix is %s" % sys.prefix)
need(sys.maxunicode == 0x10FFFF, "characters beyond the basic plane are two")
passed("%s in %s, %s, %s" % (expected, sys.prefix, platform.machine(), platform.python_compiler()))
