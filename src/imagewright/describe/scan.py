# SPDX-License-Identifier: Apache-2.0
"""Reading an image's layers once: which files there are, and those that say something about the rest.

Layers come lowest first, with their whiteouts (OCI image-spec 1.1, layer.md, "Whiteouts"). Nothing is unpacked;
what is kept of contents is bounded.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from imagewright.archives.alpine.database import INSTALLED
from imagewright.errors import VerificationError
from imagewright.inventory.stock import WANTED, Gathered, gather
from imagewright.model.tree import Entry, Kind
from imagewright.oci.toc import TocEntry

MAXIMUM_TEXTS = 128 << 20
"""Bytes of all of them; a full image has about 10 million."""

MAXIMUM_FILES = 2_000_000

_HEAD = 64 << 10
"""Bytes of a changelog that are kept; what is new stands at its beginning."""

_TEXTS = re.compile(
    r"var/lib/dpkg/info/[^/]+\.list"
    r"|var/lib/dpkg/status\.d/[^/]+\.md5sums"
    rf"|{INSTALLED}"
    r"|usr/(?:local/)?lib/python[0-9.]+t?/_sysconfigdata[^/]*\.py"
    r"|usr/(?:local/)?lib/python[0-9.]+t?/(?:site|dist)-packages/[^/]+\.dist-info/RECORD"
    r"|etc/apt/sources\.list|etc/apt/sources\.list\.d/[^/]+\.(?:list|sources)"
)
_CHANGELOG = re.compile(r"usr/share/doc/[^/]+/changelog(?:\.Debian(?:\.[a-z0-9]+)?)?\.gz")
KEPT = hashlib.sha256("\0".join(one.pattern for one in (WANTED, _TEXTS, _CHANGELOG)).encode()).hexdigest()[:16]
"""Stands for what :func:`is_kept` says: another value, other files."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_CAPABILITY = "security.capability"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """What can be seen at one path; ``layer`` counts from 0, ``digest`` is a regular file's SHA-256."""

    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    layer: int
    link: str = ""
    capable: bool = False
    digest: bytes = b""


@dataclass(slots=True)
class ScannedLayer:
    """One layer by itself: sizes of its regular files by path, and how many whiteouts it has."""

    files: dict[str, int] = field(default_factory=dict)
    removed: int = 0


@dataclass(slots=True)
class Scan:
    """An image's files, and what they lie below. ``texts`` are those that name owners, flags and archives;
    ``changelogs`` are the beginnings of such files, by path."""

    files: dict[str, FoundFile] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    changelogs: dict[str, str] = field(default_factory=dict)
    gathered: Gathered = field(default_factory=Gathered)
    layers: list[ScannedLayer] = field(default_factory=list)
    parents: set[str] = field(default_factory=lambda: {""})

    def resolved(self, path: str) -> str:
        """A path whose first directory may be a link, as in a merged ``/usr``."""
        first, slash, rest = path.partition("/")
        found = self.files.get(first)
        if slash and found is not None and found.kind is Kind.SYMLINK:
            return f"{found.link.strip('/')}/{rest}"
        return path


def is_kept(path: str) -> bool:
    """Whether a description needs the content of a file at this path."""
    return any(one.fullmatch(path) for one in (WANTED, _TEXTS, _CHANGELOG))


def scan(layers: Iterable[Iterable[TocEntry]]) -> Scan:
    """Describe layers, of which all is kept that :func:`is_kept` names. Raises ``VerificationError``."""
    found = Scan()
    found.gathered = gather(_watched(number, layer, found) for number, layer in enumerate(layers))
    return found


def _watched(number: int, layer: Iterable[TocEntry], found: Scan) -> Iterator[TocEntry]:
    """The same entries, noted as they go by."""
    own = ScannedLayer()
    found.layers.append(own)
    new: dict[str, FoundFile] = {}
    texts: dict[str, bytes] = {}
    hidden: list[str] = []
    for one in layer:
        entry = one.entry
        directory, _, name = entry.path.rpartition("/")
        if name.startswith(_WHITEOUT):
            own.removed += 1
            hidden.append(f"{directory}/*" if name == _OPAQUE else f"{directory}/{name.removeprefix(_WHITEOUT)}")
            yield one
            continue
        new[entry.path] = _found(entry, number, new, one.digest)
        if entry.kind is Kind.FILE:
            own.files[entry.path] = entry.size
        if one.content is not None and (_TEXTS.fullmatch(entry.path) or _CHANGELOG.fullmatch(entry.path)):
            texts[entry.path] = one.content
        yield one
        if len(found.files) + len(new) > MAXIMUM_FILES:
            raise VerificationError(f"refused an image: it has more than {MAXIMUM_FILES} files")
    _hide(found, [path.strip("/") for path in hidden])
    _replace(found, new)
    _take(found, texts)


def _found(entry: Entry, number: int, new: dict[str, FoundFile], digest: bytes) -> FoundFile:
    """A hard link is what it links to, but for its size, which counts once."""
    target = new.get(entry.link) if entry.kind is Kind.HARDLINK else None
    return FoundFile(
        kind=Kind.FILE if target else entry.kind,
        mode=target.mode if target else entry.mode,
        uid=target.uid if target else entry.uid,
        gid=target.gid if target else entry.gid,
        size=entry.size,
        layer=number,
        link=entry.link,
        capable=target.capable if target else any(name == _CAPABILITY for name, _ in entry.xattrs),
        digest=target.digest if target else digest,
    )


def _hide(found: Scan, paths: Iterable[str]) -> None:
    """Forget these paths and what is below them; with ``*`` at the end, only what is below."""
    gone = {path for path in paths if path}
    if not gone:
        return
    for name in [name for name in found.files if _is_hidden(name, gone)]:
        del found.files[name]
        found.texts.pop(name, None)
        found.changelogs.pop(name, None)


def _is_hidden(name: str, gone: set[str]) -> bool:
    if name in gone or (name and "*" in gone):
        return True
    parent = name.rpartition("/")[0]
    while parent:
        if parent in gone or f"{parent}/*" in gone:
            return True
        parent = parent.rpartition("/")[0]
    return False


def _replace(found: Scan, new: dict[str, FoundFile]) -> None:
    """What is new hides what was there; a file in the place of a directory hides all that is below it."""
    hiding = (path for path in found.parents.intersection(new) if new[path].kind is not Kind.DIRECTORY)
    _hide(found, [f"{path}/*" for path in hiding])
    for path in new:
        parent = path.rpartition("/")[0]
        while parent not in found.parents:
            found.parents.add(parent)
            parent = parent.rpartition("/")[0]
        found.texts.pop(path, None)
        found.changelogs.pop(path, None)
    found.files |= new


def _take(found: Scan, texts: dict[str, bytes]) -> None:
    for path, content in texts.items():
        if _CHANGELOG.fullmatch(path):
            found.changelogs[path] = _head(content)
        else:
            found.texts[path] = content
    if sum(map(len, (*found.texts.values(), *found.changelogs.values()))) > MAXIMUM_TEXTS:
        raise VerificationError(f"refused an image: its package data has more than {MAXIMUM_TEXTS} bytes")


def _head(content: bytes) -> str:
    """The beginning of a compressed text; nothing where it is damaged."""
    try:
        return zlib.decompressobj(wbits=31).decompress(content, _HEAD).decode("utf-8", "replace")
    except zlib.error:
        return ""


def regular(found: Scan) -> Iterator[tuple[str, FoundFile]]:
    """The files that can be seen and are regular, sorted by path."""
    for path in sorted(found.files):
        if found.files[path].kind is Kind.FILE:
            yield path, found.files[path]
