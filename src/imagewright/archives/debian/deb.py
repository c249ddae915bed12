# SPDX-License-Identifier: Apache-2.0
"""Binary packages, as deb(5) defines them: read forward once, bounded, believing nothing.

A package is an ar archive of ``debian-binary``, ``control.tar`` and ``data.tar``, in this order, the two archives
plain or compressed with gzip, xz or zstd. Refusals are :class:`imagewright.errors.VerificationError`.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import BinaryIO, cast

import zstandard

from imagewright.archives.debian.ar import ArMember, Part, read_ar
from imagewright.archives.debian.deb822 import MalformedError, Stanza, read_stanzas
from imagewright.archives.debian.tar import TarLimits, read_tar
from imagewright.errors import VerificationError
from imagewright.model.tree import EntryStream, Kind

_READ = 1 << 18
_XZ_MEMORY = 192 << 20
"""Bytes a decompressor may take; ``xz -9`` needs 65 MB, ``zstd --ultra`` 128 MB."""

_ZSTD_WINDOW = 128 << 20
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+-.")
_VERSION = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-~:")
_LONGEST = 200

SCRIPTS = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})
"""Members of control.tar that are run."""


@dataclass(frozen=True, slots=True)
class DebLimits:
    """What a package may come to: ``data`` as a whole, ``control`` as a whole; bytes are decompressed ones."""

    data: TarLimits = field(default_factory=TarLimits)
    control: TarLimits = field(default_factory=lambda: TarLimits(entries=256, total=64 << 20))


@dataclass(frozen=True, slots=True)
class Trigger:
    """One line of a ``triggers`` file (deb-triggers(5)): ``interest``, ``activate-noawait``, …, and its name."""

    directive: str
    name: str


@dataclass(frozen=True, slots=True)
class Control:
    """What control.tar holds: the control file as written (``text``) and parsed, and all other files.

    ``files`` maps names (``postinst``, ``md5sums``) to content, ``modes`` to permission bits, ``times`` to
    modification times in seconds.
    """

    text: str
    stanza: Stanza
    files: Mapping[str, bytes]
    modes: Mapping[str, int]
    times: Mapping[str, int]

    def get(self, name: str) -> str:
        """A control field, empty where it is not there; ``name`` in lower case."""
        return self.stanza.get(name)

    @property
    def name(self) -> str:
        """The package's name."""
        return self.stanza.get("package")

    @property
    def version(self) -> str:
        """Its version."""
        return self.stanza.get("version")

    @property
    def architecture(self) -> str:
        """Its architecture, or ``all``."""
        return self.stanza.get("architecture")

    @property
    def stem(self) -> str:
        """What dpkg's info files are called before the dot: with the architecture for ``Multi-Arch: same``."""
        if self.stanza.get("multi-arch") == "same":
            return f"{self.name}:{self.architecture}"
        return self.name

    def lines(self, file: str) -> tuple[str, ...]:
        """The lines of a control member that mean something: not empty, no comments."""
        text = self.files.get(file, b"").decode("utf-8", "surrogateescape")
        return tuple(line for raw in text.split("\n") if (line := raw.strip()) and not line.startswith("#"))

    @property
    def conffiles(self) -> tuple[str, ...]:
        """Absolute paths of the configuration files the package ships (deb-conffiles(5))."""
        return tuple(line for line in self.lines("conffiles") if line.startswith("/"))

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """Its triggers."""
        pairs = (line.split("#", 1)[0].split() for line in self.lines("triggers"))
        return tuple(Trigger(pair[0], pair[1]) for pair in pairs if len(pair) == 2)  # noqa: PLR2004

    @property
    def sonames(self) -> frozenset[str]:
        """Sonames that its ``shlibs`` and ``symbols`` files stand for; some packages have only one of them."""
        symbols = self.files.get("symbols", b"").decode("utf-8", "surrogateescape")
        return parse_shlibs(self.lines("shlibs")) | parse_symbols(symbols.split("\n"))


