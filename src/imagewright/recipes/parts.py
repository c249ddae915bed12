# SPDX-License-Identifier: Apache-2.0
"""The parts of an interpreter's install tree. It is compiled once; a variant says which parts it has. Pure data.

Each part is a layer of its own, so that the interpreter is the same blob in every variant, and what only some
need (headers, pip, IDLE, debug files) is in nobody's way. A symbolic link is in the part that has its target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from imagewright.model.images import PythonPart

_LIBRARY = "usr/local/lib/python*"
_BIN = "usr/local/bin"


@dataclass(frozen=True, slots=True)
class PartRule:
    """A pattern over paths (relative; ``*`` also stands for slashes), the part they are in, and why."""

    part: PythonPart
    pattern: str
    why: str


PART_RULES: tuple[PartRule, ...] = (
    PartRule(PythonPart.DEBUG, "usr/lib/debug*", "debug information, under the names by which debuggers look"),
    PartRule(PythonPart.DEBUG, "usr/share/gdb*", "gdb loads it by itself with the interpreter: py-bt and others"),
    PartRule(PythonPart.INTERPRETER, f"{_LIBRARY}/site-packages/README*", "the directory must be there"),
    PartRule(PythonPart.INSTALLERS, f"{_LIBRARY}/site-packages/*", "pip, and setuptools and wheel below 3.12"),
    PartRule(PythonPart.INSTALLERS, f"{_LIBRARY}/ensurepip*", "pip once more, for virtual environments"),
    PartRule(PythonPart.INSTALLERS, f"{_BIN}/pip*", "starts pip"),
    PartRule(PythonPart.INSTALLERS, f"{_BIN}/easy_install*", "starts setuptools of old"),
    PartRule(PythonPart.INSTALLERS, f"{_BIN}/wheel*", "starts wheel"),
    PartRule(PythonPart.DEVELOPMENT, "usr/local/include*", "headers of the C API"),
    PartRule(PythonPart.DEVELOPMENT, "usr/local/lib/pkgconfig*", "tells build systems where headers are"),
    PartRule(PythonPart.DEVELOPMENT, "usr/local/lib/libpython*", "for programs that embed an interpreter"),
    PartRule(PythonPart.DEVELOPMENT, f"{_LIBRARY}/config", "what the interpreter was built with (Python 2)"),
    PartRule(PythonPart.DEVELOPMENT, f"{_LIBRARY}/config/*", "the same"),
    PartRule(PythonPart.DEVELOPMENT, f"{_LIBRARY}/config-*", "Makefile and templates, to build modules"),
    PartRule(PythonPart.DEVELOPMENT, f"{_LIBRARY}/build-details.json", "how to build for it (PEP 739)"),
    PartRule(PythonPart.DEVELOPMENT, f"{_BIN}/python*-config", "prints flags for compiler and linker"),
    PartRule(PythonPart.EXTRAS, "usr/local/share/man*", "manual pages"),
    PartRule(PythonPart.EXTRAS, f"{_BIN}/idle*", "starts IDLE"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/idlelib*", "IDLE, an editor with windows"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/tkinter*", "windows need Tk, and a display"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/lib-tk*", "the same in Python 2"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/lib-dynload/_tkinter.*", "the same, compiled"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/lib-dynload/_tkinter_*", "the same, as some builds name it"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/turtledemo*", "demonstrations in a window"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/turtle.py*", "draws in a window"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/__pycache__/turtle.*", "the same, as bytecode"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/pydoc_data*", "the language reference as texts for help()"),
    PartRule(PythonPart.EXTRAS, f"{_LIBRARY}/lib2to3*", "rewrites Python 2 programs; gone with 3.13"),
    PartRule(PythonPart.EXTRAS, f"{_BIN}/2to3*", "starts it"),
)
"""The first that matches decides; what none is about belongs to the interpreter."""

WITHOUT_BYTECODE = (
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
    "modulefinder",
    "msilib",
    "multiprocessing/popen_spawn_win32",
    "nturl2path",
    "pickletools",
    "poplib",
    "profile",
    "pyclbr",
    "pydoc",
    "pydoc_data",
    "tabnanny",
    "tkinter",
    "trace",
    "turtle",
    "turtledemo",
    "wave",
    "webbrowser",
    "xmlrpc",
)
"""Packages and modules of the standard library that are shipped as source alone, as shell patterns of their paths.

Few images ever import one; some stand in for modules in C that are always there, others serve other operating
systems. Modules that are frozen into the executable go without as well, which the build asks it for.
bench/RESULTS.md has the numbers.
"""

_GROUPS = re.compile("|".join(f"({translate(rule.pattern)})" for rule in PART_RULES))


def part_of(path: str) -> PythonPart:
    """The part that a path (relative to the root) is in."""
    found = _GROUPS.match(path)
    return PART_RULES[found.lastindex - 1].part if found and found.lastindex else PythonPart.INTERPRETER
