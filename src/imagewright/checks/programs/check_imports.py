# SPDX-License-Identifier: Apache-2.0
"""Every module of the standard library can be imported, but for those whose library is left out on purpose."""

from __future__ import annotations

import importlib
import io
import os
import sys
import sysconfig
import warnings

from verdict import failed, parts, passed, words

# ruff: noqa: SIM905 - words read better

ELSEWHERE = frozenset(
    # Other operating systems' modules, which the list of names holds everywhere.
    "_android_support _apple_support _ios_support _msi _osx_support _overlapped _scproxy _winapi _winreg _wmi"
    " msilib msvcrt nt ntpath nturl2path winreg winsound"
    # Left out by builds that have no NIS or OSS, or no shadow passwords; gone since 3.13.
    " nis ossaudiodev spwd"
    # Not modules of use: a browser opens, a poem is printed.
    " antigravity this".split()
)

PARTS = {
    "extras": frozenset("_tkinter idlelib lib2to3 pydoc_data tkinter turtle turtledemo".split()),
    "installers": frozenset("ensurepip".split()),
}
"""Modules that are in a part of the tree that some variants leave out."""


def names() -> list[str]:
    """What sys.stdlib_module_names lists (new in 3.10), and what lies in the directories."""
    listed = set(getattr(sys, "stdlib_module_names", sys.builtin_module_names))
    library = sysconfig.get_path("stdlib")
    for directory in (library, os.path.join(library, "lib-dynload")):
        for name in os.listdir(directory):
            first, _, rest = name.partition(".")
            package = os.path.isfile(os.path.join(directory, name, "__init__.py"))
            if rest == "py" or rest.endswith("so") or (package and name not in {"site-packages", "test"}):
                listed.add(first)
    return sorted(
        name for name in listed - left_out() if name.isidentifier() and not name.startswith("_sysconfigdata")
    )


def left_out() -> frozenset[str]:
    """Modules that need not be there."""
    absent = [modules for part, modules in PARTS.items() if part not in parts()]
    return ELSEWHERE.union(*absent)


def attempt(name: str) -> str:
    """Import a module; what went wrong, or nothing."""
    try:
        importlib.import_module(name)
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""


def main() -> None:
    warnings.simplefilter("ignore")  # deprecated modules still belong to the library
    output, sys.stdout = sys.stdout, io.StringIO()
    problems = {name: problem for name in names() for problem in [attempt(name)] if problem}
    sys.stdout = output
    optional = set(words("IW_OPTIONAL_MODULES"))
    if "_tkinter" in optional:
        optional |= {"tkinter", "turtle", "turtledemo", "idlelib"}
    # A module that is there and lacks its library says which; one that was never built does not.
    excused = {name for name in optional & set(problems) if ".so" in problems[name]}
    never = {f"ModuleNotFoundError: No module named '{name}'" for name in words("IW_ABSENT_MODULES")}
    excused |= {name for name, problem in problems.items() if problem in never}
    wrong = [f"{name} ({problem})" for name, problem in problems.items() if name not in excused]
    if wrong:
        failed(f"{len(wrong)} modules cannot be imported: {', '.join(wrong)}")
    left_out = f"; without their libraries: {', '.join(sorted(excused))}" if excused else ""
    passed(f"{len(names()) - len(problems)} modules{left_out}")


main()
