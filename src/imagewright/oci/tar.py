# SPDX-License-Identifier: Apache-2.0
"""Writing tar: POSIX ustar, with PAX extended headers only where ustar has no room (POSIX.1-2017, pax).

One tree gives one sequence of bytes: numeric owners without names, whole seconds clamped from above, no access
or change times, entries strictly sorted by :func:`order`, directories marked with a slash at their end.
"""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.errors import BuildError
from imagewright.model.tree import XATTR_RECORD, Entry, EntrySource, Kind

BLOCK = 512
_READ = 1 << 20
_NAME = 100
_PREFIX = 155
_ID_LIMIT = 0o7777777
_SIZE_LIMIT = 0o77777777777
_EPOCH_LIMIT = 0o77777777777
_DEVICE_LIMIT = 0o7777777
_MODE_LIMIT = 0o7777
WHITEOUT = ".wh."
"""Names that begin so mean removal of another layer's file (OCI image-spec, layer.md, "Whiteouts")."""

_TYPES = {
    Kind.FILE: b"0",
    Kind.HARDLINK: b"1",
    Kind.SYMLINK: b"2",
    Kind.CHARACTER: b"3",
    Kind.BLOCK: b"4",
    Kind.DIRECTORY: b"5",
    Kind.FIFO: b"6",
}
_ZEROS = bytes(BLOCK)
END = bytes(2 * BLOCK)
"""Two empty blocks end an archive."""


def order(path: str) -> bytes:
    """What entries are sorted by: the bytes of the path. A directory comes before what is in it."""
    return path.encode("utf-8", "surrogateescape")


def archive(entries: EntrySource, *, epoch: int) -> Iterator[bytes]:
    """The bytes of an archive, in pieces of up to a megabyte. ``epoch`` bounds modification times from above.

    A hard link names an earlier regular file. Raises ``BuildError`` naming the path for entries that are not
    strictly sorted, would be whiteouts, link to nothing, or whose content has another size than they say.
    """
    if not 0 <= epoch <= _EPOCH_LIMIT:
        raise BuildError(f"the epoch {epoch} cannot be written in a layer")
    rules = _Rules()
    for entry, content in entries:
        rules.admit(entry)
        yield header(entry, epoch)
        if entry.kind is not Kind.FILE or not entry.size:
            if content is not None and content.read(1):
                raise BuildError(f"{entry.path}: has content, but says it has none")
            continue
        left = entry.size
        while left:
            piece = b"" if content is None else content.read(min(_READ, left))
            if not piece:
                raise BuildError(f"{entry.path}: {entry.size - left} bytes instead of {entry.size}")
            left -= len(piece)
            yield piece
        if content is not None and content.read(1):
            raise BuildError(f"{entry.path}: more than {entry.size} bytes")
        if entry.size % BLOCK:
            yield _ZEROS[entry.size % BLOCK :]
    yield END


class _Rules:
    """What holds between entries."""

    def __init__(self) -> None:
        self._last: bytes | None = None
        self._files: set[str] = set()

    def admit(self, entry: Entry) -> None:
        place = order(entry.path)
        if self._last is not None and place <= self._last:
            what = "is there twice" if place == self._last else "is not in sorted order"
            raise BuildError(f"{entry.path or '/'}: {what} in a layer")
        self._last = place
        parts = entry.path.split("/") if entry.path else []
        if any(part in ("", ".", "..") for part in parts) or "\0" in entry.path:
            raise BuildError(f"{entry.path!r} is no path for a layer")
        if not entry.path and entry.kind is not Kind.DIRECTORY:
            raise BuildError("the root of a layer is not a directory")
        if parts and parts[-1].startswith(WHITEOUT):
            raise BuildError(f"{entry.path}: a layer with this name would remove another file")
        if entry.kind is Kind.FILE:
            self._files.add(entry.path)
        if entry.kind is Kind.HARDLINK and entry.link not in self._files:
            raise BuildError(f"{entry.path}: links to {entry.link}, which is not an earlier file of the layer")


