# SPDX-License-Identifier: Apache-2.0
"""The standard library's bytecode is there, and of the times and the version that make Python use it."""

from __future__ import absolute_import, division, print_function

import imp
import os
import struct
import sysconfig
from fnmatch import fnmatch

from verdict import failed, need, passed, python, words

PASSED_OVER = ("site-packages", "config")
library = sysconfig.get_path("stdlib")


def left_as_source(module):
    """Whether a module, named by its path without a suffix, needs no bytecode."""
    return any(fnmatch(module, word) or module.startswith(word + "/") for word in words("IW_PLAIN"))


problems, count, size = [], 0, 0
for directory, folders, names in os.walk(library):
    folders[:] = sorted(set(folders) - set(PASSED_OVER))
    for name in sorted(names):
        path = os.path.join(directory, name)
        if not name.endswith(".py") or left_as_source(os.path.relpath(path, library)[:-3]):
            continue
        if not os.path.exists(path + "c"):
            problems.append("%s has none" % path)
            continue
        with open(path + "c", "rb") as file:
            header = file.read(8)
        size += os.path.getsize(path + "c")
        count += 1
        if header[:4] != imp.get_magic():
            problems.append("%sc is another Python's" % path)
        elif struct.unpack("<I", header[4:])[0] != int(os.path.getmtime(path)):
            problems.append("%sc is of another time than its source" % path)
if problems:
    failed("%d problems: %s" % (len(problems), ", ".join(problems[:3])))
need(count > 200, "only %d modules in %s" % (count, library))
log = python("import email, httplib, json, logging, xml.dom.minidom", "-v")
wrote = [line for line in log.splitlines() if line.startswith("# wrote ")]
need(not wrote, "compiled at start: %s" % wrote[:3])
passed("%d modules, %d KiB" % (count, size >> 10))
