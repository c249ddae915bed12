# SPDX-License-Identifier: Apache-2.0
"""Interpreters in an image: how they were configured, and which modules they bring."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

from imagewright.describe.scan import Scan
from imagewright.model.contents import Interpreter

_DATA = re.compile(r"(usr/(?:local/)?lib/python([0-9.]+t?))/_sysconfigdata[^/]*\.py")
_MODULE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?:\.py|\.cpython-[^/]*\.so|\.abi3\.so|\.so)")
_NO_PACKAGES = frozenset({"site-packages", "dist-packages", "__pycache__"})
_MAXIMUM = 2 << 20
"""Characters of a _sysconfigdata module; CPython's have about 50,000."""

SHOWN = (
    "CONFIG_ARGS",
    "CC",
    "OPT",
    "CFLAGS",
    "PY_CFLAGS",
    "PY_CFLAGS_NODIST",
    "LDFLAGS",
    "PY_LDFLAGS_NODIST",
    "PGO_PROF_USE_FLAG",
    "SOABI",
    "EXT_SUFFIX",
    "MULTIARCH",
    "Py_ENABLE_SHARED",
    "Py_DEBUG",
    "Py_GIL_DISABLED",
    "WITH_PYMALLOC",
    "WITH_MIMALLOC",
    "WITH_DTRACE",
    "ENSUREPIP",
    "TZPATH",
)
"""The variables that a report shows; ``--json`` has all."""


def interpreters(found: Scan, environment: Iterable[tuple[str, str]]) -> tuple[Interpreter, ...]:
    """Each CPython with a standard library of its own, by path."""
    release = dict(environment).get("PYTHON_VERSION", "")
    result = []
    for path, content in sorted(found.texts.items()):
        if match := _DATA.fullmatch(path):
            series = match[2]
            whole = release if release.startswith(f"{series.rstrip('t')}.") and "local" in match[1] else series
            modules = tuple(sorted(set(_modules(found, match[1]))))
            result.append(Interpreter(match[1], whole, read_variables(content), modules))
    return tuple(result)


def read_variables(content: bytes) -> tuple[tuple[str, str], ...]:
    """``build_time_vars = {…}`` as sorted pairs, without running it; nothing where it is anything else."""
    if len(content) > _MAXIMUM:
        return ()
    try:
        with warnings.catch_warnings():  # of its spelling, which is nobody's concern here
            warnings.simplefilter("ignore")
            tree = ast.parse(content)
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                if node.targets[0].id != "build_time_vars":
                    continue
                found = ast.literal_eval(node.value)
                if isinstance(found, dict):
                    return tuple(sorted((str(name), str(value)) for name, value in found.items()))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ()
    return ()


def _modules(found: Scan, library: str) -> Iterator[str]:
    start = len(library) + 1
    for path in found.files:
        if not path.startswith(f"{library}/"):
            continue
        *packages, name = path[start:].split("/")
        match = _MODULE.fullmatch(name)
        if match is None or not _NO_PACKAGES.isdisjoint(packages):
            continue
        if packages[:1] == ["lib-dynload"]:
            packages = packages[1:]
        if packages and not all(package.isidentifier() for package in packages):
            continue
        yield ".".join(packages if match[1] == "__init__" else [*packages, match[1]])
