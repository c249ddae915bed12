# SPDX-License-Identifier: Apache-2.0
"""Every module of the standard library can be imported, but for libraries that the variant leaves out."""

from __future__ import absolute_import, division, print_function

import importlib
import io
import os
import sys
import sysconfig
import warnings

from verdict import failed, passed, words

# ruff: noqa: SIM905 - words read better

ELSEWHERE = frozenset(
    # Other operating systems' modules, what only starts programs, a browser that opens, a poem that is printed;
    # what cookielib imports and cannot be imported before it.
    "_osx_support macpath macurl2path ntpath nturl2path os2emxpath antigravity this __phello__"
    " _LWPCookieJar _MozillaCookieJar".split()
)


def names():
    """What is built in, and what lies in the directories."""
    listed = set(sys.builtin_module_names)
    library = sysconfig.get_path("stdlib")
    for directory in (library, os.path.join(library, "lib-dynload")):
        for name in os.listdir(directory):
            first, _, rest = name.partition(".")
            package = os.path.isfile(os.path.join(directory, name, "__init__.py"))
            if (
                rest in ("py", "so")
                or rest.endswith("module.so")
                or (package and name not in ("site-packages", "test"))
            ):
                listed.add(first[: -len("module")] if first.endswith("module") and rest == "so" else first)
    return sorted(name for name in listed - ELSEWHERE if name.replace("_", "a").isalnum())


def attempt(name):
    """Import a module; what went wrong, or nothing."""
    try:
        importlib.import_module(name)
    except BaseException as error:
        return "%s: %s" % (type(error).__name__, error)
    return ""


def main():
    warnings.simplefilter("ignore")
    output, sys.stdout = sys.stdout, io.BytesIO()
    problems = {}
    for name in names():
        problem = attempt(name)
        if problem:
            problems[name] = problem
    sys.stdout = output
    optional = set(words("IW_OPTIONAL_MODULES"))
    if "_tkinter" in optional:
        optional |= {"Tkinter", "turtle", "idlelib"}
    # A module that is there and lacks its library says which; one that was never built does not.
    excused = set(name for name in optional & set(problems) if ".so" in problems[name])
    wrong = ["%s (%s)" % (name, problem) for name, problem in sorted(problems.items()) if name not in excused]
    if wrong:
        failed("%d modules cannot be imported: %s" % (len(wrong), ", ".join(wrong)))
    left_out = "; without their libraries: %s" % ", ".join(sorted(excused)) if excused else ""
    passed("%d modules%s" % (len(names()) - len(problems), left_out))


main()
