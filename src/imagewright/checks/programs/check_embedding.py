# SPDX-License-Identifier: Apache-2.0
"""libpython is there for programs that embed it: it loads, and where there is a compiler, it is linked with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile

from verdict import need, passed, run

SOURCE = r"""
#include <Python.h>

int main(void)
{
    Py_Initialize();
    int status = PyRun_SimpleString("import json, ssl, sys, zlib; print(sys.version.split()[0], json.dumps([1]))");
    return Py_FinalizeEx() < 0 ? 120 : status;
}
"""
LOAD = """
import ctypes, sys
library = ctypes.PyDLL(sys.argv[1])
library.Py_GetVersion.restype = ctypes.c_char_p
print(library.Py_GetVersion().decode().split()[0])
"""

name = sysconfig.get_config_var("INSTSONAME")
path = os.path.join(sysconfig.get_config_var("LIBDIR"), name)
need(os.path.isfile(path), f"there is no {path}")
# By name alone: the dynamic linker must know the directory. A debug build has no stable ABI library.
for loaded in (name,) if sysconfig.get_config_var("Py_DEBUG") else (name, "libpython3.so"):
    process = subprocess.run([sys.executable, "-c", LOAD, loaded], capture_output=True, text=True, check=False)
    problem = (process.stderr.strip().splitlines() or [""])[-1]
    need(process.returncode == 0, f"{loaded} does not load: {problem}")
    need(
        process.stdout.strip() == sys.version.split()[0].rstrip("+"),
        f"{loaded} is Python {process.stdout.strip()}",
    )
compiler = shutil.which("gcc")
if compiler is None:
    passed(f"{name} loads")
with tempfile.TemporaryDirectory() as directory:
    source, program = os.path.join(directory, "embed.c"), os.path.join(directory, "embed")
    with open(source, "w") as file:
        file.write(SOURCE)
    flags = run("python-config", "--includes", "--ldflags", "--embed").split()
    run(compiler, source, "-o", program, *flags)
    output = run(program).split()
    need(output == [sys.version.split()[0], "[1]"], f"the program says {output}")
passed(f"{name} loads; a program was linked with it")
