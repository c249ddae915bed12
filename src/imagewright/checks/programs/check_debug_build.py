# SPDX-License-Identifier: Apache-2.0
"""A debug build: references are counted, its own ABI flag, and assertions in C."""

from __future__ import annotations

import subprocess
import sys
import sysconfig

from verdict import need, passed, run

version = f"{sys.version_info[0]}.{sys.version_info[1]}"
for name in ("python", "python3", f"python{version}", f"python{version}d"):
    output = run(name, "-c", "import sys; print(sys.gettotalrefcount() > 0, sys.abiflags)").split()
    need(output == ["True", "d"], f"{name} says {output}")
need(sysconfig.get_config_var("Py_DEBUG") == 1, "sysconfig knows nothing of it")
need(
    f"{version.replace('.', '')}d-" in str(sysconfig.get_config_var("EXT_SUFFIX")),
    "extensions have no suffix of their own",
)
process = subprocess.run(
    [sys.executable, "-X", "showrefcount", "-c", "pass"], capture_output=True, text=True, check=False
)
need("refs" in process.stderr, f"-X showrefcount prints {process.stderr!r}")
passed(f"python{version}d counts references")
