# SPDX-License-Identifier: Apache-2.0
"""What the events of ``build --engine … --progress json`` say of an engine's work."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_COMPILE = re.compile(r"(#\d+|.*STEP \d+/\d+:).*RUN .*sh /recipe/python-compile\.sh")
"""How BuildKit and buildah begin to tell of the compile: BuildKit with the number of that piece of work."""

_CACHED = "Using cache"
"""What buildah says next about a step that it has."""

_SHOWN = 150
"""Characters of a line that are worth showing."""


def compiles(log: Path) -> list[str]:
    """The engine's lines that begin a compile, each piece of work once."""
    lines = [event.get("line", "") for event in _events(log)]
    found: dict[str, str] = {}
    for number, line in enumerate(lines):
        match = _COMPILE.match(line)
        if match is not None and _CACHED not in "".join(lines[number + 1 : number + 2]):
            found.setdefault(match[1] if line.startswith("#") else str(number), line[:_SHOWN])
    return list(found.values())


def checks(log: Path) -> tuple[int, list[str]]:
    """How many acceptance checks of what the engine made passed, and the names of those that did not."""
    found = [event for event in _events(log) if event["event"] == "check-finished"]
    return sum(event["passed"] for event in found), [event["check"] for event in found if not event["passed"]]


def _events(log: Path) -> list[Any]:
    return [json.loads(text) for text in log.read_text(encoding="utf-8").splitlines()]
