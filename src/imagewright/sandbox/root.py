# SPDX-License-Identifier: Apache-2.0
"""Make a root and everything mounted in it, and move into it. Standard library only."""

# Importing pathlib would take a tenth of a whole run.
# ruff: noqa: PTH102, PTH106, PTH108, PTH110, PTH112, PTH120
from __future__ import annotations

import contextlib
import os
import signal

from imagewright.sandbox.mounts import Operation, cover
from imagewright.sandbox.request import Request
from imagewright.sandbox.system import (
    MNT_DETACH,
    MS_PRIVATE,
    MS_REC,
    NEW_NS,
    NO_DEV,
    NO_SUID,
    attach,
    checked,
    clone_tree,
    detach,
    doing,
    libc,
    mount,
    new_filesystem,
)


def mount_root(request: Request, operations: tuple[Operation, ...]) -> None:
    """Make the root and move into it; the machine's tree is gone afterwards, but for open handles.

    Everything is named by handles, so that no path needs escaping and none is too long for mount(2).
    """
    anchor = request.plain or request.lower[0]  # any directory will do to hang ours on; this one exists
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    lower = [os.open(path, flags) for path in request.lower]
    changes = [os.open(path, flags) for path in (request.upper, request.work) if path is not None]
    plain = clone_tree(request.plain, NO_SUID | NO_DEV) if request.plain else -1
    missing = missing_points(request, operations)
    attach(new_filesystem("tmpfs", NO_SUID | NO_DEV, mode="755"), anchor)
    root = f"{anchor}/root"
    for name in ("root", "upper", "work", "points"):
        os.mkdir(f"{anchor}/{name}", 0o755)
    if request.plain:
        attach(plain, root)
    else:
        for operation in missing:
            make_point(f"{anchor}/points{operation.target}", is_directory=operation.directory())
        if missing:
            lower.append(os.open(f"{anchor}/points", flags))
        if request.work:
            forget_volatile(request.work)
        else:
            changes = [os.open(f"{anchor}/{name}", flags) for name in ("upper", "work")]
        os.chdir("/proc/self/fd")
        layers = ":".join(map(str, lower))
        # userxattr: trusted attributes cannot be had in a user namespace. volatile: a step that a crash of the
        # machine interrupts is done again from the start, so nothing needs to reach the disk before it ends.
        options = f"lowerdir={layers},upperdir={changes[0]},workdir={changes[1]},userxattr,xino=auto,volatile"
        mount("overlay", root, "overlay", NO_SUID | NO_DEV, options)
    os.chdir(root)
    checked(libc.pivot_root(b".", b"."))
    detach(".")
    os.chdir("/")


def missing_points(request: Request, operations: tuple[Operation, ...]) -> list[Operation]:
    """The mount points that no layer has. An overlay gets them as a layer below all others: nothing of them
    stays in its upper directory."""
    layers = [path for path in (*request.lower, request.upper, request.plain) if path]
    targets = {operation.target: operation for operation in operations if operation.needs_point}
    own = [operation for target, operation in targets.items() if cover(target, targets) is None]
    return [each for each in own if not any(os.path.lexists(layer + each.target) for layer in layers)]


def forget_volatile(work: str) -> None:
    """Let an upper directory be used again: the mark that a volatile overlay leaves forbids it."""
    mark = "/".join((work, "work", "incompat", "volatile"))  # overlayfs keeps its own "work" inside
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{mark}/dirty")
    for path in (mark, os.path.dirname(mark)):
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(path)


def make_point(path: str, *, is_directory: bool) -> list[str]:
    """Make a mount point, with the directories above it; what was made, outermost first."""
    if os.path.exists(path):
        return []
    made = make_point(os.path.dirname(path), is_directory=True)
    if is_directory:
        os.mkdir(path, 0o755)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644))
    return [*made, path]


def keep_private() -> None:
    """Have mounts of our own, which nobody outside sees."""
    with doing("keep mounts private"):
        checked(libc.unshare(NEW_NS))
        mount("none", "/", None, MS_REC | MS_PRIVATE)


def furnish(request: Request, operations: tuple[Operation, ...]) -> list[str]:
    """Make the root and all mounts; the mount points that were made in a plain root."""
    prepared = []
    for operation in operations:
        with doing(operation.describe()):
            directory = operation.needs_point and operation.directory()
            prepared.append((operation, operation.prepare(), directory))
    with doing(f"make the root from {request.plain or 'layers ' + ', '.join(request.lower)}"):
        mount_root(request, operations)
    made: list[str] = []
    targets = {operation.target: operation for operation in operations}
    for operation, handle, directory in prepared:
        with doing(operation.describe()):
            parent = cover(operation.target, targets)
            if operation.needs_point and (parent.fresh if parent else request.plain is not None):
                new = make_point(operation.target, is_directory=directory)
                made += new if parent is None else []
            operation.apply(handle)
    return made


def give_back(made: list[str]) -> None:
    """End everything and take back the mount points that a plain root was lent. For PID 1 only."""
    with contextlib.suppress(ProcessLookupError):  # nobody is left but us
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while os.wait():
            pass
    for path in reversed(made):
        libc.umount2(os.fsencode(path), MNT_DETACH)  # only the innermost is a mount
        with contextlib.suppress(OSError):  # the command may have put it to use
            (os.rmdir if os.path.isdir(path) else os.unlink)(path)
