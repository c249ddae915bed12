# SPDX-License-Identifier: Apache-2.0
"""Mounts as small operations that can be sorted, described and done. Standard library only.

All mounts are made detached while the machine's files are still in view (open_tree, fsmount), and attached
after pivot_root, when no path inside can lead out any more. Linux 5.12 or newer.
"""

# Importing pathlib would take a tenth of a whole run.
# ruff: noqa: PTH101, PTH116, PTH211
from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from imagewright.sandbox.request import Request
from imagewright.sandbox.system import NO_DEV, NO_EXEC, NO_SUID, READ_ONLY, attach, clone_tree, new_filesystem

DEVICES = ("full", "null", "random", "tty", "urandom", "zero")
LINKS = (
    ("fd", "/proc/self/fd"),
    ("ptmx", "pts/ptmx"),
    ("stderr", "/proc/self/fd/2"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
)
HIDDEN = ("interrupts", "kcore", "keys", "kmsg", "latency_stats", "sched_debug", "timer_list", "timer_stats")
PROTECTED = ("acpi", "asound", "bus", "fs", "irq", "scsi", "sys", "sysrq-trigger")
STICKY = ("/dev/shm", "/tmp", "/var/tmp")  # noqa: S108 - these paths are inside


@dataclass(frozen=True)
class Operation:
    """Something at ``target``: ``prepare`` while the machine is in view, ``apply`` in the new root."""

    target: str
    fresh = False  # whether what it mounts is new, so that mount points may be made in it
    needs_point = True

    def prepare(self) -> int:
        """A detached mount, or -1."""
        return -1

    def apply(self, handle: int) -> None:
        """Attach it; the mount point exists."""
        attach(handle, self.target)

    def directory(self) -> bool:
        """Whether its mount point is a directory; asked while the machine is in view."""
        return True

    def describe(self) -> str:
        """What it does, for a person."""
        return f"mount {type(self).__name__.lower()} on {self.target}"


@dataclass(frozen=True)
class Bind(Operation):
    """Something of the machine."""

    source: str
    writable: bool = False
    device: bool = False

    def prepare(self) -> int:
        ban = NO_SUID | (0 if self.writable else READ_ONLY) | (NO_EXEC if self.device else NO_DEV)
        return clone_tree(self.source, ban)

    def directory(self) -> bool:
        return stat.S_ISDIR(os.stat(self.source).st_mode)

    def describe(self) -> str:
        return f"bind {self.source} on {self.target}{'' if self.writable else ', read only'}"


@dataclass(frozen=True)
class Tmpfs(Operation):
    """An empty file system in memory."""

    mode: int = 0o755
    read_only: bool = False
    fresh = True

    def prepare(self) -> int:
        ban = NO_SUID | NO_DEV | (READ_ONLY if self.read_only else 0)
        return new_filesystem("tmpfs", ban, mode=f"{self.mode:o}")


@dataclass(frozen=True)
class Proc(Operation):
    """The processes of the new PID namespace."""

    def prepare(self) -> int:
        return new_filesystem("proc", NO_SUID | NO_DEV | NO_EXEC)


@dataclass(frozen=True)
class Pts(Operation):
    """Pseudo terminals of our own; 5 is the group tty."""

    def prepare(self) -> int:
        return new_filesystem("devpts", NO_SUID | NO_EXEC, ptmxmode="666", mode="620", gid="5")


@dataclass(frozen=True)
class Protect(Operation):
    """Make a part of /proc read only, where this kernel has it."""

    needs_point = False

    def apply(self, handle: int) -> None:
        del handle
        if os.path.lexists(self.target):
            attach(clone_tree(self.target, READ_ONLY | NO_SUID | NO_DEV | NO_EXEC), self.target)


@dataclass(frozen=True)
class Hide(Operation):
    """Show an empty file in place of a part of /proc, where this kernel has it."""

    needs_point = False

    def apply(self, handle: int) -> None:
        del handle
        if os.path.lexists(self.target):
            attach(clone_tree("/dev/null", READ_ONLY | NO_SUID | NO_EXEC), self.target)


@dataclass(frozen=True)
class Link(Operation):
    """A symbolic link in a fresh file system."""

    text: str
    needs_point = False

    def apply(self, handle: int) -> None:
        del handle
        os.symlink(self.text, self.target)


@dataclass(frozen=True)
class Directory(Operation):
    """A directory in a fresh file system."""

    mode: int

    def apply(self, handle: int) -> None:
        del handle
        os.chmod(self.target, self.mode)


def operations_for(request: Request) -> tuple[Operation, ...]:
    """All mounts of a run, in the order of doing."""
    return arrange(
        [
            Proc("/proc"),
            *(Hide(f"/proc/{name}") for name in HIDDEN),
            *(Protect(f"/proc/{name}") for name in PROTECTED),
            Tmpfs("/sys", 0o555, read_only=True),
            Tmpfs("/run"),
            Directory("/run/lock", 0o1777),
            Tmpfs("/dev"),
            *(Bind(f"/dev/{name}", f"/dev/{name}", writable=True, device=True) for name in DEVICES),
            *(Link(f"/dev/{name}", text) for name, text in LINKS),
            Pts("/dev/pts"),
            Tmpfs("/dev/shm", 0o1777),  # noqa: S108 - inside
            *(Tmpfs(path, 0o1777 if path in STICKY else 0o755) for path in request.tmpfs),
            *(Bind(bind.target, os.path.realpath(bind.source), bind.writable) for bind in request.binds),
        ]
    )


def arrange(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """Sort so that each comes after what it lies in; drop what is there already.

    Raises ``ValueError`` where two different things want the same place.
    """
    kept: dict[str, Operation] = {}
    for operation in sorted(operations, key=lambda each: each.target.split("/")):
        same = kept.get(operation.target, operation)
        if same != operation:
            raise ValueError(f"two mounts in one place: {same.describe()}; {operation.describe()}")
        parent = cover(operation.target, kept)
        if isinstance(operation, Bind) and isinstance(parent, Bind):
            seen = parent.source.rstrip("/") + operation.target[len(parent.target) :]
            if operation == replace(parent, source=seen, target=operation.target):
                continue
        kept[operation.target] = operation
    return tuple(kept.values())


def cover(target: str, operations: Mapping[str, Operation]) -> Operation | None:
    """The innermost operation that a target lies in; ``None`` for the root itself."""
    parent = target
    while parent := parent.rpartition("/")[0]:
        if parent in operations:
            return operations[parent]
    return None
