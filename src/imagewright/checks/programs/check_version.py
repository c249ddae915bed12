# SPDX-License-Identifier: Apache-2.0
"""The interpreter is the release that was asked for, and starts without a word."""

from __future__ import annotations

import os
import platform
import sys

from verdict import need, passed, python, run

expected = os.environ["IW_RELEASE"]
need(platform.python_version() == expected, f"this is {platform.python_version()}, not {expected}")
told = os.environ.get("PYTHON_VERSION", expected)
need(told == expected, f"PYTHON_VERSION says {told}, not {expected}")
for name in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
    output = run(name, "--version").strip()
    need(output == f"Python {expected}", f"{name} --version says {output!r}")
for options in ((), ("-I",), ("-X", "dev", "-W", "error")):
    output = python("pass", *options)
    need(not output, f"python {' '.join(options)} -c pass prints {output!r}")
need(sys.prefix == sys.base_prefix == "/usr/local", f"the prefix is {sys.prefix}")
passed(f"{sys.version.split()[0]} in {sys.prefix}, {platform.machine()}, {platform.python_compiler()}")
