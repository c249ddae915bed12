# SPDX-License-Identifier: Apache-2.0
"""Unfinished things of one process, below ``work/``; the next process that writes removes those of the dead."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imagewright.store.failures import machine_errors
from imagewright.store.layout import Layout
from imagewright.store.locks import Held, StoreLocks, try_lock, wait_for_lock

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Session:
    """A private directory in the store's file system, made when first needed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._guard = threading.Lock()
        self._directory: Path | None = None
        self._held: Held | None = None
        self._count = 0

    def directory(self) -> Path:
        """The session's own directory. The first call also removes what dead processes left."""
        with self._guard:
            if self._directory is None:
                with machine_errors(self._layout.work, "cannot work in the store"):
                    self._start()
            assert self._directory is not None
            return self._directory

    def _start(self) -> None:
        name = f"{os.getpid()}-{os.urandom(6).hex()}"
        # Whoever removes leftovers may hold the new file for a moment, so this may have to wait.
        self._held = wait_for_lock(self._layout.work / f"{name}.lock")
        directory = self._layout.work / name
        directory.mkdir(mode=0o700)
        self._directory = directory
        remove_leftovers(self._layout)

    def name(self, purpose: str) -> Path:
        """A path in the session's directory that nobody uses."""
        directory = self.directory()
        with self._guard:
            self._count += 1
            return directory / f"{_UNSAFE.sub('-', purpose)[:60]}-{self._count}"

    @contextmanager
    def workspace(self, name: str) -> Iterator[Path]:
        """An empty directory, gone afterwards."""
        path = self.name(name)
        with machine_errors(path, "cannot make a workspace"):
            path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            with machine_errors(path, "cannot remove a workspace"):
                remove_tree(path)

    def discard(self, path: Path) -> None:
        """Take a file or directory out of the store: one rename, then its deletion."""
        grave = self.name("trash")
        with suppress(FileNotFoundError):
            path.rename(grave)
            remove_tree(grave)

    def close(self) -> None:
        """Remove the session's directory and its lock."""
        with self._guard:
            if self._directory is not None:
                remove_tree(self._directory)
                self._directory = None
            if self._held is not None:
                self._held.release(remove=True)
                self._held = None


def remove_leftovers(layout: Layout) -> int:
    """Delete what dead processes left below ``work/`` and in ``locks/``; how many sessions there were."""
    removed = 0
    for lock in sorted(layout.work.glob("*.lock")):
        with suppress(FileNotFoundError):
            held = try_lock(lock)
            if held is None:
                continue
            # Moved away before its lock goes, so that a directory without a lock is always a remainder.
            with suppress(FileNotFoundError):
                lock.with_suffix("").rename(lock.with_name(f"dead-{os.urandom(6).hex()}"))
            held.release(remove=True)
            removed += 1
    for path in sorted(layout.work.iterdir()):
        if path.suffix != ".lock" and not path.with_name(f"{path.name}.lock").exists():
            _remove_remainder(path)
    StoreLocks(layout.locks).sweep()
    return removed


def _remove_remainder(path: Path) -> None:
    """Delete what a dead process left.

    An ordinary user who works in no roots leaves what has other owners to those who do.
    """
    try:
        remove_tree(path)
    except PermissionError:
        if os.geteuid() == 0:
            raise


def remove_tree(path: Path) -> None:
    """Delete a file or a directory with all it holds, whatever its modes; missing is fine."""
    try:
        if path.is_symlink() or not path.is_dir():
            path.unlink(missing_ok=True)
            return
        shutil.rmtree(path)
    except FileNotFoundError:
        # Another process removes the same remainder.
        if path.exists():
            shutil.rmtree(path, ignore_errors=True)
    except PermissionError:
        _open_up(path)
        shutil.rmtree(path)


def _open_up(path: Path) -> None:
    """Make directories writable and searchable (an ordinary user's; root needs no such thing)."""
    path.chmod(0o700)
    for parent, directories, _ in os.walk(path):
        for name in directories:
            child = Path(parent, name)
            if not child.is_symlink():
                child.chmod(0o700)
