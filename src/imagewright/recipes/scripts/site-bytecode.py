# SPDX-License-Identifier: Apache-2.0
"""Compile installed packages, as the standard library was compiled; runs inside an image.

Hash-based bytecode that is not checked depends neither on file times nor on who owns the directory (PEP 552). One
process for each package, because the bytes of a module depend on what the same process compiled before. A file
that is no Python of this version stays without bytecode, as pip leaves it too; one that has bytecode already, as
those with which pip starts, keeps it.
"""

from __future__ import annotations

import importlib.util
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
for modules in (place.glob("*.py"), *(path.rglob("*.py") for path in packages)):
    names = [
        f"{module}\n"
        for module in sorted(modules)
        if not pathlib.Path(importlib.util.cache_from_source(str(module))).exists()
    ]
    if not names:
        continue
    ended = subprocess.run(
        [*command, "-i", "-"],
        input="".join(names),
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        check=False,
    )
    if ended.returncode not in (0, 1):
        raise SystemExit(ended.returncode)
