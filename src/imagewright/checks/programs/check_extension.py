# SPDX-License-Identifier: Apache-2.0
"""A C extension is compiled with what sysconfig says, and imported."""

from __future__ import annotations

import os
import shlex
import sysconfig
import tempfile

from verdict import need, passed, python, run

SOURCE = r"""
#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *twice(PyObject *self, PyObject *argument)
{
    (void)self;
    return PyNumber_Add(argument, argument);
}

static PyMethodDef methods[] = {{"twice", twice, METH_O, "Twice as much."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "doubling", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_doubling(void)
{
    return PyModule_Create(&module);
}
"""


def setting(name: str) -> list[str]:
    return shlex.split(sysconfig.get_config_var(name) or "")


with tempfile.TemporaryDirectory() as directory:
    source, built = os.path.join(directory, "doubling.c"), os.path.join(directory, "doubling.o")
    with open(source, "w") as file:
        file.write(SOURCE)
    flags = [*setting("CFLAGS"), *setting("CCSHARED"), "-Wall", "-Wextra"]
    include = sysconfig.get_path("include")
    output = run(*setting("CC"), *flags, f"-I{include}", "-c", source, "-o", built)
    need("error" not in output, output)
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    run(*setting("LDSHARED"), built, "-o", os.path.join(directory, f"doubling{suffix}"))
    answer = python("import doubling; print(doubling.twice(21), doubling.twice('ab'))", PYTHONPATH=directory)
    need(answer == "42 abab\n", f"the extension answers {answer!r}")
    limited = os.path.join(directory, "doubling.abi3.so")
    run(*setting("LDSHARED"), built, "-o", limited)
passed(f"compiled with {' '.join(setting('CC'))} {' '.join(setting('CFLAGS'))}")