def parse_shlibs(lines: Iterable[str]) -> frozenset[str]:
    """Sonames that a ``shlibs`` file stands for (deb-shlibs(5)): ``libz 1`` is ``libz.so.1`` or ``libz-1.so``."""
    found: set[str] = set()
    for line in lines:
        if line.startswith(("udeb:", "#")):
            continue
        words = line.removeprefix("deb:").split()
        if len(words) >= 2:  # noqa: PLR2004 - library and version
            found |= {f"{words[0]}.so.{words[1]}", f"{words[0]}-{words[1]}.so"}
    return frozenset(found)


def parse_symbols(lines: Iterable[str]) -> frozenset[str]:
    """Sonames that a ``symbols`` file is about (deb-symbols(5)): ``libtcl8.6.so libtcl8.6 #MINVER#``.

    Symbols themselves are indented; other templates begin with ``|``, fields with ``*``.
    """
    return frozenset(line.split(maxsplit=1)[0] for line in lines if line.strip() and line[0] not in " \t|*#")


class Deb:
    """One package being read: ``control`` is there at once, :meth:`entries` once, in the archive's order."""

    def __init__(self, control: Control, members: Iterator[ArMember], label: str, limits: DebLimits) -> None:
        self.control = control
        self._members = members
        self._label = label
        self._limits = limits

    def entries(self) -> EntryStream:
        """Everything the package ships, with contents; see :func:`imagewright.archives.debian.tar.read_tar`."""
        yield from read_tar(self._data(), self._label, limits=self._limits.data)
        self._end()

    def data(self) -> Iterator[bytes]:
        """What :meth:`entries` is read from, ``data.tar`` decompressed, in pieces; instead of it, and once."""
        read, total = self._data(), 0
        while piece := read(_READ):
            total += len(piece)
            if total > self._limits.data.total:
                raise VerificationError(
                    f"{self._label} unpacks to more than {self._limits.data.total} bytes",
                    why="a decompression bomb, most likely",
                )
            yield piece
        self._end()

    def _data(self) -> Callable[[int], bytes]:
        return decompressor(_member(self._members, self._label), "data.tar", self._label)

    def _end(self) -> None:
        for extra in self._members:
            if not extra.name.startswith("_"):
                raise VerificationError(f"{self._label}: unexpected member {extra.name} after data.tar")


def open_deb(file: BinaryIO, label: str, *, limits: DebLimits | None = None) -> Deb:
    """Begin to read a package from a file that need not be seekable; ``label`` names it in errors.

    Raises :class:`VerificationError` for anything that is not a well-formed package within ``limits``.
    """
    bounds = limits or DebLimits()
    members = read_ar(file, label)
    first = next(members, None)
    if first is None or first.name != "debian-binary" or not first.content.read(16).startswith(b"2."):
        raise VerificationError(f"{label} is not a Debian package of format 2", hint="deb(5) describes the format")
    member = _member(members, label)
    control = _read_control(decompressor(member, "control.tar", label), label, bounds.control)
    return Deb(control, members, label, bounds)


def read_control(file: BinaryIO, label: str, *, limits: DebLimits | None = None) -> Control:
    """Read control.tar only. Raises as :func:`open_deb`."""
    return open_deb(file, label, limits=limits).control


def _member(members: Iterator[ArMember], label: str) -> ArMember:
    # deb(5): members whose name begins with an underscore may stand between and are passed over.
    for member in members:
        if not member.name.startswith("_"):
            return member
    raise VerificationError(f"{label} is cut short", why="a member is missing")


def _read_control(read: Callable[[int], bytes], label: str, limits: TarLimits) -> Control:
    files: dict[str, bytes] = {}
    modes: dict[str, int] = {}
    times: dict[str, int] = {}
    for entry, content in read_tar(read, f"{label} (control)", limits=limits):
        if not entry.path and entry.kind is Kind.DIRECTORY:
            continue
        if entry.kind is not Kind.FILE or content is None or "/" in entry.path:
            raise VerificationError(f"{label}: {entry.path!r} is no file that belongs in control.tar")
        files[entry.path] = content.read()
        modes[entry.path] = entry.mode
        times[entry.path] = entry.mtime
    raw = files.pop("control", None)
    if raw is None:
        raise VerificationError(f"{label} has no control file")
    text, stanza = _parsed(raw, files, label)
    return Control(text, stanza, MappingProxyType(files), MappingProxyType(modes), MappingProxyType(times))


