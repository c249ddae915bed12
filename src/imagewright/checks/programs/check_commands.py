# SPDX-License-Identifier: Apache-2.0
"""The commands that users of the official image type are there, first in PATH, and work."""

from __future__ import annotations

import os
import shutil
import sys

from verdict import need, parts, passed, run

version = f"{sys.version_info[0]}.{sys.version_info[1]}"
place = "/usr/local/bin"
found = []
commands = ["pydoc", "python"]
commands += ["idle"] if "extras" in parts() else []
commands += ["pip"] if "installers" in parts() else []
commands += ["python-config"] if "development" in parts() else []
for name in commands:
    for each in (name, name.replace("python", "python3") if "python" in name else f"{name}3"):
        path = shutil.which(each)
        need(path is not None, f"{each} is not in PATH ({os.environ.get('PATH')})")
        need(path == f"{place}/{each}", f"{each} is {path}, not the one in {place}")
        need(os.path.exists(os.path.realpath(f"{place}/{each}")), f"{each} leads nowhere")
        found.append(each)
for name in sorted(os.listdir(place)):
    need(os.path.exists(os.path.join(place, name)), f"{place}/{name} leads nowhere")
    with open(os.path.join(place, name), "rb") as script:
        first = script.readline(200)
    if first.startswith(b"#!"):
        interpreter = first[2:].split()[0].decode()
        need(os.access(interpreter, os.X_OK), f"{place}/{name} wants {interpreter}, which is not there")
if "pip" in commands:
    need(f"python {version}" in run("pip", "--version"), "pip belongs to another Python")
need("posixpath" in run("pydoc", "posixpath"), "pydoc shows nothing")
if "python-config" in commands and os.path.exists("/bin/sh"):
    includes = run("python-config", "--includes").split()[0][2:]
    need(os.path.isfile(os.path.join(includes, "Python.h")), f"no Python.h in {includes}")
    need(run("python-config", "--extension-suffix").strip().endswith(".so"), "python-config knows no suffix")
passed(", ".join(found))
