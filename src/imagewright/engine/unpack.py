# SPDX-License-Identifier: Apache-2.0
"""Unpacks packages into a root, many at once, with a result that does not depend on their order.

While packages are read in threads, only directories and regular files come into being; symbolic links, and the
owners and times of directories, follow at the end in one fixed order. So no thread ever meets a symbolic link
that another has just made, and none can be led out of the root: links that were there before are followed by
hand, beneath the root, the way a process chrooted into it would see them.
"""

# Names are bytes here, as the kernel has them, and every call counts: pathlib would double the time.
# ruff: noqa: PTH101, PTH102, PTH104, PTH108, PTH115, PTH211
from __future__ import annotations

import hashlib
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Generic, TypeVar

from imagewright.archives.debian.deb import Control, Deb, open_deb
from imagewright.archives.debian.relations import Relation, parse_relations
from imagewright.archives.debian.tar import read_tar
from imagewright.archives.debian.version import holds
from imagewright.archives.decompressed import Decompressed
from imagewright.errors import BuildError, MachineError, VerificationError
from imagewright.model.packages import LockedPackage
from imagewright.model.tree import Content, Entry, EntryStream, Kind
from imagewright.recipes.pathrules import PathRules

WORTH_KEEPING = 64 << 10
"""Bytes that a package must have: smaller ones are a third of all, and have a fiftieth of the data."""

_READ = 1 << 20
_LINKS = 40  # as many as Linux follows
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

Opener = Callable[[LockedPackage], BinaryIO]
"""Opens a package's verified bytes."""

Diversions = Mapping[str, tuple[str, str]]
"""Path → (where files of that name go, the package they do not go there from), all paths relative."""


C = TypeVar("C")
"""What a kind of packages says of itself."""


@dataclass(frozen=True, slots=True)
class Opened(Generic[C]):
    """A package that is being read: what it says of itself, the name, version and architecture among it, and its
    files. ``conffiles`` are absolute paths whose MD5 is noted."""

    control: C
    identity: tuple[str, str, str]
    entries: EntryStream
    conffiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unpacked(Generic[C]):
    """What one package brought.

    ``listed`` are the absolute paths of dpkg's ``.list``, also of files left out; ``conffiles`` pairs of path
    and MD5; ``newest`` the latest modification time, in seconds.
    """

    package: LockedPackage
    control: C
    listed: tuple[str, ...]
    conffiles: tuple[tuple[str, str], ...]
    newest: int


@dataclass(slots=True)
class Share(Generic[C]):
    """One package's own notes while it is unpacked, read by nobody else until it is done."""

    index: int
    package: LockedPackage
    control: C
    wanted: tuple[str, ...] = ()
    places: dict[str, str] = field(default_factory=dict)
    directories: list[tuple[str, Entry]] = field(default_factory=list)
    links: list[tuple[str, Entry]] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    conffiles: dict[str, str] = field(default_factory=dict)
    newest: int = 0


