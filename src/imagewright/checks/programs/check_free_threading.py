# SPDX-License-Identifier: Apache-2.0
"""Without the global interpreter lock: threads run at the same time, and the library does not bring it back."""

from __future__ import annotations

import os
import sys
import sysconfig
import threading

from verdict import need, parts, passed, python, run

version = f"{sys.version_info[0]}.{sys.version_info[1]}"
for name in ("python", "python3", f"python{version}", f"python{version}t"):
    output = run(name, "-c", "import sys; print(sys._is_gil_enabled(), sys.abiflags)").split()
    need(output == ["False", "t"], f"{name} says {output}")
need(sysconfig.get_config_var("Py_GIL_DISABLED") == 1, "sysconfig knows nothing of it")
need("t-" in str(sysconfig.get_config_var("EXT_SUFFIX")), "extensions have the suffix of another ABI")
need(os.path.isdir(f"/usr/local/lib/python{version}t/site-packages"), "the library has no directory of its own")
if "installers" in parts():
    need(f"/python{version}t/site-packages/pip" in run("pip", "--version"), "pip is another's")
output = python("import ssl, sqlite3, ctypes, asyncio, decimal, json, lzma, sys; print(sys._is_gil_enabled())")
need(output == "False\n", f"a module of the library switched the lock on: {output!r}")
need(python("import sys; print(sys._is_gil_enabled())", PYTHON_GIL="1") == "True\n", "PYTHON_GIL=1 has no effect")

counts = [0] * 4
shared: dict[int, int] = {}


def work(number: int) -> None:
    for step in range(20_000):
        counts[number] += 1
        shared[step % 100] = number


threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
need(counts == [20_000] * 4 and len(shared) == 100, f"4 threads counted {counts}")
passed(f"no lock, python{version}t, {len(counts)} threads")
