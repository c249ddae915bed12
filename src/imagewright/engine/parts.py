# SPDX-License-Identifier: Apache-2.0
"""An interpreter's install tree, split into its parts (:mod:`imagewright.recipes.parts`)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from imagewright.engine.trees import entry_at, scan
from imagewright.engine.unpack import disk
from imagewright.errors import BuildError
from imagewright.model.images import PythonPart
from imagewright.model.plan import StepRecord
from imagewright.model.tree import Entry, Kind
from imagewright.recipes.parts import part_of


def split_tree(tree: Path, places: Path) -> dict[PythonPart, Path]:
    """Move every file of ``tree`` to its part's own tree below ``places`` (same file system), which it returns.

    A directory is in every part that has a file below it, with the same mode, owner and time; an empty one in the
    part of its own path. Hard links across parts become files of their own. Raises :class:`BuildError` for what
    :func:`imagewright.engine.trees.scan` refuses.
    """
    entries = scan(tree).entries
    parents = {entry.path.rpartition("/")[0] for entry in entries}
    parts: dict[PythonPart, Path] = {}
    with disk(f"cannot split {tree}"):
        for entry in entries:
            if entry.kind is Kind.DIRECTORY and entry.path in parents:
                continue
            place = parts.setdefault(part_of(entry.path), places / part_of(entry.path))
            if entry.kind is Kind.DIRECTORY:
                _directories(place, entry.path)
            else:
                _directories(place, entry.path.rpartition("/")[0])
                (tree / entry.path).rename(place / entry.path)
        for place in parts.values():
            _like(tree, place, entries)
    return parts


def _directories(place: Path, path: str) -> None:
    (place / path).mkdir(parents=True, exist_ok=True)


def _like(tree: Path, place: Path, entries: Iterable[Entry]) -> None:
    """Give the directories of a part the mode, owner and time of those they were made after."""
    place.chmod(0o755)
    for entry in reversed([entry for entry in entries if entry.kind is Kind.DIRECTORY]):
        path = place / entry.path
        if path.is_dir():
            os.chown(path, entry.uid, entry.gid)
            path.chmod(entry.mode)
            os.utime(path, (entry.mtime, entry.mtime))
    top = entry_at(tree, "")
    if top is not None:
        os.utime(place, (top.mtime, top.mtime))


def merge_trees(into: Path, other: Path) -> None:
    """Move the files of ``other`` into ``into``, on the same file system.

    Raises :class:`BuildError` for a path that both have.
    """
    with disk(f"cannot merge {other}"):
        for entry in scan(other).entries:
            target = into / entry.path
            if entry.kind is Kind.DIRECTORY:
                if not target.is_dir():
                    target.mkdir()
                    target.chmod(entry.mode)
            elif target.is_symlink() or target.exists():
                raise BuildError(f"/{entry.path} is both among the installed and the debug files")
            else:
                (other / entry.path).rename(target)


def parts_left(record: StepRecord, wanted: Iterable[str]) -> tuple[PythonPart, ...]:
    """Those of the wanted parts that a step left, in the order of layers; an empty part is none."""
    outputs, asked = dict(record.outputs), set(wanted)
    return tuple(part for part in PythonPart if part in asked and part in outputs)


def needs_of(part: PythonPart) -> str:
    """The output that says what the ELF files of a part need."""
    return f"{part}.needs"
