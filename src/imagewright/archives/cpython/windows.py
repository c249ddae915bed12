# SPDX-License-Identifier: Apache-2.0
"""CPython for Windows as its project distributes it: files in a zip archive, read without trust.

Three forms hold the same files: the NuGet package ``python`` (below ``tools/``), the archive that the install
manager takes (``python-3.13.15-amd64.zip``) and the embeddable package (``python-3.13.15-embed-amd64.zip``), whose
library is a zip archive itself. Sources: docs.python.org, "Using Python on Windows"; CPython, ``PC/layout``.
"""

from __future__ import annotations

import re
import stat
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from imagewright.errors import VerificationError

PROGRAM = "python.exe"
MAXIMUM_FILES = 20_000
MAXIMUM_SIZE = 1 << 30
"""Files of a distribution, and bytes that they unpack to; 3.13 has 3,500 and 140 MB."""

_NUGET = "tools/"
_ENCRYPTED = 1
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"\\|?*]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_LONGEST = 240
_BAD = (BadZipFile, NotImplementedError, OSError, RuntimeError, ValueError, struct.error)
_PATHS = re.compile(r"python3\d{1,2}\._pth")


@dataclass(frozen=True, slots=True)
class DistributedFile:
    """One file: its path below the directory of the interpreter, with slashes, and its size in bytes."""

    path: str
    size: int


class Distribution:
    """An open distribution; ``files`` are sorted by path."""

    def __init__(self, archive: ZipFile, name: str, members: dict[str, ZipInfo]) -> None:
        self._archive = archive
        self._name = name
        self._members = members
        self.files = tuple(DistributedFile(path, info.file_size) for path, info in sorted(members.items()))

    @property
    def paths_file(self) -> str:
        """The file that fixes where modules are looked for, which only the embeddable package has; else ""."""
        return next((path for path in self._members if _PATHS.fullmatch(path)), "")

    def read(self, path: str) -> bytes:
        """A whole file, whose checksum is looked at. Raises ``KeyError``, ``VerificationError``."""
        try:
            return self._archive.read(self._members[path])
        except (*_BAD, zlib.error, EOFError) as error:
            raise VerificationError(f"refused {self._name}: {path} is damaged", why=str(error)) from None


@contextmanager
def open_distribution(file: BinaryIO, name: str) -> Iterator[Distribution]:
    """Open one, whatever its form. Raises ``VerificationError`` for what is none, or not for Windows."""
    try:
        archive = ZipFile(file)
    except _BAD as error:
        raise VerificationError(f"refused {name}: it is no zip archive", why=str(error)) from None
    with archive:
        infos = [info for info in archive.infolist() if not info.is_dir()]
        names = {info.filename for info in infos}
        top = _NUGET if f"{_NUGET}{PROGRAM}" in names else ""
        if f"{top}{PROGRAM}" not in names:
            raise VerificationError(
                f"refused {name}: it has no {PROGRAM}", hint="it is no distribution of CPython"
            )
        members = dict(_members([info for info in infos if info.filename.startswith(top)], top, name))
        yield Distribution(archive, name, members)


def _members(infos: Iterable[ZipInfo], top: str, name: str) -> Iterator[tuple[str, ZipInfo]]:
    """Files by the path they get."""
    names = Names(name)
    total = 0
    for number, info in enumerate(infos):
        path = info.filename.removeprefix(top)
        names.admit(path)
        total += info.file_size
        if number >= MAXIMUM_FILES or total > MAXIMUM_SIZE:
            raise VerificationError(f"refused {name}: more than {MAXIMUM_FILES} files or {MAXIMUM_SIZE} bytes")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise VerificationError(f"refused {name}: {path} is encrypted, or compressed in an unusual way")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise VerificationError(f"refused {name}: {path} is no regular file")
        yield path, info


class Names:
    """What Windows takes for a name, and does not tell apart by case ("Naming Files, Paths, and Namespaces")."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._directories: dict[str, str] = {}
        self._files: set[str] = set()

    def admit(self, path: str) -> None:
        """Take one more file. Raises ``VerificationError``."""
        parts = path.split("/")
        if len(path) > _LONGEST or _FORBIDDEN.search(path) or any(_odd(part) for part in parts):
            raise VerificationError(f"refused {self._name}: {path[:80]!r} is no path for Windows")
        for end in range(1, len(parts)):
            said = "/".join(parts[:end])
            if self._directories.setdefault(said.lower(), said) != said or said.lower() in self._files:
                self._twice(path)
        if path.lower() in self._files or path.lower() in self._directories:
            self._twice(path)
        self._files.add(path.lower())

    def _twice(self, path: str) -> NoReturn:
        raise VerificationError(f"refused {self._name}: {path} is there twice, or differs in case alone")


def _odd(part: str) -> bool:
    return not part or part.endswith((".", " ")) or _DEVICES.fullmatch(part) is not None
