# SPDX-License-Identifier: Apache-2.0
"""Directory trees as streams of entries: reading one from the disk, writing one to it."""

# Names are bytes here, as the kernel has them, and every call counts: pathlib would double the time.
# ruff: noqa: PTH101, PTH102, PTH115, PTH123, PTH211
from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from imagewright.engine.unpack import disk
from imagewright.errors import BuildError, VerificationError
from imagewright.model.tree import Content, Entry, EntrySource, EntryStream, Kind

_READ = 1 << 20
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.CHARACTER,
    stat.S_IFBLK: Kind.BLOCK,
    stat.S_IFIFO: Kind.FIFO,
}
# overlayfs' own notes, and labels of the machine's security module: no part of a tree.
_FOREIGN = ("trusted.", "user.overlay.", "security.selinux", "security.ima", "security.evm", "security.SMACK")
_KEPT = ("user.", "security.capability")

MOST_ENTRIES = 2_000_000
"""Entries that :func:`apply` takes; the full image has 60,000."""


def key(path: str) -> bytes:
    """What entries are sorted by: the bytes of the path, as in a layer."""
    return path.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Whiteout:
    """A path that overlayfs notes as removed from what lies below."""

    path: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What is below a directory: ``entries`` sorted, without the root itself, and what overlayfs removed."""

    root: bytes
    entries: tuple[Entry, ...]
    removed: tuple[Whiteout, ...]

    def open(self, entry: Entry) -> Content:
        """A regular file's bytes; ``None`` for other kinds."""
        if entry.kind is not Kind.FILE:
            return None
        return cast("Content", open(os.open(_join(self.root, entry.path), os.O_RDONLY | os.O_NOFOLLOW), "rb"))


def scan(root: Path) -> Scan:
    """Read a tree's names and states, no contents. Hard links point to the first path in the order of names.

    Raises :class:`BuildError` for a socket or an extended attribute of a kind that has no place in an image.
    """
    top = os.fsencode(root)
    entries: list[Entry] = []
    removed: list[Whiteout] = []
    inodes: dict[tuple[int, int], list[int]] = {}
    pending = [""]
    while pending:
        directory = pending.pop()
        with os.scandir(_join(top, directory)) as found:
            for child in found:
                path = _inside(directory, child.name)
                state = child.stat(follow_symlinks=False)
                if stat.S_ISCHR(state.st_mode) and state.st_rdev == 0:
                    removed.append(Whiteout(path))
                    continue
                entry = _entry(path, child.path, state)
                if entry.kind is Kind.DIRECTORY:
                    pending.append(path)
                elif state.st_nlink > 1 and entry.kind is Kind.FILE:
                    inodes.setdefault((state.st_dev, state.st_ino), []).append(len(entries))
                entries.append(entry)
    for same in inodes.values():
        first, *others = sorted(same, key=lambda at: key(entries[at].path))
        for at in others:
            entries[at] = replace(entries[at], kind=Kind.HARDLINK, link=entries[first].path, size=0, xattrs=())
    entries.sort(key=lambda entry: key(entry.path))
    removed.sort(key=lambda gone: key(gone.path))
    return Scan(top, tuple(entries), tuple(removed))


def entry_at(root: Path, path: str) -> Entry | None:
    """What is at a path of a tree, not following its last part; ``None`` if nothing is."""
    place = _join(os.fsencode(root), path)
    try:
        return _entry(path, place, os.lstat(place))
    except (FileNotFoundError, NotADirectoryError):
        return None


def walk(root: Path) -> EntryStream:
    """A tree as a sorted stream, without the root itself. Each content is readable until the next is asked for.

    Raises :class:`BuildError` as :func:`scan`, and for what overlayfs has removed: a stream cannot say that.
    """
    found = scan(root)
    if found.removed:
        raise BuildError(f"/{found.removed[0].path} was removed from what lies below; a stream cannot say that")
    return stream(found, found.entries)


def stream(found: Scan, entries: Sequence[Entry]) -> EntryStream:
    """Some of a scan's entries with their contents."""
    for entry in entries:
        content = found.open(entry)
        try:
            yield entry, content
        finally:
            if content is not None:
                content.close()


def apply(entries: EntrySource, destination: Path, *, most: int = MOST_ENTRIES) -> None:
    """Write a stream of entries (a layer's, say) below a directory, owners and times included.

    Directories may be there already and take the entry's mode and owner; so a tree can be built of several
    layers. A parent that no entry names is made. Raises :class:`VerificationError` for paths that lead out or
    through a symbolic link, files that are there already, device nodes, and more than ``most`` entries.
    """
    writer = _Writer(os.fsencode(destination))
    with disk(f"cannot write {destination}"):
        for count, (entry, content) in enumerate(entries, 1):
            if count > most:
                raise VerificationError(f"more than {most} entries in one tree")
            writer.put(entry, content)
        writer.finish()