class TreeUnpacker(ABC, Generic[C]):
    """Unpacks packages of one kind into ``root``.

    What is in ``lower`` (topmost first) counts as there, as in an overlay.

    Use :meth:`unpack` any number of times, each with its diversions; memory is bounded by names, not contents.
    """

    def __init__(self, root: Path, lower: tuple[Path, ...] = (), rules: PathRules | None = None) -> None:
        self._root = os.fsencode(root)
        self._lower = tuple(os.fsencode(tree) for tree in lower)
        self._rules = rules or PathRules()
        self._places: dict[str, str] = {"": ""}
        self._holders: dict[str, tuple[bytes, ...]] = {}
        self._made: set[str] = set()
        self._claims: dict[str, int] = {}
        self._clashes: dict[str, list[tuple[int, str]]] = {}
        self._shares: list[Share[C]] = []
        self._settled: set[str] = set()

    @abstractmethod
    def open(self, file: BinaryIO, package: LockedPackage) -> Opened[C]:
        """Begin to read a package from its verified bytes."""

    @abstractmethod
    def replaces(self, control: C, other: C) -> bool:
        """Whether a package may take over files of another one."""

    def unpack(
        self, packages: Iterable[LockedPackage], open_package: Opener, *, diversions: Diversions, jobs: int
    ) -> tuple[Unpacked[C], ...]:
        """Unpack packages; where two ship one directory, the first one's mode and owner count.

        Raises :class:`VerificationError` for a package that is not what it should be, :class:`BuildError` where
        two ship one file and neither replaces the other, :class:`MachineError` when the disk refuses.
        """
        start = len(self._shares)
        work = [(start + index, package) for index, package in enumerate(packages)]
        # The largest first: otherwise one thread may be left alone with it at the end.
        work.sort(key=lambda item: (-item[1].size, item[0]))

        def one(item: tuple[int, LockedPackage]) -> Share[C]:
            index, package = item
            with disk(f"cannot unpack {package}"), open_package(package) as file:
                return self._package(index, package, self.open(file, package), diversions)

        pool = ThreadPoolExecutor(max(1, jobs), thread_name_prefix="unpack")
        try:
            shares = sorted(pool.map(one, work), key=lambda share: share.index)
        finally:
            pool.shutdown(cancel_futures=True)
        self._shares += shares
        with disk("cannot finish unpacking"):
            lost = self._settle_clashes()
            self._link(shares)
            self._settle_directories(shares)
        return tuple(_unpacked(share, lost.get(share.index, frozenset())) for share in shares)

    def _package(self, index: int, package: LockedPackage, opened: Opened[C], diversions: Diversions) -> Share[C]:
        found = opened.identity
        if found != (package.name, package.version, package.architecture):
            raise VerificationError(
                f"{package} says it is {'_'.join(found)}", why="the archive's index says otherwise"
            )
        share = Share(index, package, opened.control, opened.conffiles)
        wanted = {path[1:] for path in opened.conffiles}
        for entry, content in opened.entries:
            share.listed.append(f"/{entry.path or '.'}")
            share.newest = max(share.newest, entry.mtime)
            if self._rules.skips(entry.path, entry.kind):
                continue
            if entry.kind is Kind.DIRECTORY:
                share.directories.append((self._directory(entry.path), entry))
            elif entry.kind is Kind.SYMLINK:
                share.links.append((_diverted(entry.path, package.name, diversions), entry))
            else:
                digest = hashlib.md5(usedforsecurity=False) if entry.path in wanted else None
                self._file(share, entry, content, diversions, digest.update if digest else None)
                if digest:
                    share.conffiles[f"/{entry.path}"] = digest.hexdigest()
        return share

    # Places: where a path of a package is really, once symbolic links to directories are followed.

    def _place(self, path: str) -> str:
        parent, slash, name = path.rpartition("/")
        if not slash:
            return path
        real = self._places.get(parent)
        if real is None:
            real = self._directory(parent)
        return f"{real}/{name}" if real else name

    def _directory(self, path: str) -> str:
        """The real path of a directory, made if need be."""
        known = self._places.get(path)
        if known is None:
            known = self._places[path] = self._enter(self._place(path), 0)
        return known

    def _enter(self, real: str, depth: int) -> str:
        while True:
            found = self._look(real)
            if found is None:
                try:
                    os.mkdir(self._at(real), 0o755)
                except FileExistsError:
                    continue  # another thread was faster, or there is something else: look again
                os.chmod(self._at(real), 0o755)  # noqa: S103 - whatever the umask is
                self._made.add(real)
                return real
            mode, tree = found
            if stat.S_ISDIR(mode):
                if tree != self._root:
                    self._adopt(real, tree)
                return real
            if not stat.S_ISLNK(mode):
                raise BuildError(f"/{real} is not a directory, but a package ships files in it")
            return self._follow(real, os.readlink(_join(tree, real)), depth + 1)

    def _follow(self, real: str, target: bytes, depth: int) -> str:
        if depth > _LINKS:
            raise BuildError(f"/{real}: too many symbolic links")
        at = "" if target.startswith(b"/") else real.rpartition("/")[0]
        for part in target.decode("utf-8", "surrogateescape").split("/"):
            if part == "..":
                at = at.rpartition("/")[0]
            elif part not in ("", "."):
                at = self._enter(f"{at}/{part}" if at else part, depth)
        return at

    def _look(self, real: str) -> tuple[int, bytes] | None:
        """Mode of what is at a real path, and in which tree; the root's own first."""
        for tree in (self._root, *self._lower):
            with suppress(FileNotFoundError, NotADirectoryError):
                return os.lstat(_join(tree, real)).st_mode, tree
        return None

    def _adopt(self, real: str, tree: bytes) -> None:
        """Make a directory in the root that is like the one in a tree below it."""
        with suppress(FileExistsError):
            os.mkdir(self._at(real), 0o755)
        _like(self._at(real), os.lstat(_join(tree, real)))

    def _at(self, real: str) -> bytes:
        return _join(self._root, real)

    # Files.

    def _file(
        self,
        share: Share[C],
        entry: Entry,
        content: Content,
        diversions: Diversions,
        note: Callable[[bytes], object] | None,
    ) -> None:
        place = self._place(_diverted(entry.path, share.package.name, diversions))
        share.places[entry.path] = place
        if self._claims.setdefault(place, share.index) != share.index:
            # Two packages ship it. Both versions are kept until all are here, then the right one stays.
            aside = f"{place}.imagewright-{share.index}"
            self._clashes.setdefault(place, []).append((share.index, aside))
            place = share.places[entry.path] = aside
        if entry.kind is Kind.HARDLINK:
            source = share.places.get(entry.link)
            if source is None:
                raise BuildError(f"{share.package}: {entry.path} is a link to {entry.link}, which is left out")
            self._fresh(place, lambda path: os.link(self._at(source), path, follow_symlinks=False))
        elif entry.kind is Kind.FIFO:
            self._fresh(place, lambda path: os.mkfifo(path, entry.mode))
            os.chown(self._at(place), entry.uid, entry.gid)
            os.chmod(self._at(place), entry.mode)
        else:
            _write(self._fresh(place, lambda path: os.open(path, _NEW, 0o600)), entry, content, note)

    def _fresh(self, place: str, make: Callable[[bytes], int | None]) -> int:
        """Make something new at a place; what a maintainer script left there gives way, as with dpkg."""
        path = self._at(place)
        if self._lower:
            self._refuse_hiding(place)
        try:
            return make(path) or 0
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(path).st_mode):
                raise BuildError(f"/{place} is a directory, but a package ships something else there") from None
            os.unlink(path)
            return make(path) or 0

    def _refuse_hiding(self, place: str) -> None:
        if not os.path.lexists(self._at(place)) and any(
            os.path.lexists(_join(tree, place)) for tree in self._having(place.rpartition("/")[0])
        ):
            raise BuildError(
                f"/{place} belongs to the root below already", why="a package added to it ships the same file"
            )

    def _having(self, directory: str) -> tuple[bytes, ...]:
        """The trees below that have a directory: most of what packages add lies in none of them."""
        found = self._holders.get(directory)
        if found is None:
            found = tuple(tree for tree in self._lower if os.path.lexists(_join(tree, directory)))
            self._holders[directory] = found
        return found

    def _settle_clashes(self) -> dict[int, frozenset[str]]:
        """Decide who keeps the files that several packages ship; index → places it lost."""
        lost: dict[int, set[str]] = {}
        for place, others in sorted(self._clashes.items()):
            # Which of them came first is chance; who keeps the file must not be.
            places = {self._claims[place]: place, **dict(others)}
            first, *rest = sorted(places)
            keeper = first
            for index in rest:
                keeper = self._replacer(self._shares[keeper], self._shares[index], place)
            for index, where in places.items():
                if index != keeper:
                    lost.setdefault(index, set()).add(where)
            if places[keeper] != place:
                os.rename(self._at(places[keeper]), self._at(place))
            for index, aside in others:
                if index != keeper:
                    os.unlink(self._at(aside))
            self._claims[place] = keeper
        self._clashes.clear()
        return {index: self._lost_paths(index, places) for index, places in lost.items()}

    def _lost_paths(self, index: int, places: set[str]) -> frozenset[str]:
        return frozenset(f"/{path}" for path, place in self._shares[index].places.items() if place in places)

    def _link(self, shares: list[Share[C]]) -> None:
        links = [(path, share.index, entry) for share in shares for path, entry in share.links]
        self._places = {"": ""}  # what was learnt before there were these links does not hold any more
        for path, index, entry in sorted(links, key=lambda item: (os.fsencode(item[0]), item[1])):
            place = self._place(path)
            owner = self._claims.setdefault(place, index)
            if owner != index:
                keeper = self._replacer(self._shares[owner], self._shares[index], place)
                if keeper == owner:
                    continue
                self._claims[place] = index
            text = os.fsencode(entry.link)
            found = self._look(place)
            if found is not None and stat.S_ISDIR(found[0]):
                if place in self._made:
                    owner_name = self._shares[index].package
                    raise BuildError(
                        f"/{place} is a symbolic link in {owner_name}, a directory in another package"
                    )
                continue  # dpkg never turns a directory into a symbolic link
            if found is not None and stat.S_ISLNK(found[0]) and os.readlink(_join(found[1], place)) == text:
                continue
            self._fresh(place, lambda target, text=text: os.symlink(text, target))  # type: ignore[misc]
            os.chown(self._at(place), entry.uid, entry.gid, follow_symlinks=False)
            os.utime(self._at(place), (entry.mtime, entry.mtime), follow_symlinks=False)

    def _settle_directories(self, shares: list[Share[C]]) -> None:
        """Directories made here get the mode, owner and time of the first package that ships them."""
        wanted: dict[str, Entry] = {}
        for share in shares:
            for place, entry in share.directories:
                wanted.setdefault(place, entry)
        fresh = self._made - self._settled
        self._settled |= fresh
        for place in sorted(fresh, key=os.fsencode, reverse=True):  # what is inside first, for the times
            if place in wanted:
                entry, path = wanted[place], self._at(place)
                os.chown(path, entry.uid, entry.gid)
                os.chmod(path, entry.mode)
                os.utime(path, (entry.mtime, entry.mtime))

    def _replacer(self, first: Share[C], second: Share[C], place: str) -> int:
        """Which of two packages keeps a file: the one that says it replaces the other."""
        if self.replaces(second.control, first.control):
            return second.index
        if self.replaces(first.control, second.control):
            return first.index
        raise BuildError(f"/{place} is in {first.package} and in {second.package}, and neither replaces the other")


