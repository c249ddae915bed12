# SPDX-License-Identifier: Apache-2.0
"""Python package indexes: mirrors of role ``pypi`` from flags and configuration, else what this machine's pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

from imagewright.app.world import World
from imagewright.archives.pypi.index import ROLE, SimpleIndex
from imagewright.archives.pypi.machine import configured_indexes, default_index, has_index
from imagewright.model.ports import Fetcher

_PATIENCE = 60.0
"""Seconds that pip may take to say what it is configured to."""


def python_index(world: World, fetcher: Fetcher) -> SimpleIndex:
    """The indexes to ask, in order."""
    return SimpleIndex(dict(world.settings().mirrors).get(ROLE) or machine_indexes(), fetcher)


def machine_indexes() -> tuple[str, ...]:
    """What pip on this machine would ask: its variables and files, else its own default; nothing without a pip."""
    for program in ((sys.executable, "-m", "pip"), (shutil.which("pip3") or "pip3",)):
        listing = _said((*program, "config", "list"))
        if listing is None:
            continue
        named = configured_indexes(listing)
        if has_index(listing):
            return named
        own = default_index(_said((*program, "install", "--help")) or "")
        return (own, *named) if own else named
    return ()


def _said(arguments: Sequence[str]) -> str | None:
    """What a command prints, or ``None`` where there is no such command or it fails."""
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
