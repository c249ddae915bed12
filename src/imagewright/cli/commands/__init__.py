# SPDX-License-Identifier: Apache-2.0
"""The commands. Each reads its words, calls one use case, and writes the answer.

One module holds the commands of one theme; they are listed here, in the order a person meets them, and imported
when they are needed: a command should not wait for what others need.
"""

from __future__ import annotations

from imagewright.cli.commands.group import COMPLETE_VARIABLE, PROGRAM, cli
from imagewright.cli.options import Deferred

__all__ = ["COMPLETE_VARIABLE", "PROGRAM", "cli"]

MODULES = {
    "build": "building",
    "plan": "building",
    "lock": "building",
    "tags": "tags",
    "update": "updating",
    "outdated": "updating",
    "check": "images",
    "run": "images",
    "train": "training",
    "push": "registries",
    "pull": "registries",
    "copy": "registries",
    "inspect": "registries",
    "report": "describing",
    "diff": "describing",
    "attest": "attesting",
    "keygen": "attesting",
    "sign": "attesting",
    "verify": "attesting",
    "rebuild": "attesting",
    "retag": "registries",
    "untag": "registries",
    "gc-remote": "registries",
    "library": "library",
    "readme": "readme",
    "status": "status",
    "store": "store",
    "init": "starting",
    "completion": "completion",
}
"""Where each command is."""

cli.commands = Deferred(__name__, MODULES)