def _parsed(raw: bytes, files: Mapping[str, bytes], label: str) -> tuple[str, Stanza]:
    if b"\0" in raw or b"\r" in raw:
        raise VerificationError(f"{label}: a NUL or a carriage return in the control file")
    try:
        stanzas = list(read_stanzas([raw]))
        text = raw.decode()
    except (MalformedError, UnicodeDecodeError) as error:
        raise VerificationError(f"{label}: the control file is damaged", why=str(error)) from error
    if len(stanzas) != 1:
        raise VerificationError(f"{label}: the control file has {len(stanzas)} stanzas instead of one")
    stanza = stanzas[0]
    for name, allowed in (("package", _NAME), ("version", _VERSION), ("architecture", _NAME)):
        value = stanza.get(name)
        # These become parts of file names and of dpkg's database.
        if not value or len(value) > _LONGEST or not allowed.issuperset(value) or value[0] in ".-":
            raise VerificationError(f"{label}: the control file's {name} is {value[:80]!r}")
    odd = [name for name in files if not name.replace("-", "").replace("_", "").replace(".", "").isalnum()]
    if odd:
        raise VerificationError(f"{label}: {odd[0]!r} is no name for a control member")
    return text, stanza


def decompressor(member: ArMember, base: str, label: str) -> Callable[[int], bytes]:
    """A reader of ``control.tar*`` or ``data.tar*``, whatever it is compressed with; ``read(n)`` is bounded."""
    suffix = member.name.removeprefix(base)
    if not member.name.startswith(base) or suffix not in ("", ".gz", ".xz", ".zst"):
        raise VerificationError(
            f"{label}: {member.name} where {base} is expected", why="compressed with gzip, xz, zstd or not at all"
        )
    part: Part = member.content
    if not suffix:
        return part.read
    reader: Callable[[int], bytes]
    match suffix:
        case ".gz":
            reader = _Streams(part, _Gzip).read
        case ".xz":
            reader = _Streams(part, _Xz).read
        case _:
            context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
            source = context.stream_reader(cast("BinaryIO", part), read_size=_READ, read_across_frames=True)
            reader = source.read

    def read(size: int) -> bytes:
        try:
            return reader(size)
        except (lzma.LZMAError, zlib.error, zstandard.ZstdError, EOFError) as error:
            raise VerificationError(f"{label}: {member.name} is damaged", why=str(error)) from error

    return read


class _Gzip:
    """One gzip member."""

    def __init__(self) -> None:
        self._state = zlib.decompressobj(wbits=31)
        self._full = False

    def feed(self, data: bytes, maximum: int) -> bytes:
        out = self._state.decompress(self._state.unconsumed_tail + data, maximum)
        self._full = len(out) == maximum  # zlib may then hold more output though it has taken all input
        return out

    @property
    def hungry(self) -> bool:
        return not self._full and not self._state.unconsumed_tail

    @property
    def ended(self) -> bool:
        return self._state.eof

    @property
    def rest(self) -> bytes:
        return self._state.unused_data


class _Xz:
    """One xz stream."""

    def __init__(self) -> None:
        self._state = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)

    def feed(self, data: bytes, maximum: int) -> bytes:
        return self._state.decompress(data, maximum)

    @property
    def hungry(self) -> bool:
        return self._state.needs_input

    @property
    def ended(self) -> bool:
        return self._state.eof

    @property
    def rest(self) -> bytes:
        return self._state.unused_data


class _Streams:
    """Streams one after the other, as both gzip and xz allow, decompressed piece by piece."""

    def __init__(self, part: Part, kind: type[_Gzip | _Xz]) -> None:
        self._part = part
        self._kind = kind
        self._state = kind()
        self._rest = b""
        self._done = False

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        while not self._done:
            data = b""
            if self._state.hungry:
                data, self._rest = self._rest or self._part.read(_READ), b""
                if not data:
                    raise EOFError("the compressed data ends too early")
            out = self._state.feed(data, size)
            if self._state.ended:
                self._rest = self._state.rest or self._part.read(_READ)
                self._done = not self._rest
                self._state = self._kind()
            if out:
                return out
        return b""
