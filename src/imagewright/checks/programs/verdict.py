# SPDX-License-Identifier: Apache-2.0
"""How a check program tells its result: one line, and an exit status.

The programs run inside an image, by its own interpreter and with nothing but its standard library; they are
written for Python 3.9 and newer. What they are told is in the environment:

IW_RELEASE            the version expected
IW_VARIANT            full, slim, minimal, …
IW_OPTIONAL_MODULES   extension modules whose libraries this variant leaves out, separated by blanks
IW_ABSENT_MODULES     those of them that were perhaps never built
IW_PIP_COMPILED       yes where pip is the one that CPython brings, whose start has bytecode
IW_PLAIN              modules and packages of the standard library without bytecode, as patterns of their paths
IW_PARTS              parts of the interpreter's tree that the image has: interpreter, development, …
IW_ADDRESS            a Debian archive that can be reached, or nothing
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NoReturn

SKIPPED = 77
"""Exit status of a check that does not apply, as in automake's test suites."""


def passed(detail: str) -> NoReturn:
    """End well; ``detail`` says what was seen."""
    end(detail, 0)


def failed(detail: str) -> NoReturn:
    """End badly; ``detail`` says what was expected and what was seen."""
    end(detail, 1)


def skipped(reason: str) -> NoReturn:
    """End without a result."""
    end(reason, SKIPPED)


def end(detail: str, status: int) -> NoReturn:
    sys.stdout.flush()
    os.write(1, " ".join(detail.split()).encode("utf-8", "backslashreplace") + b"\n")  # whatever the locale
    raise SystemExit(status)


def need(condition: object, detail: str) -> None:
    """Fail unless something holds."""
    if not condition:
        failed(detail)


def words(name: str) -> list[str]:
    """The words of an environment variable."""
    return os.environ.get(name, "").split()


def parts() -> list[str]:
    """The parts of the interpreter's tree that the image has; all where nobody says."""
    return words("IW_PARTS") or ["interpreter", "development", "installers", "extras", "debug"]


def run(*arguments: str, **environment: str) -> str:
    """A command's combined output; fail if it does. ``environment`` is added to our own."""
    process = subprocess.run(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode:
        last = (process.stdout.strip().splitlines() or ["no output"])[-1]
        failed(f"{' '.join(arguments)[:120]}: exit status {process.returncode}: {last[:300]}")
    return process.stdout


def python(source: str, *options: str, **environment: str) -> str:
    """The output of a fresh interpreter that runs some source."""
    return run(sys.executable, *options, "-c", source, **environment)
