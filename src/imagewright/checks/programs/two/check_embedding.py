# SPDX-License-Identifier: Apache-2.0
"""libpython is there for programs that embed it."""

from __future__ import absolute_import, division, print_function

import os
import subprocess
import sys
import sysconfig
import tempfile
from distutils.spawn import find_executable

from verdict import need, passed, run

SOURCE = r"""
#include <Python.h>

int main(void)
{
    Py_Initialize();
    int status = PyRun_SimpleString("import json, ssl, sys, zlib; print sys.version.split()[0], json.dumps([1])");
    Py_Finalize();
    return status;
}
"""
LOAD = """
import ctypes, sys
library = ctypes.PyDLL(sys.argv[1])
library.Py_GetVersion.restype = ctypes.c_char_p
print(library.Py_GetVersion().split()[0])
"""

name = sysconfig.get_config_var("INSTSONAME")
path = os.path.join(sysconfig.get_config_var("LIBDIR"), name)
need(os.path.isfile(path), "there is no %s" % path)
# By name alone: the dynamic linker must know the directory.
output = subprocess.check_output([sys.executable, "-c", LOAD, name], universal_newlines=True)
need(output.strip() == sys.version.split()[0], "%s is Python %s" % (name, output.strip()))
if find_executable("gcc") is None:
    passed("%s loads" % name)
directory = tempfile.mkdtemp()
source, program = os.path.join(directory, "embed.c"), os.path.join(directory, "embed")
with open(source, "w") as file:
    file.write(SOURCE)
run("gcc", source, "-o", program, *run("python-config", "--includes", "--ldflags").split())
output = run(program).split()
need(output == [sys.version.split()[0], "[1]"], "the program says %s" % output)
passed("%s loads; a program was linked with it" % name)
