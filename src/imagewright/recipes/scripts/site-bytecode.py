# SPDX-License-Identifier: Apache-2.0
"""Compile installed packages, as the standard library was compiled; runs inside an image.

Hash-based bytecode that is not checked depends neither on file times nor on who owns the directory (PEP 552). One
process for each package, because the bytes of a module depend on what the same process compiled before. A file
that is no Python of this version stays without bytecode, as pip leaves it too.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

place = pathlib.Path(sys.argv[1])
command = [sys.executable, "-s", "-m", "compileall", "-q", "-o", "0", "--invalidation-mode", "unchecked-hash"]
packages = [
    path
    for path in sorted(place.iterdir())
    if path.is_dir() and path.name != "__pycache__" and not path.name.endswith(".dist-info")
]
for arguments in (["-l", str(place)], *([str(path)] for path in packages)):
    status = subprocess.call([*command, *arguments], env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""})
    if status not in (0, 1):
        raise SystemExit(status)
