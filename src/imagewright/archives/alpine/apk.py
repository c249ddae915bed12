# SPDX-License-Identifier: Apache-2.0
"""Binary packages of Alpine's (apk-v2(5)): read forward once, bounded, believing nothing.

A package is a segment with signatures, one with ``.PKGINFO`` and scripts (control), and one with the files (data).
An index that was believed gives the SHA-1 of the control segment; that holds the SHA-256 of the data segment, and
the headers of the files in it hold a checksum of each. The package's own signature says nothing more than the
index's, and is not asked. Refusals are :class:`imagewright.errors.VerificationError`.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import BinaryIO, cast

from imagewright.archives.alpine.index import format_checksum
from imagewright.archives.alpine.relations import Relation, parse_relations
from imagewright.archives.alpine.segments import Segment, Segments
from imagewright.archives.alpine.version import key
from imagewright.archives.debian.tar import TarLimits, read_tar
from imagewright.errors import VerificationError
from imagewright.model.tree import Content, Entry, Kind

SCRIPTS = (
    "pre-install",
    "post-install",
    "pre-deinstall",
    "post-deinstall",
    "pre-upgrade",
    "post-upgrade",
    "trigger",
)
"""Members of the control segment that are run, in the order apk's database keeps them."""

_VENDOR = "APK-TOOLS.checksum."
_INFO = ".PKGINFO"
_FIELD = re.compile(r"([a-z_]+) = (.*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_READ = 1 << 20


@dataclass(frozen=True, slots=True)
class ApkLimits:
    """What a package may come to; bytes are decompressed ones."""

    data: TarLimits = field(default_factory=TarLimits)
    control: TarLimits = field(default_factory=lambda: TarLimits(entries=64, total=16 << 20))


@dataclass(frozen=True, slots=True)
class ApkControl:
    """What the control segment says: ``.PKGINFO`` (each field's values in order) and scripts by name.

    ``checksum`` is the segment's SHA-1, by which indexes and the database name the package.
    """

    fields: Mapping[str, tuple[str, ...]]
    scripts: Mapping[str, bytes]
    checksum: bytes

    def get(self, name: str) -> str:
        """A field's first value; "" where it is not there."""
        return self.fields.get(name, ("",))[0]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.get("pkgname")

    @property
    def version(self) -> str:
        """Its version."""
        return self.get("pkgver")

    @property
    def provides(self) -> tuple[Relation, ...]:
        """Further names it goes by. Raises :class:`VerificationError`."""
        try:
            return parse_relations(" ".join(self.fields.get("provides", ())))
        except ValueError as error:
            raise VerificationError(f"{self.name}: its provides cannot be read", why=str(error)) from error

    @property
    def sonames(self) -> frozenset[str]:
        """The shared libraries that it has, by what abuild found in it (``so:libz.so.1=1.3.1``)."""
        return frozenset(one.name.removeprefix("so:") for one in self.provides if one.name.startswith("so:"))

    @property
    def triggers(self) -> tuple[str, ...]:
        """Patterns of directories; its script ``trigger`` is run where something in one of them changed."""
        return tuple(word for value in self.fields.get("triggers", ()) for word in value.split())


@dataclass(frozen=True, slots=True)
class ApkEntry:
    """A file of a package; ``checksum`` is its SHA-1, of a symbolic link that of its text, ``None`` for others."""

    entry: Entry
    checksum: bytes | None


class Apk:
    """One package being read: ``control`` is there at once, :meth:`entries` once, in the archive's order."""

    def __init__(self, control: ApkControl, segments: Segments, label: str, limits: ApkLimits) -> None:
        self.control = control
        self._segments = segments
        self._label = label
        self._limits = limits

    def entries(self) -> Iterator[tuple[Entry, Content]]:
        """Everything the package ships, with contents that are checked while they are read.

        What is refused may have been yielded already: only an exhausted iterator was a good package.
        """
        return ((one.entry, content) for one, content in self.checked_entries())

    def checked_entries(self) -> Iterator[tuple[ApkEntry, Content]]:
        """As :meth:`entries`, with the files' checksums; those of regular files are right once they are read."""
        segment = self._data()
        sums: dict[str, bytes | None] = {}
        for entry, content in self._entries(segment):
            stated = _stated(entry, self._label)
            plain = replace(entry, xattrs=tuple(one for one in entry.xattrs if not one[0].startswith(_VENDOR)))
            checked = None if content is None else _Checked(content)
            sums[entry.path] = _expected(plain, stated, sums)
            yield ApkEntry(plain, sums[entry.path]), cast("BinaryIO | None", checked)
            if checked is not None:
                checked.drain()
                self._compare(entry.path, stated, checked)
        segment.drain()
        wanted = self.control.get("datahash")
        if segment.digest("sha256").hex() != wanted:
            raise VerificationError(
                f"{self._label}: its data are not what its control segment says",
                why=f"SHA-256 {segment.digest('sha256').hex()} instead of {wanted or 'none'}",
            )

    def _data(self) -> Segment:
        """All that is left; a package without files has an archive without entries."""
        if self._segments.more():
            return self._segments.next(("sha256",), everything=True)
        raise VerificationError(f"{self._label} is cut short", why="it has no data segment")

    def _entries(self, segment: Segment) -> Iterator[tuple[Entry, Content]]:
        for entry, content in read_tar(segment.tar(), self._label, limits=self._limits.data, vendor=_VENDOR):
            if entry.path.startswith(".") and "/" not in entry.path:
                raise VerificationError(f"{self._label}: {entry.path!r} does not belong among its files")
            if "\n" in entry.path:
                raise VerificationError(f"{self._label}: {entry.path[:80]!r} would be two lines of a database")
            yield entry, content

    def _compare(self, path: str, stated: Mapping[str, str], checked: _Checked) -> None:
        for name, digest in stated.items():
            if checked.digest(name) != digest:
                raise VerificationError(f"{self._label}: {path} is not what its header says", why=f"its {name}")


class _Checked(io.RawIOBase):
    """A file's content that is digested on its way."""

    def __init__(self, content: BinaryIO) -> None:
        self._content = content
        self._states = {name: hashlib.new(name, usedforsecurity=False) for name in ("sha1", "sha256")}

    def read(self, size: int = -1, /) -> bytes:
        data = self._content.read(size)
        for state in self._states.values():
            state.update(data)
        return data

    def readable(self) -> bool:
        return True

    def drain(self) -> None:
        while self.read(_READ):
            pass

    def digest(self, name: str) -> str:
        return self._states[name].hexdigest()


def open_apk(file: BinaryIO, label: str, *, checksum: bytes | None = None, limits: ApkLimits | None = None) -> Apk:
    """Begin to read a package; ``checksum`` is the SHA-1 that a believed index gives for its control segment.

    Without one the caller must have verified the file as a whole. Raises :class:`VerificationError`.
    """
    bounds = limits or ApkLimits()
    segments = Segments(file, label)
    signatures = segments.next()
    for entry, _ in read_tar(signatures.tar(), f"{label} (signatures)", limits=TarLimits(16, 1 << 20)):
        if not entry.path.startswith(".SIGN."):
            raise VerificationError(
                f"{label} does not begin with its signatures", hint="is it a package of apk's?"
            )
    control = segments.next(("sha1",))
    files = _read_control(control, f"{label} (control)", bounds.control)
    found = control.digest("sha1")
    if checksum is not None and found != checksum:
        raise VerificationError(
            f"{label} is not the package of the index",
            why=f"its control segment is {format_checksum(found)} instead of {format_checksum(checksum)}",
            hint="the mirror is being updated, or somebody changed it: try again later or use another mirror",
        )
    fields = _parse_info(files.pop(_INFO, None), label)
    scripts = {name: files[f".{name}"] for name in SCRIPTS if f".{name}" in files}
    return Apk(ApkControl(MappingProxyType(fields), MappingProxyType(scripts), found), segments, label, bounds)


def read_control(file: BinaryIO, label: str, *, limits: ApkLimits | None = None) -> ApkControl:
    """Read the control segment only, of a file that was verified. Raises as :func:`open_apk`."""
    return open_apk(file, label, limits=limits).control


def check_whole(apk: Apk) -> None:
    """Read a package to its end, for its checksums alone."""
    for _ in apk.checked_entries():
        pass


def _read_control(segment: Segment, label: str, limits: TarLimits) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for entry, content in read_tar(segment.tar(), label, limits=limits):
        if entry.kind is not Kind.FILE or content is None or "/" in entry.path:
            raise VerificationError(f"{label}: {entry.path!r} is no file that belongs there")
        files[entry.path] = content.read()
    segment.drain()
    return files


def _parse_info(data: bytes | None, label: str) -> dict[str, tuple[str, ...]]:
    if data is None:
        raise VerificationError(f"{label} has no {_INFO}")
    fields: dict[str, tuple[str, ...]] = {}
    try:
        for line in data.decode("utf-8").split("\n"):
            match = _FIELD.fullmatch(line)
            if match:
                fields[match[1]] = (*fields.get(match[1], ()), match[2].strip())
            elif line and not line.startswith("#"):
                raise ValueError(f"{line[:60]!r} is not NAME = VALUE")
        key(fields.get("pkgver", ("",))[0])
        if not _NAME.fullmatch(fields.get("pkgname", ("",))[0]):
            raise ValueError("pkgname is missing or odd")
        if any(not _DIGEST.fullmatch(value) for value in fields.get("datahash", ())):
            raise ValueError("datahash is no SHA-256")
    except ValueError as error:
        raise VerificationError(f"{label}: its {_INFO} cannot be read", why=str(error)) from error
    return fields


def _stated(entry: Entry, label: str) -> dict[str, str]:
    """The checksums in an entry's header, by algorithm."""
    found: dict[str, str] = {}
    for name, value in entry.xattrs:
        if name.startswith(_VENDOR):
            algorithm = name.removeprefix(_VENDOR).lower()
            if algorithm not in {"sha1", "sha256"}:
                raise VerificationError(f"{label}: {entry.path} has a checksum of an unknown kind: {name}")
            found[algorithm] = value.decode("ascii", "replace").lower()
    return found


def _expected(entry: Entry, stated: Mapping[str, str], before: Mapping[str, bytes | None]) -> bytes | None:
    """The SHA-1 that apk's database notes; of a file without one in its header, none is noted."""
    match entry.kind:
        case Kind.SYMLINK:
            return hashlib.sha1(entry.link.encode("utf-8", "surrogateescape"), usedforsecurity=False).digest()
        case Kind.HARDLINK:
            return before.get(entry.link)
        case Kind.FILE if "sha1" in stated:
            try:
                return bytes.fromhex(stated["sha1"])
            except ValueError:
                return None
        case _:
            return None
