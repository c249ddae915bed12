# SPDX-License-Identifier: Apache-2.0
"""Locks between processes, by flock(2): the kernel releases them when their holder dies, however it dies.

Every acquisition opens the file anew, so threads of one process exclude each other as well.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagewright.errors import StoreBusyError
from imagewright.model.digest import Digest
from imagewright.store.failures import machine_errors

_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.2

Waiting = Callable[[], None]
"""Called each time a lock was found taken; may raise to give up."""


class Held:
    """A lock that is held until ``release``."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def release(self, *, remove: bool = False) -> None:
        """Let go, once; ``remove`` takes the file's name away first."""
        if self._descriptor < 0:
            return
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = -1


def try_lock(path: Path, *, shared: bool = False) -> Held | None:
    """Take the lock if it is free now, making the file if need be. Raises ``OSError``."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if _still_named(path, descriptor):
            return Held(path, descriptor)
        os.close(descriptor)  # its last holder took the name away: this is nobody's lock any more


def _still_named(path: Path, descriptor: int) -> bool:
    try:
        named = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (mine.st_dev, mine.st_ino)


def wait_for_lock(
    path: Path, *, shared: bool = False, timeout: float | None = None, waiting: Waiting | None = None
) -> Held | None:
    """Take the lock, waiting at most ``timeout`` seconds (``None``: forever). ``None`` when time is up."""
    pause, waited = _FIRST_PAUSE, 0.0
    while True:
        held = try_lock(path, shared=shared)
        if held is not None:
            return held
        if waiting is not None:
            waiting()
        if timeout is not None and waited >= timeout:
            return None
        time.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, _LONGEST_PAUSE)


class StoreLocks:
    """The locks of one store, by what they are for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def use(self, *, timeout: float = 60.0) -> Held:
        """Share the store with other users. Raises ``StoreBusyError`` if it is being collected all the time."""
        with machine_errors(self._directory, "cannot lock the store"):
            held = wait_for_lock(self._directory / "store", shared=True, timeout=timeout)
        if held is None:
            raise StoreBusyError(
                "the store is busy",
                why=f"another process has collected or repaired it for more than {timeout:.0f} s",
                hint="wait for it to end, or choose another directory with --store",
            )
        return held

    def own(self, *, timeout: float = 0.0) -> Held:
        """Have the store alone (gc, repair). Raises ``StoreBusyError`` while anybody uses it."""
        with machine_errors(self._directory, "cannot lock the store"):
            held = wait_for_lock(self._directory / "store", timeout=timeout)
        if held is None:
            raise StoreBusyError(
                "the store is in use", why="another process is building with it", hint="try again when it is done"
            )
        return held

    @contextmanager
    def step(self, step: Digest, *, waiting: Waiting | None = None) -> Iterator[None]:
        """Be the only one who makes this step; ask the step index again once inside."""
        path = self._directory / f"step-{step.hex}"
        with machine_errors(path, "cannot lock a step"):
            held = wait_for_lock(path, waiting=waiting)
        assert held is not None, "without a timeout the wait only ends with the lock"
        try:
            yield
        finally:
            held.release(remove=True)

    def sweep(self) -> None:
        """Remove step locks that the dead left."""
        for path in self._directory.glob("step-*"):
            with suppress(FileNotFoundError):
                held = try_lock(path)
                if held is not None:
                    held.release(remove=True)
