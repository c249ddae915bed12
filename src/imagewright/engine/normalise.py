# SPDX-License-Identifier: Apache-2.0
"""What makes a root the same everywhere: leftovers gone, times clamped, dates of the user database fixed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from imagewright.engine.trees import key, scan
from imagewright.engine.unpack import disk
from imagewright.model.tree import Entry, Kind
from imagewright.recipes import roots as recipe

_SECONDS_A_DAY = 86_400
_CHANGED = 2  # the third field of shadow(5): days between 1970 and the last change of the password


def now_on(directory: Path) -> int:
    """The time, in nanoseconds, as the file system of ``directory`` would note it now."""
    with disk("cannot use the workspace"), tempfile.TemporaryFile(dir=directory) as file:
        return os.fstat(file.fileno()).st_mtime_ns


def normalise(
    root: Path, started: int, epoch: int, *, whole: bool, layout: recipe.Layout = recipe.DEBIAN_LAYOUT
) -> None:
    """Remove and empty what the layout says, and let no time be later than ``epoch`` (seconds).

    Files that were written since ``started`` (:func:`now_on`) get ``epoch`` as well, so that a clock that is
    wrong does not show. ``whole`` is for a root of its own, as against the changes above another.
    """
    with disk("cannot normalise a root"):
        found = scan(root).entries
        kept = [entry for entry in found if not layout.removed.match(entry.path)]
        gone = [entry for entry in found if layout.removed.match(entry.path)]
        for entry in reversed(gone):
            _remove(root / entry.path, entry)
        for entry in kept:
            if entry.kind is Kind.FILE and entry.size and layout.emptied.match(entry.path):
                (root / entry.path).write_bytes(b"")
        _fix_shadow(root / "etc/shadow", epoch)
        if whole:
            for path, mode in layout.directories:
                (root / path).mkdir(parents=True, exist_ok=True)
                (root / path).chmod(mode)
            kept = list(scan(root).entries)
        for entry in kept:
            _clamp(root, entry.path, started, epoch)
        _clamp(root, "", started, epoch)


def _remove(path: Path, entry: Entry) -> None:
    if entry.kind is Kind.DIRECTORY:
        path.rmdir()
    else:
        path.unlink()


def _fix_shadow(path: Path, epoch: int) -> None:
    """Dates later than the epoch become the epoch's: bookworm's tools and older ones write today's."""
    if not path.exists():
        return
    latest = epoch // _SECONDS_A_DAY
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    fixed = []
    for line in lines:
        fields = line.split(":")
        if len(fields) > _CHANGED and fields[_CHANGED].isdigit() and int(fields[_CHANGED]) > latest:
            fields[_CHANGED] = str(latest)
        fixed.append(":".join(fields))
    if fixed != lines:
        path.write_text("".join(fixed), encoding="utf-8")  # in place: owner and mode stay


def _clamp(root: Path, path: str, started: int, epoch: int) -> None:
    place = os.fsencode(root) + b"/" + key(path) if path else os.fsencode(root)
    state = os.lstat(place)
    if state.st_mtime_ns > epoch * 1_000_000_000 or state.st_mtime_ns >= started:
        os.utime(place, (epoch, epoch), follow_symlinks=False)
