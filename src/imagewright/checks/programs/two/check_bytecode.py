# SPDX-License-Identifier: Apache-2.0
"""The standard library's bytecode is there, and of the times and the version that make Python use it."""

from __future__ import absolute_import, division, print_function

import imp
import os
import struct
import sysconfig
from fnmatch import fnmatch

from verdict import failed, need, passed, python

PASSED_OVER = ("site-packages", "config")
WITHOUT = (
    "_aix_support",
    "_android_support",
    "_apple_support",
    "_ios_support",
    "_osx_support",
    "_pydatetime",
    "_pydecimal",
    "_pyio",
    "_pyrepl/windows_*",
    "asyncio/proactor_events",
    "asyncio/windows_*",
    "ctypes/_aix",
    "ctypes/macholib",
    "ctypes/wintypes",
    "encodings/cp[05789]*",
    "encodings/cp1[01]*",
    "encodings/cp125[3-8]",
    "encodings/cp273",
    "encodings/cp424",
    "encodings/hp_roman8",
    "encodings/iso8859_1[0-46-9]",
    "encodings/iso8859_[2-9]",
    "encodings/koi8_[tu]",
    "encodings/kz1048",
    "encodings/mac_*",
    "encodings/mbcs",
    "encodings/oem",
    "encodings/palmos",
    "encodings/ptcp154",
    "encodings/tis_620",
    "ensurepip",
    "ftplib",
    "idlelib",
    "imaplib",
    "lib-tk",
    "lib2to3",
    "mailbox",
    "msilib",
    "multiprocessing/popen_spawn_win32",
    "nturl2path",
    "pickletools",
    "poplib",
    "pyclbr",
    "pydoc_data",
    "tabnanny",
    "tkinter",
    "turtle",
    "turtledemo",
    "xmlrpc",
)

library = sysconfig.get_path("stdlib")


def left_as_source(module):
    """Whether a module, named by its path without a suffix, needs no bytecode."""
    return any(fnmatch(module, word) or module.startswith(word + "/") for word in WITHOUT)


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
