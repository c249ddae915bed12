# SPDX-License-Identifier: Apache-2.0
"""The ``sysroot`` and ``emulator`` steps: packages unpacked, nothing of them run; only a tree is left."""

from __future__ import annotations

from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.unpack import Unpacker, disk
from imagewright.model.plan import UnpackWork
from imagewright.recipes.pathrules import PathRules

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32")
_SPLIT = ("bullseye",)
"""Suites whose packages may put files beside /usr for good: the last before /usr was merged everywhere."""


def run_unpack(context: StepContext) -> Outcome:
    """Unpack; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, UnpackWork)
    root = context.workspace / "root"
    context.phase("unpack")
    with disk("cannot make a root"):
        root.mkdir()
        root.chmod(0o755)
        for name in _MERGED if work.suite not in _SPLIT else ():
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")
    unpacker = Unpacker(root, (), PathRules(work.exclude, work.include))
    blobs = context.ports.blobs
    unpacker.unpack(work.packages, lambda package: blobs.open(package.sha256), diversions={}, jobs=context.jobs)
    context.ports.trees.adopt(root, context.step.id)
    return Outcome(())