class Unpacker(TreeUnpacker[Control]):
    """Unpacks Debian's packages; ``kept`` is what is there of large ones already."""

    def __init__(
        self,
        root: Path,
        lower: tuple[Path, ...] = (),
        rules: PathRules | None = None,
        kept: Decompressed | None = None,
    ) -> None:
        super().__init__(root, lower, rules)
        self._kept = kept

    def open(self, file: BinaryIO, package: LockedPackage) -> Opened[Control]:
        """deb(5)."""
        deb = open_deb(file, str(package))
        control = deb.control
        identity = (control.name, control.version, control.architecture)
        return Opened(control, identity, self._entries(package, deb), control.conffiles)

    def replaces(self, control: Control, other: Control) -> bool:
        """Debian Policy 7.6.1."""
        return _replaces(control, other)

    def _entries(self, package: LockedPackage, deb: Deb) -> EntryStream:
        if self._kept is None or package.size < WORTH_KEEPING:
            yield from deb.entries()
            return
        with self._kept.open(package.sha256, deb.data) as read:
            yield from read_tar(read, str(package))


def _unpacked(share: Share[C], lost: frozenset[str]) -> Unpacked[C]:
    listed = tuple(path for path in share.listed if path not in lost)
    conffiles = tuple((path, share.conffiles[path]) for path in share.wanted if path in share.conffiles)
    return Unpacked(share.package, share.control, listed, conffiles, share.newest)


