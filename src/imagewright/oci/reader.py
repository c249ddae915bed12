# SPDX-License-Identifier: Apache-2.0
"""Reading layers that others wrote (OCI image-spec, layer.md): streamed, bounded, and refused when in doubt.

Understands ustar, PAX (POSIX.1-2017) and GNU long names and base-256 numbers. Refuses names that are absolute,
climb, or pass through something that is not a directory; the same name twice; hard links to anything but an
earlier file; sparse files and unknown types; whiteouts unless asked for, and those that contradict the layer.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

from imagewright.errors import VerificationError
from imagewright.model.tree import TYPEFLAGS, XATTR_RECORD, Content, Entry, EntryStream, Kind
from imagewright.oci.decompression import decompressed
from imagewright.oci.tar import BLOCK, WHITEOUT

_OPAQUE = ".wh..wh..opq"
_MAX_PATH = 4096
_MAX_NAME = 255
_SKIP = 1 << 20
_VENDORS = ("MSWINDOWS.", "LIBARCHIVE.creationtime")
"""Records that are kept as they are: what Windows knows of a file."""


@dataclass(frozen=True, slots=True)
class LayerLimits:
    """``total`` decompressed bytes, ``entries``, and bytes of one extended ``header``."""

    total: int = 64 << 30
    entries: int = 2_000_000
    header: int = 1 << 20


def read_layer(stream: BinaryIO, *, limits: LayerLimits | None = None, whiteouts: bool = False) -> EntryStream:
    """Entries of a layer (gzip, zstd or plain) in its own order; paths as in :class:`Entry`.

    Each content must be read before the next entry is asked for; what is left of it is skipped. With
    ``whiteouts``, ``.wh.`` names come as empty files for the caller to act on. Raises ``VerificationError``.
    """
    bounds = limits or LayerLimits()
    plain = decompressed(stream, maximum=bounds.total)
    rules = _Rules(whiteouts=whiteouts)
    for number, (entry, content) in enumerate(_entries(plain, bounds)):
        if number >= bounds.entries:
            _refuse(f"more than {bounds.entries} entries")
        rules.admit(entry)
        yield entry, content
    while plain.read(_SKIP):  # padding, and whatever the decompressor still has to say about its end
        pass


@dataclass(slots=True)
class _Rules:
    """What holds between the entries of one layer."""

    whiteouts: bool
    kinds: dict[str, Kind] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)

    def admit(self, entry: Entry) -> None:
        path = entry.path
        if path in self.kinds:
            _refuse(f"{path or '/'} is there twice")
        if not path and entry.kind is not Kind.DIRECTORY:
            _refuse("its root is not a directory")
        self._admit_place(path)
        if path in self.parents and entry.kind is not Kind.DIRECTORY:
            _refuse(f"{path} is a directory and something else")
        if entry.kind is Kind.HARDLINK and self.kinds.get(entry.link) not in (Kind.FILE, Kind.HARDLINK):
            _refuse(f"{path} links to {entry.link}, which is not an earlier file")
        self._admit_whiteout(entry)
        self.kinds[path] = entry.kind

    def _admit_place(self, path: str) -> None:
        parent = path.rpartition("/")[0]
        while parent and parent not in self.parents:
            if self.kinds.get(parent, Kind.DIRECTORY) is not Kind.DIRECTORY:
                _refuse(f"{path} passes through {parent}, which is not a directory")
            self.parents.add(parent)
            parent = parent.rpartition("/")[0]

    def _admit_whiteout(self, entry: Entry) -> None:
        directory, _, name = entry.path.rpartition("/")
        if any(part.startswith(WHITEOUT) for part in directory.split("/")):
            _refuse(f"{entry.path} is below a whiteout")
        prefix = f"{directory}/" if directory else ""
        if not name.startswith(WHITEOUT):
            if f"{prefix}{WHITEOUT}{name}" in self.kinds:
                _refuse(f"{entry.path} is both there and removed")
            return
        if not self.whiteouts:
            _refuse(f"{entry.path} is a whiteout, which this layer must not have")
        removed = name.removeprefix(WHITEOUT)
        if entry.kind is not Kind.FILE or entry.size or not removed or removed in (".", ".."):
            _refuse(f"{entry.path} is no proper whiteout")
        if removed.startswith(WHITEOUT) and name != _OPAQUE:
            _refuse(f"{entry.path} is a whiteout of a whiteout")
        place = f"{prefix}{removed}"
        if name != _OPAQUE and (place in self.kinds or place in self.parents):
            _refuse(f"{place} is both there and removed")


@dataclass(slots=True)
class _Extra:
    """What extended headers say about the next entry, or (global ones) about all that follow."""

    pax: dict[str, bytes] = field(default_factory=dict)
    name: bytes | None = None
    link: bytes | None = None


def _entries(plain: io.BufferedReader, limits: LayerLimits) -> EntryStream:
    common: dict[str, bytes] = {}
    extra = _Extra()
    for block in _headers(plain):
        kind = block[156:157]
        size = _number(block[124:136], "size")
        if kind in (b"x", b"g", b"L", b"K"):
            if size > limits.header:
                _refuse(f"an extended header of {size} bytes")
            data = _padded(plain, size)
            if kind == b"x":
                extra.pax = _records(data)
            elif kind == b"g":
                common |= _records(data)
            elif kind == b"L":
                extra.name = data.rstrip(b"\0")
            else:
                extra.link = data.rstrip(b"\0")
            continue
        entry = _entry(block, common | extra.pax, extra)
        extra = _Extra()
        member = _Member(plain, entry.size)
        content: Content = io.BufferedReader(member) if entry.kind is Kind.FILE else None
        yield entry, content
        member.skip()
        _exact(plain, -entry.size % BLOCK)
    if extra.pax or extra.name is not None or extra.link is not None:
        _refuse("an extended header without an entry")


def _headers(plain: io.BufferedReader) -> Iterator[bytes]:
    """Header blocks up to the end mark; the caller reads what lies between them."""
    empty = 0
    while empty < 2:  # noqa: PLR2004 - two empty blocks end an archive
        block = _exact(plain, BLOCK)
        if not any(block):
            empty += 1
            continue
        if empty:
            _refuse("an empty block between entries")
        declared = _number(block[148:156], "checksum")
        if sum(block[:148]) + 8 * 0x20 + sum(block[156:]) != declared:
            _refuse("a header with a wrong checksum")
        yield block


def _entry(block: bytes, pax: dict[str, bytes], extra: _Extra) -> Entry:
    kind = TYPEFLAGS.get(block[156:157])
    if kind is None or any(key.startswith("GNU.sparse") for key in pax):
        _refuse(f"an entry of type {block[156:157]!r}, or a sparse file")
    name = pax.get("path", extra.name)
    if name is None:
        name = _text(block[:100])
        prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else b""
        name = prefix + b"/" + name if prefix else name
    link = pax.get("linkpath", extra.link)
    if link is None:
        link = _text(block[157:257])
    if name.endswith(b"/") and kind is Kind.FILE:
        kind = Kind.DIRECTORY  # as archives before POSIX wrote directories
    path = _path(name)
    size = _pax_number(pax, "size", block[124:136])
    if size and kind is not Kind.FILE:
        _refuse(f"{path} is a {kind.value} with content")
    target = ""
    if kind is Kind.HARDLINK:
        target = _path(link)
    elif kind is Kind.SYMLINK:
        target = _decode(link)
        if not target or len(link) > _MAX_PATH:
            _refuse(f"{path} is a link to nothing, or too long")
    special = kind in (Kind.CHARACTER, Kind.BLOCK)
    return Entry(
        path=path,
        kind=kind,
        mode=_number(block[100:108], "mode") & 0o7777,
        uid=_pax_number(pax, "uid", block[108:116]),
        gid=_pax_number(pax, "gid", block[116:124]),
        mtime=_mtime(pax, block[136:148]),
        size=size,
        link=target,
        device=(_number(block[329:337], "device"), _number(block[337:345], "device")) if special else (0, 0),
        xattrs=tuple(
            sorted((key.removeprefix(XATTR_RECORD), pax[key]) for key in pax if key.startswith(XATTR_RECORD))
        ),
        records=tuple(sorted((key, pax[key]) for key in pax if key.startswith(_VENDORS))),
    )


def _path(raw: bytes) -> str:
    """A name as in :class:`Entry`: ``./`` and a slash at the end are taken off, anything else odd is refused."""
    text = _decode(raw)
    if text.startswith("/"):
        _refuse(f"{text[:80]!r} is absolute")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        _refuse(f"{text[:80]!r} climbs out of the layer")
    if not text or len(raw) > _MAX_PATH or any(len(part.encode(*_CODEC)) > _MAX_NAME for part in parts):
        _refuse(f"a name that is empty or too long: {text[:80]!r}")
    return "/".join(parts)


_CODEC = ("utf-8", "surrogateescape")


def _decode(raw: bytes) -> str:
    if b"\0" in raw:
        _refuse("a name with a null character")
    return raw.decode(*_CODEC)


def _text(raw: bytes) -> bytes:
    return raw.partition(b"\0")[0]


def _records(data: bytes) -> dict[str, bytes]:
    """PAX records: ``length key=value\\n``, the length in decimal and counting itself."""
    found: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        if end <= space + 1 or end > len(data) or data[end - 1 : end] != b"\n":
            _refuse("a damaged extended header")
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        name = key.decode(*_CODEC)
        if not equals or not key or name in found:
            _refuse("a damaged extended header, or the same record twice")
        found[name] = value
        at = end
    return found


def _pax_number(pax: dict[str, bytes], key: str, raw: bytes) -> int:
    value = pax.get(key)
    if value is None:
        return _number(raw, key)
    if not value.isdigit() or len(value) > 19:  # noqa: PLR2004 - digits of 2**63
        _refuse(f"a {key} that is no number: {value[:40]!r}")
    return int(value)


def _mtime(pax: dict[str, bytes], raw: bytes) -> int:
    value = pax.get("mtime")
    if value is None:
        return _number(raw, "mtime", signed=True)
    whole, _, fraction = value.removeprefix(b"-").partition(b".")
    if not whole.isdigit() or len(whole) > 19 or (fraction and not fraction.isdigit()):  # noqa: PLR2004
        _refuse(f"a time that is no number: {value[:40]!r}")
    if not value.startswith(b"-"):
        return int(whole)
    return -int(whole) - (1 if fraction.strip(b"0") else 0)


def _number(raw: bytes, what: str, *, signed: bool = False) -> int:
    """Octal digits, or GNU's base-256 where the highest bit is set."""
    if raw[0] & 0x80:
        value = int.from_bytes(raw, "big") & ~(0x80 << 8 * (len(raw) - 1))
        if raw[0] & 0x40:
            value -= 1 << (8 * len(raw) - 1)
        if value.bit_length() > 63 or (value < 0 and not signed):  # noqa: PLR2004 - what every reader can hold
            _refuse(f"a {what} out of range")
        return value
    digits = raw.strip(b" \0")
    if not digits:
        return 0
    if not all(0x30 <= digit <= 0x37 for digit in digits):  # noqa: PLR2004 - octal digits
        _refuse(f"a {what} that is no number: {raw!r}")
    return int(digits, 8)


def _exact(plain: io.BufferedReader, count: int) -> bytes:
    data = plain.read(count) if count else b""
    if len(data) != count:
        _refuse("it ends too early")
    return data


def _padded(plain: io.BufferedReader, size: int) -> bytes:
    return _exact(plain, size + -size % BLOCK)[:size]


class _Member(io.RawIOBase):
    """One file's content within the archive."""

    def __init__(self, plain: io.BufferedReader, size: int) -> None:
        self._plain = plain
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._left:
            return 0
        count = self._plain.readinto(view[: min(len(view), self._left)])
        if not count:
            _refuse("it ends too early")
        self._left -= count
        return count

    def skip(self) -> None:
        """Pass over what was not read."""
        while self._left:
            self._left -= len(_exact(self._plain, min(_SKIP, self._left)))


def _refuse(what: str) -> NoReturn:
    raise VerificationError(f"refused a layer: {what}")
