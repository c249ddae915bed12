# SPDX-License-Identifier: Apache-2.0
"""The commands are in PATH, belong to this Python, and work."""

from __future__ import absolute_import, division, print_function

import os
from distutils.spawn import find_executable

from verdict import need, passed, run, words

place = "/usr/local/bin"
parts = words("IW_PARTS")
names = ["pydoc", "python", "python2"]
names += ["pip", "pip2", "pip2.7"] if "installers" in parts else []
names += ["python-config", "python2-config"] if "development" in parts else []
names += ["idle", "2to3"] if "extras" in parts else []
for name in names:
    path = find_executable(name)
    need(path == os.path.join(place, name), "%s is %s, not the one in %s" % (name, path, place))
for name in sorted(os.listdir(place)):
    path = os.path.join(place, name)
    need(os.path.exists(path), "%s leads nowhere" % path)
    with open(path, "rb") as script:
        first = script.readline(200)
    if first.startswith(b"#!"):
        interpreter = first[2:].split()[0]
        need(os.access(interpreter, os.X_OK), "%s wants %s, which is not there" % (path, interpreter))
if "installers" in parts:
    need("python 2.7" in run("pip", "--version"), "pip belongs to another Python")
need("posixpath" in run("pydoc", "posixpath"), "pydoc shows nothing")
if "development" in parts:
    includes = run("python-config", "--includes").split()[0][2:]
    need(os.path.isfile(os.path.join(includes, "Python.h")), "no Python.h in %s" % includes)
passed(", ".join(names))
