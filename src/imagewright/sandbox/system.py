# SPDX-License-Identifier: Apache-2.0
"""System calls that the standard library lacks, and the error they end in. Standard library only."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator

# linux/sched.h
NEW_NS, NEW_CGROUP, NEW_UTS, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USER, NEW_PID, NEW_NET = 0x10000000, 0x20000000, 0x40000000
# linux/mount.h
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 1 << 18, 2
READ_ONLY, NO_SUID, NO_DEV, NO_EXEC = 1, 2, 4, 8
# System calls from number 424 on have the same number on every architecture.
OPEN_TREE, MOVE_MOUNT, FS_OPEN, FS_CONFIG, FS_MOUNT, MOUNT_SETATTR = 428, 429, 430, 431, 432, 442
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
TREE_CLONE, TREE_CLOSE_ON_EXEC = 1, os.O_CLOEXEC
SET_STRING, CREATE, FROM_EMPTY_PATH, TO_SYMLINKS, CLOSE_ON_EXEC = 1, 6, 0x4, 0x10, 1
# linux/prctl.h
SET_DEATH_SIGNAL, SET_DUMPABLE, READ_BOUND, DROP_BOUND, NO_NEW_PRIVILEGES = 1, 4, 23, 24, 38

# asm/unistd.h: keyctl(2), which the C library does not have, in 64 and in 32 bits; KEYCTL_JOIN_SESSION_KEYRING
KEYCTL = {"aarch64": 219, "mips64": 5241, "ppc64le": 271, "riscv64": 219, "s390x": 280, "x86_64": 250}
KEYCTL_32 = {"aarch64": 311, "x86_64": 288, "i386": 288, "i586": 288, "i686": 288, "arm": 311}
JOIN_SESSION = 1

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class JailError(Exception):
    """The isolation asked for is not to be had: what was being done, and the system's answer."""

    def __init__(self, operation: str, number: int, reason: str) -> None:
        super().__init__(f"{operation}: {reason}")
        self.operation, self.errno, self.reason = operation, number, reason


@contextlib.contextmanager
def doing(operation: str) -> Iterator[None]:
    """Name what a system call was for; ``OSError`` becomes :class:`JailError`."""
    try:
        yield
    except OSError as error:
        raise JailError(operation, error.errno or 0, error.strerror or str(error)) from error


def checked(result: int) -> int:
    """A C library call's result, or its ``errno`` as ``OSError``."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """A system call that the C library may not know."""
    words = [ctypes.c_long(word) if isinstance(word, int) else ctypes.c_char_p(word) for word in arguments]
    return checked(libc.syscall(ctypes.c_long(number), *words))


def prctl(option: int, value: int = 0) -> int:
    """prctl(2) with one argument."""
    return checked(libc.prctl(option, *(ctypes.c_ulong(word) for word in (value, 0, 0, 0))))


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2)."""
    words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
    checked(libc.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]))


def detach(path: str) -> None:
    """umount2(2), at once even where it is in use."""
    checked(libc.umount2(os.fsencode(path), MNT_DETACH))


def clone_tree(path: str, attributes: int) -> int:
    """A detached copy of the mounts at a path, all with attributes set (open_tree(2), mount_setattr(2))."""
    flags = TREE_CLONE | TREE_CLOSE_ON_EXEC | AT_RECURSIVE
    handle = syscall(OPEN_TREE, AT_FDCWD, os.fsencode(path), flags)
    words = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    syscall(MOUNT_SETATTR, handle, b"", AT_EMPTY_PATH | AT_RECURSIVE, bytes(words), ctypes.sizeof(words))
    return handle


def new_filesystem(kind: str, attributes: int, **options: str) -> int:
    """A new, detached file system (fsopen(2), fsconfig(2), fsmount(2))."""
    context = syscall(FS_OPEN, kind.encode(), CLOSE_ON_EXEC)
    try:
        for name, value in options.items():
            syscall(FS_CONFIG, context, SET_STRING, name.encode(), value.encode(), 0)
        syscall(FS_CONFIG, context, CREATE, None, None, 0)
        return syscall(FS_MOUNT, context, CLOSE_ON_EXEC, attributes)
    finally:
        os.close(context)


def join_new_keyring() -> None:
    """Have an empty session keyring: the inherited one may hold tickets and secrets (session-keyring(7))."""
    machine = os.uname().machine
    table = KEYCTL if ctypes.sizeof(ctypes.c_void_p) == 8 else KEYCTL_32  # noqa: PLR2004 - bytes
    number = table.get("arm" if machine.startswith("arm") else machine)
    if number is None:
        raise OSError(errno.ENOSYS, f"the number of keyctl(2) on {machine} is not known")
    try:
        syscall(number, JOIN_SESSION, None)
    except OSError as error:
        if error.errno != errno.ENOSYS:  # a kernel without keys has none to leave behind
            raise


def attach(handle: int, target: str) -> None:
    """Put a detached mount at a path, which may be a link (move_mount(2))."""
    syscall(MOVE_MOUNT, handle, b"", AT_FDCWD, os.fsencode(target), FROM_EMPTY_PATH | TO_SYMLINKS)
    os.close(handle)
