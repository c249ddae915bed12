# SPDX-License-Identifier: Apache-2.0
"""A tree of Dockerfiles on the disk: written whole or not at all, or compared with what is there and linted."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from imagewright.app.dockerfiles import NAME, Printer, all_files
from imagewright.app.world import World
from imagewright.emit.dockerfiles.lint import lint
from imagewright.emit.dockerfiles.printing import MARK
from imagewright.errors import MachineError, UsageError
from imagewright.model.dockerfiles import DockerfileOptions, DockerfileTree, LintFinding

_LARGEST = 16 << 20
"""Bytes of a file that is looked at for comparison."""


def write_tree(world: World, root: Path, options: DockerfileOptions) -> DockerfileTree:
    """The tree of all images that are meant. Files of others are left alone; Dockerfiles of ours that belong to no
    image any more are removed, with what lies beside them by our names.

    Raises :class:`UsageError` if no image has a Dockerfile.
    """
    printer = Printer(world, options)
    files, left_out = all_files(printer, printer.names())
    if not files:
        why = f"{left_out[0].image}: {left_out[0].reason}" if left_out else "the catalog has no images"
        raise UsageError("there is no Dockerfile to write", why=why)
    before = {path: content for path in files if (content := _read(root / path)) is not None}
    changed = tuple(path for path, content in files.items() if before.get(path) != content)
    # Only of a whole catalog is known what does not belong to it.
    removed = () if options.selection.only else tuple(_stale(root, files))
    difference = tuple(_difference(before, files, changed, removed, root)) if options.check else ()
    findings = tuple(_findings(before, files)) if options.check else ()
    if not options.check:
        _write(root, {path: files[path] for path in changed}, world.umask)
        _remove(root, removed)
    return DockerfileTree(root, tuple(files), changed, removed, difference, left_out, findings)


def _stale(root: Path, files: Mapping[str, bytes]) -> Iterator[str]:
    """Dockerfiles that carry our mark, and the profiles and patches beside them, which are not in the tree."""
    for path in sorted(root.rglob(NAME)) if root.is_dir() else ():
        content = _read(path)
        if content is None or MARK.encode() not in content[:2000]:
            continue
        beside = (*path.parent.glob("profile-*.tar.xz"), *path.parent.glob("patch-*.patch"))
        for file in (path, *sorted(beside)):
            name = file.relative_to(root).as_posix()
            if name not in files:
                yield name


def _findings(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> Iterator[LintFinding]:
    """What is against our rules in the Dockerfiles as they lie there; in those that are missing, as they would."""
    for path in files:
        if path.endswith(f"/{NAME}"):
            text = before.get(path, files[path]).decode("utf-8", "replace")
            for found in lint(text):
                yield LintFinding(path, found.line, found.rule, found.message)


def _difference(
    before: Mapping[str, bytes],
    files: Mapping[str, bytes],
    changed: Iterable[str],
    removed: Iterable[str],
    root: Path,
) -> Iterator[str]:
    """Lines of a unified diff, from what is there to what should be."""
    for path in changed:
        old, new = before.get(path), files[path]
        if not path.endswith(f"/{NAME}"):
            yield f"Binary files {path} differ"
            continue
        yield from _lines(path, old, new)
    for path in removed:
        if path.endswith(f"/{NAME}"):
            yield from _lines(path, _read(root / path), None)
        else:
            yield f"Only in {root}: {path}"


def _lines(path: str, old: bytes | None, new: bytes | None) -> Iterator[str]:
    before, after = ([] if data is None else data.decode("utf-8", "replace").splitlines() for data in (old, new))
    sides = ["/dev/null" if data is None else f"{side}/{path}" for side, data in (("a", old), ("b", new))]
    yield from difflib.unified_diff(before, after, sides[0], sides[1], lineterm="")


def _write(root: Path, files: Mapping[str, bytes], umask: int) -> None:
    """All new contents lie beside their places before the first of them takes one."""
    with ExitStack() as undo:
        moves = []
        try:
            for path, content in files.items():
                place = root / path
                place.parent.mkdir(parents=True, exist_ok=True)
                temporary = place.with_name(f".{place.name}.{os.getpid()}")
                undo.callback(_forget, temporary)
                temporary.write_bytes(content)
                temporary.chmod(0o666 & ~umask)
                moves.append((temporary, place))
            for temporary, place in moves:
                temporary.replace(place)
        except OSError as error:
            raise MachineError(f"cannot write {root}", why=error.strerror or str(error)) from error


def _remove(root: Path, paths: Iterable[str]) -> None:
    for path in paths:
        try:
            (root / path).unlink()
        except OSError as error:
            raise MachineError(f"cannot remove {root / path}", why=error.strerror or str(error)) from error
        with suppress(OSError):  # it stays where somebody else has something in it
            (root / path).parent.rmdir()


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)


def _read(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise MachineError(f"cannot read {path}", why=error.strerror or str(error)) from error