def header(entry: Entry, epoch: int) -> bytes:
    """The blocks before an entry's content. Raises ``BuildError`` for what no tar header can say."""
    name = order(entry.path) or b"."
    if entry.kind is Kind.DIRECTORY:
        name += b"/"
    link = order(entry.link) if entry.kind in (Kind.SYMLINK, Kind.HARDLINK) else b""
    size = entry.size if entry.kind is Kind.FILE else 0
    mtime = max(0, min(entry.mtime, epoch))
    records: dict[str, bytes] = {}
    prefix, short = _split(name)
    if short is None or not name.isascii():
        records["path"] = name
        prefix, short = b"", name[:_NAME]
    if len(link) > _NAME or not link.isascii():
        records["linkpath"] = link
        link = link[:_NAME]
    numbers = {"uid": entry.uid, "gid": entry.gid}
    for key, number in numbers.items():
        if not 0 <= number <= _ID_LIMIT:
            records[key] = _decimal(number, entry)
            numbers[key] = 0
    if size > _SIZE_LIMIT:
        records["size"] = _decimal(size, entry)
        size = 0
    for key, value in entry.xattrs:
        records[f"{XATTR_RECORD}{key}"] = value
    records.update(entry.records)
    if not 0 <= entry.mode <= _MODE_LIMIT or size < 0:
        raise BuildError(f"{entry.path}: mode {entry.mode:o}, size {size} cannot be written in a layer")
    major, minor = entry.device if entry.kind in (Kind.CHARACTER, Kind.BLOCK) else (0, 0)
    if not (0 <= major <= _DEVICE_LIMIT and 0 <= minor <= _DEVICE_LIMIT):
        raise BuildError(f"{entry.path}: device {major}:{minor} cannot be written in a layer")
    block = _block(
        short,
        _TYPES[entry.kind],
        prefix=prefix,
        mode=entry.mode,
        owner=(numbers["uid"], numbers["gid"]),
        size=size,
        mtime=mtime,
        link=link,
        device=(major, minor),
    )
    return _extended(records) + block if records else block


def _split(name: bytes) -> tuple[bytes, bytes | None]:
    """A name as ustar's prefix and name; the second is ``None`` if it does not fit."""
    if len(name) <= _NAME:
        return b"", name
    # The last character of a directory's name is a slash, which cannot be the one to split at.
    at = name.rfind(b"/", 0, min(_PREFIX + 1, len(name) - 1))
    if at > 0 and 0 < len(name) - at - 1 <= _NAME:
        return name[:at], name[at + 1 :]
    return b"", None


def _decimal(number: int, entry: Entry) -> bytes:
    if number < 0:
        raise BuildError(f"{entry.path}: negative number {number} cannot be written in a layer")
    return b"%d" % number


def _block(
    name: bytes,
    kind: bytes,
    *,
    prefix: bytes = b"",
    mode: int = 0,
    owner: tuple[int, int] = (0, 0),
    size: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    head = b"%s%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(_NAME, b"\0"), mode, *owner, size, mtime)
    tail = b"%s%sustar\00000%s%07o\0%07o\0%s" % (
        kind,
        link.ljust(_NAME, b"\0"),
        bytes(64),  # names of user and group: never
        *device,
        prefix.ljust(_PREFIX + 12, b"\0"),
    )
    checksum = sum(head) + sum(tail) + 8 * 0x20
    return b"%s%06o\0 %s" % (head, checksum, tail)


def _extended(records: dict[str, bytes]) -> bytes:
    """A PAX extended header with these records, sorted by key."""
    lines = []
    for key in sorted(records, key=order):
        body = b" %s=%s\n" % (order(key), records[key])
        length = len(body)
        while len(b"%d" % length) + len(body) != length:
            length = len(b"%d" % length) + len(body)
        lines.append(b"%d%s" % (length, body))
    if any(not _is_utf8(records.get(key, b"")) for key in ("path", "linkpath")):
        lines.insert(0, b"21 hdrcharset=BINARY\n")
    data = b"".join(lines)
    block = _block(b"././@PaxHeader", b"x", size=len(data))
    return block + data + _ZEROS[: -len(data) % BLOCK]


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