def _write(file: int, entry: Entry, content: Content, note: Callable[[bytes], object] | None) -> None:
    try:
        while content is not None and (data := content.read(_READ)):
            if note is not None:
                note(data)
            written = os.write(file, data)
            while written < len(data):
                written += os.write(file, data[written:])
        os.fchown(file, entry.uid, entry.gid)
        os.fchmod(file, entry.mode)  # after the owner, which takes set-user-id bits away
        for name, value in entry.xattrs:
            os.setxattr(file, name, value)
        os.utime(file, (entry.mtime, entry.mtime))
    finally:
        os.close(file)


def _diverted(path: str, package: str, diversions: Diversions) -> str:
    target = diversions.get(path)
    return target[0] if target is not None and target[1] != package else path


def _replaces(control: Control, other: Control) -> bool:
    names = {other.name, *(provided.name for provided in relations_of(other, "provides"))}
    for relation in relations_of(control, "replaces"):
        if relation.name == other.name and relation.operator:
            if holds(other.version, relation.operator, relation.version):
                return True
        elif relation.name in names and not relation.operator:
            return True
    return False


def relations_of(control: Control, name: str) -> tuple[Relation, ...]:
    """A relationship field without alternatives. Raises :class:`VerificationError` for a malformed one."""
    try:
        return parse_relations(control.get(name))
    except ValueError as error:
        raise VerificationError(f"{control.name}: its {name} cannot be read", why=str(error)) from error


def _like(path: bytes, model: os.stat_result) -> None:
    os.chown(path, model.st_uid, model.st_gid)
    os.chmod(path, stat.S_IMODE(model.st_mode))
    os.utime(path, ns=(model.st_mtime_ns, model.st_mtime_ns))


def _join(tree: bytes, real: str) -> bytes:
    return tree + b"/" + real.encode("utf-8", "surrogateescape") if real else tree


@contextmanager
def disk(message: str) -> Iterator[None]:
    """What the disk refuses becomes a :class:`MachineError` that says ``message``."""
    try:
        yield
    except OSError as error:
        raise MachineError(message, why=str(error)) from error