class _Writer:
    def __init__(self, top: bytes) -> None:
        self._top = top
        self._real = {""}
        self._times: dict[str, int] = {}

    def put(self, entry: Entry, content: Content) -> None:
        parts = entry.path.split("/") if entry.path else []
        if any(part in ("", ".", "..") or "\0" in part for part in parts):
            raise VerificationError(f"{entry.path!r} leads out of its tree")
        if parts and parts[-1].startswith(".wh."):
            raise VerificationError(f"{entry.path}: a layer that removes another one's file is not supported")
        self._reach(entry.path.rpartition("/")[0])
        path = _join(self._top, entry.path)
        if entry.kind is Kind.DIRECTORY:
            self._directory(entry.path)
            self._times[entry.path] = entry.mtime
            _own(path, entry)
            return
        self._make(path, entry, content)
        if entry.kind is not Kind.HARDLINK and entry.kind is not Kind.FILE:
            _own(path, entry)
            os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)

    def _make(self, path: bytes, entry: Entry, content: Content) -> None:
        try:
            match entry.kind:
                case Kind.FILE:
                    _copy(os.open(path, _NEW, 0o600), entry, content)
                case Kind.SYMLINK:
                    os.symlink(key(entry.link), path)
                case Kind.FIFO:
                    os.mkfifo(path, entry.mode)
                case Kind.HARDLINK:
                    if any(part in ("", ".", "..") for part in entry.link.split("/")):
                        raise VerificationError(f"{entry.path}: links to {entry.link!r}, out of its tree")
                    self._reach(entry.link.rpartition("/")[0])
                    os.link(_join(self._top, entry.link), path, follow_symlinks=False)
                case _:
                    raise VerificationError(f"{entry.path} is a device node")
        except FileExistsError:
            raise VerificationError(f"{entry.path} is there already") from None

    def _reach(self, directory: str) -> None:
        """Make sure that a directory and all above it are directories, and no links."""
        if directory not in self._real:
            self._reach(directory.rpartition("/")[0])
            self._directory(directory)

    def _directory(self, directory: str) -> None:
        if directory in self._real:
            return
        path = _join(self._top, directory)
        try:
            os.mkdir(path, 0o755)
        except FileExistsError:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                raise VerificationError(f"{directory} is there already, and no directory") from None
        else:
            os.chmod(path, 0o755)  # noqa: S103 - whatever the umask is; an entry of its own may change it
        self._real.add(directory)

    def finish(self) -> None:
        for directory in sorted(self._times, key=key, reverse=True):
            os.utime(_join(self._top, directory), (self._times[directory], self._times[directory]))


def _own(path: bytes, entry: Entry) -> None:
    os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind is not Kind.SYMLINK:
        os.chmod(path, entry.mode)
        for name, value in entry.xattrs:
            os.setxattr(path, name, value)


def _copy(file: int, entry: Entry, content: Content) -> None:
    try:
        left = entry.size
        while content is not None and (data := content.read(_READ)):
            left -= len(data)
            if left < 0:
                break
            written = os.write(file, data)
            while written < len(data):
                written += os.write(file, data[written:])
        if left:
            raise VerificationError(f"{entry.path}: {entry.size - left} bytes instead of {entry.size}")
        os.fchown(file, entry.uid, entry.gid)
        os.fchmod(file, entry.mode)
        for name, value in entry.xattrs:
            os.setxattr(file, name, value)
        os.utime(file, (entry.mtime, entry.mtime))
    finally:
        os.close(file)


def _entry(path: str, place: bytes, state: os.stat_result) -> Entry:
    kind = _KINDS.get(stat.S_IFMT(state.st_mode))
    if kind is None:
        raise BuildError(f"/{path} is a socket", hint="a program that listens on it must end before the step does")
    return Entry(
        path=path,
        kind=kind,
        mode=stat.S_IMODE(state.st_mode) if kind is not Kind.SYMLINK else 0o777,
        uid=state.st_uid,
        gid=state.st_gid,
        mtime=int(state.st_mtime_ns // 1_000_000_000),
        size=state.st_size if kind is Kind.FILE else 0,
        link=os.readlink(place).decode("utf-8", "surrogateescape") if kind is Kind.SYMLINK else "",
        device=(os.major(state.st_rdev), os.minor(state.st_rdev))
        if kind in (Kind.CHARACTER, Kind.BLOCK)
        else (0, 0),
        xattrs=_xattrs(path, place) if kind in (Kind.FILE, Kind.DIRECTORY) else (),
    )


def _xattrs(path: str, place: bytes) -> tuple[tuple[str, bytes], ...]:
    names = os.listxattr(place, follow_symlinks=False)
    if not names:
        return ()
    kept = []
    for name in sorted(names):
        if name.startswith(_FOREIGN):
            continue
        if not name.startswith(_KEPT):
            raise BuildError(f"/{path} has the extended attribute {name}", why="it has no place in an image")
        kept.append((name, os.getxattr(place, name, follow_symlinks=False)))
    return tuple(kept)


def _inside(directory: str, name: bytes) -> str:
    text = name.decode("utf-8", "surrogateescape")
    return f"{directory}/{text}" if directory else text


def _join(top: bytes, path: str) -> bytes:
    return top + b"/" + key(path) if path else top
