# SPDX-License-Identifier: Apache-2.0
"""A streaming tar reader that believes nothing: ustar, GNU long names and PAX, everything bounded.

The standard library's reader repairs what is damaged and resolves what is ambiguous; this one refuses. Formats:
POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar Format".
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from zlib import adler32

from imagewright.errors import VerificationError
from imagewright.model.tree import TYPEFLAGS, XATTR_RECORD, Entry, EntryStream, Kind

BLOCK = 512
_ADLER = 65521
_ZEROS = bytes(BLOCK)
_LINKS = frozenset({Kind.HARDLINK, Kind.SYMLINK})
_DEVICES = frozenset({Kind.CHARACTER, Kind.BLOCK})
_IGNORED = frozenset({"atime", "ctime", "comment", "uname", "gname", "hdrcharset"})
"""Extended header records that say nothing we keep."""
_DIGITS = 18
"""Decimal digits of a number in an extended header; so many fit in 63 bits."""


@dataclass(frozen=True, slots=True)
class TarLimits:
    """What an archive may come to: counts, bytes of content and headers together, bytes of a name."""

    entries: int = 500_000
    total: int = 8 << 30
    path: int = 4095
    extension: int = 1 << 20


class Content(io.RawIOBase):
    """One regular file's bytes, readable until the next entry is asked for."""

    def __init__(self, source: _Source, size: int) -> None:
        self._source = source
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        left = self.left
        if not left:
            return b""
        data = self._source.take(left) if size < 0 or size >= left else self._source.some(size)
        self.left = left - len(data)
        return data

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Fill a buffer; for callers that want the standard interface."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        """Yes."""
        return True


def read_tar(
    read: Callable[[int], bytes],
    label: str,
    *,
    limits: TarLimits | None = None,
    devices: bool = False,
    vendor: str = "",
) -> EntryStream:
    """Yield the entries of an archive. ``read(n)`` gives up to ``n`` bytes of it, empty at the end.

    Records of extended headers whose keys begin with ``vendor`` come among the entry's ``xattrs``, under these
    keys: it is their caller who knows them, and takes them out.

    Paths come without ``./`` and slashes at either end. Raises :class:`VerificationError`, naming ``label``
    and the path, for absolute paths, ``..``, duplicates, hard links to anything but an earlier regular file of
    the same archive, device nodes (unless ``devices``), unknown types, damaged headers, an archive that is cut
    short or goes on after its end, and for anything beyond ``limits``.
    """
    return _Reader(_Source(read, label, limits or TarLimits()), devices=devices, vendor=vendor).entries()


class _Source:
    """Decompressed bytes in large pieces, handed out exactly."""

    def __init__(self, read: Callable[[int], bytes], label: str, limits: TarLimits) -> None:
        self._read = read
        self._buffer = b""
        self._at = 0
        self._total = 0
        self.label = label
        self.limits = limits

    def _fill(self) -> bool:
        self._buffer = self._read(1 << 20)
        self._at = 0
        self._total += len(self._buffer)
        if self._total > self.limits.total:
            raise VerificationError(
                f"{self.label} unpacks to more than {self.limits.total} bytes",
                why="a decompression bomb, most likely",
            )
        return bool(self._buffer)

    def some(self, size: int) -> bytes:
        """Between one and ``size`` bytes. Raises if there are none."""
        if self._at == len(self._buffer) and not self._fill():
            raise VerificationError(f"{self.label} is cut short", why="the archive ends inside an entry")
        data = self._buffer[self._at : self._at + size]
        self._at += len(data)
        return data

    def take(self, size: int) -> bytes:
        """Exactly ``size`` bytes. Raises if there are fewer."""
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
            return data
        pieces = []
        while size:
            pieces.append(self.some(size))
            size -= len(pieces[-1])
        return b"".join(pieces)

    def skip(self, size: int) -> None:
        """Go past ``size`` bytes."""
        if self._at + size <= len(self._buffer):
            self._at += size
            return
        while size:
            size -= len(self.some(size))

    def rest_is_zero(self) -> bool:
        """Whether nothing but zero bytes follows."""
        rest = self._buffer[self._at :]
        while True:
            if rest.count(0) != len(rest):
                return False
            if not self._fill():
                return True
            rest = self._buffer


class _Reader:
    """The state of reading one archive."""

    def __init__(self, source: _Source, *, devices: bool, vendor: str) -> None:
        self._source = source
        self._label = source.label
        self._limits = source.limits
        self._devices = devices
        self._vendor = vendor
        self._seen: set[str] = set()
        self._files: set[str] = set()
        self._records: dict[str, bytes] = {}

    def entries(self) -> EntryStream:
        source = self._source
        while (block := source.take(BLOCK)) != _ZEROS:
            entry = self._entry(block)
            if entry is None:
                continue
            if entry.kind is not Kind.FILE:
                yield entry, None
                continue
            content = Content(source, entry.size)
            # A raw stream has everything a reader of Content's protocol asks for.
            yield entry, content  # type: ignore[misc]
            source.skip(content.left + -entry.size % BLOCK)
            content.left = 0
        if not source.rest_is_zero():
            raise VerificationError(f"{self._label} goes on after the end of its archive")
        if self._records:
            raise VerificationError(f"{self._label} ends with an extended header that belongs to nothing")

    def _entry(self, block: bytes) -> Entry | None:
        kind = block[156:157]
        stated = self._octal(block[148:156])
        # The sum of all bytes, those of the checksum's own field taken as blanks. adler32's lower half is one
        # more than the sum of the bytes, modulo 65521: the whole archive's headers cost next to nothing so.
        actual = adler32(block[:148] + b"        " + block[156:]) & 0xFFFF
        if (stated + 1) % _ADLER != actual or stated > 255 * BLOCK:
            raise VerificationError(f"{self._label}: an archive header is damaged", why="its checksum is wrong")
        if kind in b"xLK":
            self._extend(block, kind)
            return None
        if kind == b"g":
            # Global headers change what follows; git writes one that holds nothing but a comment.
            if set(self._pax(self._extension(block))) - _IGNORED:
                raise VerificationError(f"{self._label}: global extended headers are not supported")
            return None
        return self._plain(block, kind)

    def _plain(self, block: bytes, kind: bytes) -> Entry:
        what = TYPEFLAGS.get(kind)
        if what is None:
            raise VerificationError(f"{self._label}: entry of unknown type {kind!r}")
        name = block[:100].partition(b"\0")[0]
        if block[257:263] == b"ustar\0" and block[345]:
            name = block[345:500].partition(b"\0")[0] + b"/" + name
        link = block[157:257].partition(b"\0")[0] if what in _LINKS else b""
        numbers = {
            "uid": self._octal(block[108:116]),
            "gid": self._octal(block[116:124]),
            "mtime": self._octal(block[136:148]),
            "size": self._octal(block[124:136]),
        }
        xattrs: tuple[tuple[str, bytes], ...] = ()
        if self._records:
            records, self._records = self._records, {}
            name = records.pop("path", name)
            link = records.pop("linkpath", link)
            xattrs = self._apply(records, numbers)
        path, target = self._admit(_text(name), what, _text(link))
        if numbers["size"] and what is not Kind.FILE:
            raise VerificationError(f"{self._label}: {path} is no regular file, but has content")
        device = (0, 0)
        if what in _DEVICES:
            device = (self._octal(block[329:337]), self._octal(block[337:345]))
        mode = self._octal(block[100:108]) & 0o7777
        return Entry(
            path=path, kind=what, mode=mode, link=target, device=device, xattrs=xattrs, records=(), **numbers
        )

    def _octal(self, field: bytes) -> int:
        """A number: octal digits, or GNU's base 256 where the first bit is set."""
        if field[0] & 0x80:
            value = int.from_bytes(field, "big", signed=False) & ~(0x80 << 8 * (len(field) - 1))
            if field[0] & 0x40 or value >= 1 << 63:
                raise VerificationError(f"{self._label}: an archive header has a number out of range")
            return value
        digits = field.partition(b"\0")[0].strip(b" ")
        if not digits:
            return 0
        if not digits.isdigit() or b"8" in digits or b"9" in digits:
            raise VerificationError(f"{self._label}: an archive header has a number that is none: {field!r}")
        return int(digits, 8)

    def _extension(self, block: bytes) -> bytes:
        size = self._octal(block[124:136])
        if size > self._limits.extension:
            raise VerificationError(f"{self._label}: an extended header of {size} bytes")
        data = self._source.take(size)
        self._source.skip(-size % BLOCK)
        return data

    def _extend(self, block: bytes, kind: bytes) -> None:
        data = self._extension(block)
        found = self._pax(data) if kind == b"x" else {"path" if kind == b"L" else "linkpath": data.rstrip(b"\0")}
        if found.keys() & self._records.keys():
            raise VerificationError(f"{self._label}: two extended headers say the same for one entry")
        self._records.update(found)

    def _pax(self, data: bytes) -> dict[str, bytes]:
        records: dict[str, bytes] = {}
        while data:
            digits, blank, _ = data[:20].partition(b" ")
            length = int(digits) if digits.isdigit() else 0
            record = data[len(digits) + 1 : length]
            key, equals, value = record.partition(b"=")
            if not blank or not equals or not key or data[length - 1 : length] != b"\n":
                raise VerificationError(f"{self._label}: a damaged extended header")
            name = _text(key)
            if name in records:
                raise VerificationError(f"{self._label}: an extended header says {name!r} twice")
            records[name] = value[:-1]
            data = data[length:]
        return records

    def _apply(self, records: dict[str, bytes], numbers: dict[str, int]) -> tuple[tuple[str, bytes], ...]:
        xattrs: list[tuple[str, bytes]] = []
        for key, value in records.items():
            if key in numbers:
                digits = value.partition(b".")[0] if key == "mtime" else value
                if not digits.isdigit() or len(digits) > _DIGITS:
                    raise VerificationError(f"{self._label}: {key} in an extended header is no number")
                numbers[key] = int(digits)
            elif key.startswith(XATTR_RECORD):
                xattrs.append((key.removeprefix(XATTR_RECORD), value))
            elif self._vendor and key.startswith(self._vendor):
                xattrs.append((key, value))
            elif key not in _IGNORED:
                raise VerificationError(f"{self._label}: unknown extended header {key!r}")
        return tuple(sorted(xattrs))

    def _admit(self, name: str, kind: Kind, link: str) -> tuple[str, str]:
        path = self._path(name)
        if path in self._seen:
            raise VerificationError(f"{self._label}: {path or '.'} is there twice")
        self._seen.add(path)
        if len(self._seen) > self._limits.entries:
            raise VerificationError(f"{self._label} has more than {self._limits.entries} entries")
        if kind is Kind.FILE:
            if name.endswith("/"):
                raise VerificationError(f"{self._label}: {name!r} is no name for a file")
            self._files.add(path)
        elif kind is Kind.HARDLINK:
            link = self._path(link)
            if link not in self._files:
                raise VerificationError(f"{self._label}: {path} is a hard link to {link!r}, no earlier file of it")
        elif kind is Kind.SYMLINK and (not link or len(link) > self._limits.path):
            raise VerificationError(f"{self._label}: {path} is a symbolic link to {link[:80]!r}")
        elif kind in _DEVICES and not self._devices:
            raise VerificationError(f"{self._label}: {path} is a device node", why="packages may not have any")
        if not path and kind is not Kind.DIRECTORY:
            raise VerificationError(f"{self._label}: the root itself is not a directory")
        return path, link

    def _path(self, name: str) -> str:
        """A path without ``./`` in front and slashes at the end. Refuses everything that may lead elsewhere."""
        path = name.removeprefix("./").rstrip("/")
        odd = name.startswith(("/", ".//")) or "\0" in path or "//" in path
        if odd or len(path.encode(errors="surrogateescape")) > self._limits.path:
            raise VerificationError(f"{self._label}: {name[:200]!r} is no path inside a package")
        if path in {".", ""}:
            return ""
        if "." in path and not {".", ".."}.isdisjoint(path.split("/")):
            raise VerificationError(f"{self._label}: {name[:200]!r} leads out of the package")
        return path


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")
