# SPDX-License-Identifier: Apache-2.0
"""A layer's table of contents: what there is to know of it without its bytes, and how it is kept.

An idea of eStargz (https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md, "TOC"); but ours
lies beside a layer, so any layer can have one, and it also has the contents that somebody will ask for. A line of
JSON for each entry, compressed with zstd.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

import zstandard

from imagewright.errors import VerificationError
from imagewright.model.tree import Content, Entry, EntryStream, Kind

FORMAT = 1
"""Number of the way they are kept."""

MAXIMUM_CONTENT = 16 << 20
"""Bytes of one file whose content is kept."""

MAXIMUM_CONTENTS = 256 << 20
"""Bytes of all of them in one layer; the largest of a full image has about 20 million."""

_PIECE = 1 << 20
_LEVEL = 1
_Pairs = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class TocEntry:
    """An entry, the SHA-256 of a regular file's content, and that content where it is kept."""

    entry: Entry
    digest: bytes = b""
    content: bytes | None = None


def read_toc(layer: EntryStream, kept: Callable[[str], object]) -> Iterator[TocEntry]:
    """Read a layer to its end. ``kept`` says of a path whether its content is.

    Raises ``VerificationError`` as reading the layer does, and where more would be kept than there can be.
    """
    total = 0
    for entry, content in layer:
        if content is None:
            yield TocEntry(entry)
        elif kept(entry.path):
            total += entry.size
            if entry.size > MAXIMUM_CONTENT:
                raise VerificationError(f"refused a layer: {entry.path} has {entry.size} bytes")
            if total > MAXIMUM_CONTENTS:
                raise VerificationError(
                    f"refused a layer: its package data has more than {MAXIMUM_CONTENTS} bytes"
                )
            data = content.read()
            yield TocEntry(entry, hashlib.sha256(data).digest(), data)
        else:
            yield TocEntry(entry, _hash(content))


def write_toc(entries: Iterable[TocEntry]) -> Iterator[bytes]:
    """The table as it is kept, in pieces."""
    packer = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    for one in entries:
        yield packer.compress(json.dumps(_row(one), separators=(",", ":")).encode() + b"\n")
    yield packer.flush()


def parse_toc(file: BinaryIO) -> Iterator[TocEntry]:
    """The entries of a table that :func:`write_toc` wrote. It is believed: nobody else may have written it."""
    with zstandard.ZstdDecompressor().stream_reader(file, closefd=False) as plain:
        rest = ""
        while piece := plain.read(_PIECE):
            *lines, rest = (rest + piece.decode("ascii")).split("\n")
            yield from map(_parsed, lines)


def _hash(content: Content) -> bytes:
    state = hashlib.sha256()
    while content is not None and (piece := content.read(_PIECE)):
        state.update(piece)
    return state.digest()


def _row(one: TocEntry) -> list[object]:
    entry = one.entry
    content = None if one.content is None else b64encode(one.content).decode()
    return [
        *(entry.path, entry.kind.value, entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, entry.link),
        *(entry.device, _written(entry.xattrs), _written(entry.records), one.digest.hex(), content),
    ]


def _parsed(line: str) -> TocEntry:
    path, kind, mode, uid, gid, mtime, size, link, device, xattrs, records, digest, content = json.loads(line)
    numbers = cast("tuple[int, int]", tuple(device))
    notes = (_read(xattrs), _read(records)) if xattrs or records else ((), ())
    entry = Entry(path, _KINDS[kind], mode, uid, gid, mtime, size, link, numbers, *notes)
    return TocEntry(entry, bytes.fromhex(digest), None if content is None else b64decode(content))


_KINDS = {kind.value: kind for kind in Kind}


def _written(pairs: _Pairs) -> list[tuple[str, str]]:
    return [(name, b64encode(value).decode()) for name, value in pairs]


def _read(pairs: Iterable[tuple[str, str]]) -> _Pairs:
    return tuple((name, b64decode(value)) for name, value in pairs)
