# SPDX-License-Identifier: Apache-2.0
"""Every shared library that a file in /usr/local needs is found, and so on for what that needs.

What the dynamic linker does is done here by hand (elf(5), ld.so(8)), because ldd(1) is a shell script that runs
what it looks at.
"""

from __future__ import annotations

import glob
import os
import struct
from typing import Optional

from verdict import failed, passed, words

NEEDED, STRING_TABLE, SONAME, RPATH, RUNPATH = 1, 5, 14, 15, 29


class Elf:
    """The dynamic section of one file."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
        self.kind = (data[4], data[5], struct.unpack_from(f"{order}H", data, 18)[0])
        self.needed: list[str] = []
        self.paths: list[str] = []
        header = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", data, 32 if wide else 28)[0]
        size, count = struct.unpack_from(f"{order}HH", data, 54 if wide else 42)
        loads, dynamic = [], None
        for index in range(count):
            place = header + index * size
            if wide:
                kind, _, offset, address, _, length = struct.unpack_from(f"{order}IIQQQQ", data, place)
            else:
                kind, offset, address, _, length = struct.unpack_from(f"{order}IIIII", data, place)
            if kind == 1:
                loads.append((address, offset, length))
            elif kind == 2:
                dynamic = (offset, length)
        if dynamic is None:
            return
        step = 16 if wide else 8
        entries = [
            struct.unpack_from(f"{order}{'qQ' if wide else 'iI'}", data, dynamic[0] + place)
            for place in range(0, dynamic[1], step)
        ]
        strings = next(value for tag, value in entries if tag == STRING_TABLE)
        base = next(
            offset + strings - start for start, offset, length in loads if start <= strings < start + length
        )
        for tag, value in entries:
            if tag in (NEEDED, RPATH, RUNPATH):
                text = data[base + value : data.index(b"\0", base + value)].decode()
                (self.needed if tag == NEEDED else self.paths).append(text)


def read(path: str) -> Optional[Elf]:
    """The file's dynamic section; None for anything that is not ELF."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return None
        file.seek(0)
        return Elf(path, file.read())


def configured(path: str = "/etc/ld.so.conf") -> list[str]:
    """The directories that ld.so.conf names."""
    found = []
    if os.path.exists(path):
        with open(path) as lines:
            for line in lines:
                text = line.split("#")[0].strip()
                if text.startswith("include "):
                    for included in sorted(glob.glob(text.split(None, 1)[1])):
                        found += configured(included)
                elif text:
                    found.append(text)
    return found


def main() -> None:
    directories = [*configured(), "/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"]
    directories += glob.glob("/lib/*-linux-*") + glob.glob("/usr/lib/*-linux-*")  # musl's own are in /lib
    optional = tuple(f"/{name}." for name in words("IW_OPTIONAL_MODULES"))
    queue: list[Elf] = []
    own = 0
    for directory, _, names in os.walk("/usr/local"):
        for name in sorted(names):
            path = os.path.join(directory, name)
            if os.path.isfile(path) and not os.path.islink(path):
                elf = read(path)
                if elf is not None and not any(part in path for part in optional):
                    queue.append(elf)
                    own += 1
    seen: dict[tuple[str, object], bool] = {}
    missing = []
    while queue:
        elf = queue.pop()
        origin = os.path.dirname(elf.path)
        own_paths = [
            path.replace("$ORIGIN", origin).replace("${ORIGIN}", origin)
            for entry in elf.paths
            for path in entry.split(":")
        ]
        for name in elf.needed:
            if (name, elf.kind) in seen and not own_paths:
                continue
            for directory in [*own_paths, *directories]:
                candidate = os.path.join(directory, name)
                found = read(candidate) if os.path.isfile(candidate) else None
                if found is not None and found.kind == elf.kind:
                    if not seen.get((name, elf.kind)):
                        queue.append(found)
                    seen[name, elf.kind] = True
                    break
            else:
                seen[name, elf.kind] = False
                missing.append(f"{elf.path} needs {name}")
    if missing:
        failed(f"{len(missing)} libraries are missing: {', '.join(sorted(missing))}")
    passed(f"{own} files need {len(seen)} libraries")


main()
