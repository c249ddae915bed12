# SPDX-License-Identifier: Apache-2.0
"""Unpacked trees: the port ``TreeStore``. A tree appears by one rename, and the first one under a key wins."""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.ports import Clock
from imagewright.store.blobs import touch
from imagewright.store.failures import machine_errors
from imagewright.store.layout import Layout, read_json, replace_file
from imagewright.store.session import Session

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class TreeFacts:
    """What ``tree.json`` says.

    ``size`` in bytes of all regular files; ``fingerprint`` is the hash of every entry's path, kind, mode, owner,
    size, modification time and link text; ``boot`` names the boot it was adopted in and is empty once flushed.
    """

    entries: int
    size: int
    fingerprint: str
    boot: str


class DiskTrees:
    """Trees by key. ``boot`` is the kernel's name for the time since the machine was started."""

    def __init__(self, layout: Layout, session: Session, clock: Clock, boot: str | None = None) -> None:
        self._layout = layout
        self._session = session
        self._clock = clock
        self._boot = boot

    def get(self, key: Digest) -> Path | None:
        """The tree, if it is there whole. Counts as a use, for gc."""
        facts = self.facts(key)
        if facts is None or facts.boot not in ("", self._this_boot()):
            return None
        described = self._layout.tree(key) / "tree.json"
        with suppress(FileNotFoundError):
            touch(described, described.stat(), self._clock)
        return self._layout.tree(key) / "root"

    def adopt(self, directory: Path, key: Digest) -> Path:
        """Take a finished directory (same file system) as the tree for ``key``; atomic; first one wins.

        ``directory`` is gone afterwards in any case.
        """
        present = self.get(key)
        if present is None:
            with machine_errors(directory, "cannot keep a tree"):
                present = self._place(directory, key)
        self._session.discard(directory)
        return present

    def workspace(self, name: str) -> AbstractContextManager[Path]:
        """An empty directory on the store's file system, gone afterwards, also after a kill (next run)."""
        return self._session.workspace(name)

    def facts(self, key: Digest) -> TreeFacts | None:
        """What was noted when the tree was adopted; ``None`` if there is none or it cannot be read."""
        try:
            value = read_json(self._layout.tree(key) / "tree.json", 65_536)
            if isinstance(value, dict) and (self._layout.tree(key) / "root").is_dir():
                return TreeFacts(**value)
        except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
            pass  # no tree, or not one of ours: fsck tells which
        return None

    def check(self, key: Digest) -> str:
        """What is wrong with a tree, or nothing. Reads every entry's state, no contents."""
        facts = self.facts(key)
        if facts is None:
            return "its description is missing or broken"
        if facts.boot not in ("", self._this_boot()):
            return ""  # of an earlier boot: does not count any more, gc takes it
        now = describe(self._layout.tree(key) / "root")
        if now.fingerprint != facts.fingerprint:
            return (
                f"it has changed: {now.entries} entries and {now.size} bytes, not {facts.entries} and {facts.size}"
            )
        return ""

    def stale(self, key: Digest) -> bool:
        """Whether the tree is of an earlier boot and was never flushed."""
        facts = self.facts(key)
        return facts is not None and facts.boot not in ("", self._this_boot())

    def remove(self, key: Digest) -> None:
        """Forget a tree; missing is fine."""
        with machine_errors(self._layout.trees, "cannot remove a tree"):
            self._session.discard(self._layout.tree(key))

    def all(self) -> list[Digest]:
        """Keys of all trees, sorted; names that are no keys are passed over."""
        found: list[Digest] = []
        for path in self._layout.trees.iterdir():
            with suppress(ValueError):
                found.append(Digest(path.name))
        return sorted(found)

    def used(self, key: Digest) -> float:
        """When the tree was last used, in seconds since the epoch, exact to a day; 0 if unknown."""
        try:
            return (self._layout.tree(key) / "tree.json").stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def flush(self) -> None:
        """Write all trees of this boot to the disk, so that they also count after the next one."""
        fresh = [
            (key, facts) for key in self.all() if (facts := self.facts(key)) and facts.boot == self._this_boot()
        ]
        if not fresh:
            return
        with machine_errors(self._layout.trees, "cannot flush the store"):
            _flush_file_system(self._layout.trees)
            for key, facts in fresh:
                path = self._layout.tree(key) / "tree.json"
                before = path.stat()
                replace_file(path, _encode(facts, boot=""), self._session.name("description"))
                os.utime(path, ns=(before.st_mtime_ns, before.st_mtime_ns))

    def _place(self, directory: Path, key: Digest) -> Path:
        facts = describe(directory)
        container = self._session.name("adopted")
        container.mkdir(mode=0o700)
        directory.rename(container / "root")
        # Not flushed: the description carries the boot, so a torn one after a loss of power does not count.
        (container / "tree.json").write_bytes(_encode(facts, boot=self._this_boot()))
        now = self._clock.now().timestamp()
        os.utime(container / "tree.json", (now, now))
        place = self._layout.tree(key)
        for _ in range(_ATTEMPTS):
            try:
                container.rename(place)
            except OSError:
                if not place.exists():
                    raise
                if (present := self.get(key)) is not None:
                    self._session.discard(container)
                    return present
                self._session.discard(place)  # a broken one, or one of an earlier boot
            else:
                break
        else:
            container.rename(place)
        return place / "root"

    def _this_boot(self) -> str:
        if self._boot is None:
            self._boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return self._boot


def _encode(facts: TreeFacts, *, boot: str) -> bytes:
    return canonical_json(asdict(facts) | {"boot": boot})


def describe(directory: Path) -> TreeFacts:
    """Entries, bytes and fingerprint of a tree. Raises ``OSError``."""
    state = hashlib.sha256()
    entries = size = 0
    pending = [(os.fsencode(directory), b"")]
    while pending:
        path, inside = pending.pop()
        with os.scandir(path) as scanned:
            children = sorted(scanned, key=lambda entry: entry.name)
        below: list[tuple[bytes, bytes]] = []
        for child in children:
            found = child.stat(follow_symlinks=False)
            name = inside + b"/" + child.name
            link = os.readlink(child.path) if stat.S_ISLNK(found.st_mode) else b""  # noqa: PTH115 - names are bytes
            length = 0 if stat.S_ISDIR(found.st_mode) else found.st_size
            numbers = (found.st_mode, found.st_uid, found.st_gid, length, found.st_mtime_ns, found.st_rdev)
            state.update(b"%d %d %d %d %d %d %d %d\0" % (len(name), len(link), *numbers))
            state.update(name + link)
            entries += 1
            if stat.S_ISREG(found.st_mode):
                size += found.st_size
            elif stat.S_ISDIR(found.st_mode):
                below.append((child.path, name))
        pending.extend(reversed(below))
    return TreeFacts(entries, size, state.hexdigest(), "")


def _flush_file_system(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if library.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)
