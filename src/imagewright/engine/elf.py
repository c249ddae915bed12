# SPDX-License-Identifier: Apache-2.0
"""What ELF files need: the sonames that decide which packages an interpreter's image gets.

System V ABI, chapter 5, "Dynamic Section": DT_NEEDED, DT_SONAME, DT_RUNPATH, DT_RPATH.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from imagewright.errors import BuildError

_MAGIC = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class ElfFile:
    """One ELF file: absolute ``path`` inside the image, own ``soname`` (or ""), ``needed`` sonames in order."""

    path: str
    soname: str
    needed: tuple[str, ...]
    runpath: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """The extension module's name if this is one: ``_ssl`` for ``_ssl.cpython-313-….so``."""
        name = self.path.rpartition("/")[2]
        return name.partition(".")[0] if "/lib-dynload/" in self.path else ""


def read_elf(path: str, file: BinaryIO) -> ElfFile | None:
    """Read one file; ``None`` if it is not ELF. Raises :class:`BuildError` if it is a broken one."""
    if file.read(4) != _MAGIC:
        return None
    file.seek(0)
    try:
        section = ELFFile(file).get_section_by_name(".dynamic")
        tags = list(section.iter_tags()) if isinstance(section, DynamicSection) else []
    except (ELFError, ValueError, KeyError) as error:
        raise BuildError(f"{path} is a broken ELF file", why=str(error)) from error
    # pyelftools gives each tag an attribute named after it; its type hints do not know them.
    soname = next((str(getattr(tag, "soname", "")) for tag in tags if tag.entry.d_tag == "DT_SONAME"), "")
    needed = tuple(str(getattr(tag, "needed", "")) for tag in tags if tag.entry.d_tag == "DT_NEEDED")
    runpath = tuple(
        getattr(tag, "runpath", "") or getattr(tag, "rpath", "")
        for tag in tags
        if tag.entry.d_tag in {"DT_RUNPATH", "DT_RPATH"}
    )
    return ElfFile(path, soname, needed, runpath)


def scan(tree: Path) -> tuple[ElfFile, ...]:
    """Every ELF file below ``tree``, sorted by path; symbolic links are not followed."""
    return tuple(sorted(_scan(tree), key=lambda elf: elf.path))


def _scan(tree: Path) -> Iterator[ElfFile]:
    for directory, _, names in os.walk(tree):
        for name in names:
            path = Path(directory, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                elf = read_elf("/" + str(path.relative_to(tree)), file)
            if elf is not None:
                yield elf


def unmet(elves: Iterable[ElfFile], optional_modules: Iterable[str]) -> dict[str, str]:
    """Sonames that must come from packages → the first file that needs each.

    What the tree itself provides does not count, nor what only an optional module needs.
    """
    files = list(elves)
    own = {elf.soname for elf in files if elf.soname}
    skipped = set(optional_modules)
    found: dict[str, str] = {}
    for elf in files:
        if elf.module in skipped:
            continue
        for soname in elf.needed:
            if soname not in own:
                found.setdefault(soname, elf.path)
    return dict(sorted(found.items()))


def dump(elves: Iterable[ElfFile]) -> bytes:
    """The JSON form kept in the store beside an interpreter's layer."""
    rows = [[elf.path, elf.soname, list(elf.needed), list(elf.runpath)] for elf in elves]
    return json.dumps(rows, separators=(",", ":")).encode()


def load(data: bytes) -> tuple[ElfFile, ...]:
    """Read :func:`dump`'s form again."""
    return tuple(
        ElfFile(path, soname, tuple(needed), tuple(run)) for path, soname, needed, run in json.loads(data)
    )
