# SPDX-License-Identifier: Apache-2.0
"""A C extension is compiled by distutils and imported."""

from __future__ import absolute_import, division, print_function

import os
import sys
import tempfile

from verdict import need, passed, python, run

SOURCE = r"""
#include <Python.h>

static PyObject *twice(PyObject *self, PyObject *argument)
{
    return PyNumber_Add(argument, argument);
}

static PyMethodDef methods[] = {{"twice", twice, METH_O, "Twice as much."}, {NULL, NULL, 0, NULL}};

PyMODINIT_FUNC initdoubling(void)
{
    Py_InitModule("doubling", methods);
}
"""
SETUP = """
from distutils.core import Extension, setup
setup(name="doubling", ext_modules=[Extension("doubling", ["doubling.c"])])
"""

directory = tempfile.mkdtemp()
os.chdir(directory)
for name, text in (("doubling.c", SOURCE), ("setup.py", SETUP)):
    with open(name, "w") as file:
        file.write(text)
run(sys.executable, "setup.py", "build_ext", "--inplace")
answer = python("import doubling; print(doubling.twice(21))", PYTHONPATH=directory)
need(answer == "42\n", "the extension answers %r" % answer)
passed("compiled by distutils")
