# SPDX-License-Identifier: Apache-2.0
"""Texts that a recipe writes into a root."""

from __future__ import annotations

from pathlib import Path

from imagewright.errors import BuildError


def inside(root: Path, path: str) -> Path:
    """The place of a path below a root, whose directories are really there or not there at all.

    A package may ship a symbolic link where a directory is expected; followed from here, it would lead out of the
    root. Raises :class:`BuildError` for one.
    """
    place = root
    for part in path.split("/")[:-1]:
        place = place / part
        if place.is_symlink():
            raise BuildError(f"/{path} leads through a symbolic link", why=f"/{place.relative_to(root)} is one")
    return root / path


def write_file(root: Path, path: str, text: str) -> None:
    """Write a file below a root, executable where it begins with ``#!``, in place of one that is there.

    Raises :class:`BuildError` for a path that leads elsewhere, ``OSError`` where the disk refuses.
    """
    place = root
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise BuildError(f"{path!r} is no path inside a root")
    for part in parts[:-1]:
        place = place / part
        if not place.is_dir():
            place.mkdir()
            place.chmod(0o755)
        if place.is_symlink():
            raise BuildError(f"/{path} leads through a symbolic link")
    target = place / parts[-1]
    target.unlink(missing_ok=True)
    target.write_text(text, encoding="utf-8")
    target.chmod(0o755 if text.startswith("#!") else 0o644)
