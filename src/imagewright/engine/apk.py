# SPDX-License-Identifier: Apache-2.0
"""apk's database, written as apk would have left it (apk-tools, src/database.c and src/package.c).

``installed`` has a paragraph for each package, as indexes have, and below it its directories (``F:``, with ``M:``
where mode or owner are unusual) and files (``R:``, ``a:``, ``Z:``); ``scripts.tar`` has scripts, ``triggers`` the
directories that packages wait for. Packages are in the order of their names, as apk 3 has them; their scripts are
kept as apk 2 does, which apk 3 reads, and packs when it next changes something.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from imagewright.archives.alpine.apk import ApkControl, ApkEntry, open_apk
from imagewright.archives.alpine.database import installed_files, read_installed
from imagewright.archives.alpine.index import format_checksum
from imagewright.archives.alpine.relations import parse_relations
from imagewright.engine.dpkg import make_directory
from imagewright.engine.files import inside
from imagewright.engine.unpack import Opened, TreeUnpacker
from imagewright.errors import BuildError, VerificationError
from imagewright.model.packages import LockedPackage
from imagewright.model.tree import Content, Entry, Kind
from imagewright.recipes.apkroots import DATABASE, WORLD

_INSTALLED = f"{DATABASE}/installed"
_SCRIPTS = f"{DATABASE}/scripts.tar"
_TRIGGERS = f"{DATABASE}/triggers"
_LARGEST = 256 << 20
_DIRECTORY = (0, 0, 0o755)
_FILE = (0, 0, 0o644)


@dataclass(frozen=True, slots=True)
class Brought:
    """What a package says of itself, and what came out of it, in its own order; complete once it is unpacked."""

    control: ApkControl
    entries: list[ApkEntry] = field(default_factory=list)

    @property
    def directories(self) -> frozenset[str]:
        """Every directory that it has something in, without slashes around."""
        found = {one.entry.path for one in self.entries if one.entry.kind is Kind.DIRECTORY}
        return frozenset(found | {one.entry.path.rpartition("/")[0] for one in self.entries})


class ApkUnpacker(TreeUnpacker[Brought]):
    """Unpacks Alpine's packages."""

    def open(self, file: BinaryIO, package: LockedPackage) -> Opened[Brought]:
        """apk-v2(5). The index may call an architecture-independent package by the archive's architecture."""
        apk = open_apk(file, str(package))
        brought = Brought(apk.control)

        def entries() -> Iterator[tuple[Entry, Content]]:
            for one, content in apk.checked_entries():
                brought.entries.append(one)
                yield one.entry, content

        named = apk.control.get("arch")
        architecture = package.architecture if named == "noarch" else named
        return Opened(brought, (apk.control.name, apk.control.version, architecture), entries())

    def replaces(self, control: Brought, other: Brought) -> bool:
        """By what it says it replaces; where both do, the higher priority (apk-package(5), replaces_priority)."""
        return _replaces(control, other)


def _replaces(control: Brought, other: Brought) -> bool:
    mine, others = _priority(control, other), _priority(other, control)
    return mine >= 0 and mine >= others


def _priority(control: Brought, other: Brought) -> int:
    """-1 where one does not replace the other at all."""
    text = " ".join(control.control.fields.get("replaces", ()))
    try:
        named = {relation.name: relation for relation in parse_relations(text)}
    except ValueError as error:
        raise VerificationError(f"{control.control.name}: its replaces cannot be read", why=str(error)) from error
    relation = named.get(other.control.name)
    if relation is None or not relation.fits(other.control.version):
        return -1
    priority = control.control.get("replaces_priority")
    return int(priority) if priority.isdigit() else 0


def write_database(root: Path, below: Iterable[Path], packages: Iterable[tuple[LockedPackage, Brought]]) -> None:
    """Note packages as installed, after those that ``below`` (topmost first) has already."""
    trees = tuple(below)
    make_directory(inside(root, _INSTALLED).parent)
    added = tuple(packages)
    lost = _lost(added)
    paragraphs_added = "".join(_paragraph(*one, lost.get(one[0].name, frozenset())) for one in added)
    database = _sorted(_read(trees, _INSTALLED) + paragraphs_added.encode("utf-8", "surrogateescape"))
    lines = (_trigger_line(brought) for _, brought in added if brought.control.triggers)
    triggers = _read(trees, _TRIGGERS) + "".join(lines).encode()
    for path, data in ((_INSTALLED, database), (_TRIGGERS, triggers), (f"{DATABASE}/lock", b"")):
        _write(root / path, data)
    _write(root / _SCRIPTS, _scripts(_read(trees, _SCRIPTS), added))


def owners(tree: Path, paths: Iterable[str]) -> Mapping[str, str]:
    """Relative path → the package that ships it, for those of ``paths`` that one does."""
    wanted, found = set(paths), dict[str, str]()
    for path, package in installed_files(_read((tree,), _INSTALLED)):
        if path in wanted:
            found.setdefault(path, package)
    return found


def sonames(tree: Path) -> frozenset[str]:
    """The shared libraries of the packages installed in a root."""
    packages = read_installed(_read((tree,), _INSTALLED), str(tree))
    words = (word for fields in packages for word in fields.get("p", "").split())
    return frozenset(word.partition("=")[0].removeprefix("so:") for word in words if word.startswith("so:"))


def waiting(trees: Iterable[Path]) -> dict[str, tuple[str, ...]]:
    """Packages with triggers, by the checksum of their control segment: patterns of directories."""
    lines = _read(trees, _TRIGGERS).decode().splitlines()
    return {words[0]: tuple(words[1:]) for line in lines if (words := line.split())}


def directories(trees: Iterable[Path]) -> frozenset[str]:
    """Every directory that an installed package has something in."""
    lines = _read(trees, _INSTALLED).split(b"\n")
    return frozenset(line[2:].decode("utf-8", "surrogateescape") for line in lines if line.startswith(b"F:"))


def world(trees: Iterable[Path]) -> list[str]:
    """What was asked for in a root."""
    return _read(trees, WORLD).decode("utf-8", "replace").split()


def installed(trees: Iterable[Path]) -> dict[str, tuple[str, str]]:
    """Name and version of every installed package, by the checksum of its control segment."""
    packages = read_installed(_read(trees, _INSTALLED), "the root")
    return {fields.get("C", ""): (fields["P"], fields["V"]) for fields in packages}


def script(trees: Iterable[Path], checksum: str, kind: str) -> bytes:
    """The text of an installed package's script. Raises :class:`BuildError`."""
    with tarfile.open(fileobj=io.BytesIO(_read(trees, _SCRIPTS))) as archive:
        for member in archive:
            if member.name.endswith(f".{checksum}.{kind}") and (file := archive.extractfile(member)):
                return file.read()
    raise BuildError(f"apk's database has no {kind} script of {checksum}")


def script_name(package: LockedPackage, control: ApkControl, kind: str) -> str:
    """What the database calls a script."""
    return f"{package.name}-{package.version}.{format_checksum(control.checksum)}.{kind}"


def _sorted(installed: bytes) -> bytes:
    """The paragraphs in the order of their packages' names."""
    paragraphs = [one for one in installed.split(b"\n\n") if one]
    return b"".join(one + b"\n\n" for one in sorted(paragraphs, key=_name))


def _name(paragraph: bytes) -> bytes:
    return next((line for line in paragraph.split(b"\n") if line.startswith(b"P:")), b"")


def _lost(added: Iterable[tuple[LockedPackage, Brought]]) -> dict[str, frozenset[str]]:
    """Package → paths that it ships and another one keeps, which says that it replaces the first."""
    keepers: dict[str, tuple[LockedPackage, Brought]] = {}
    lost: dict[str, frozenset[str]] = {}
    for package, brought in added:
        for one in brought.entries:
            path = one.entry.path
            keeper, has = keepers.setdefault(path, (package, brought))
            if keeper is package or one.entry.kind is Kind.DIRECTORY:
                continue
            loser = package
            if _replaces(brought, has):
                loser, keepers[path] = keeper, (package, brought)
            lost[loser.name] = lost.get(loser.name, frozenset()) | {path}
    return lost


def _paragraph(package: LockedPackage, brought: Brought, lost: frozenset[str]) -> str:
    control = brought.control
    get = control.fields.get
    fields = {
        "C": format_checksum(control.checksum),
        "P": package.name,
        "V": package.version,
        "A": package.architecture,
        "S": str(package.size),
        "I": control.get("size"),
        "T": control.get("pkgdesc"),
        "U": control.get("url"),
        "L": control.get("license"),
        "o": control.get("origin"),
        "m": control.get("maintainer"),
        "t": control.get("builddate"),
        "c": control.get("commit"),
        "k": control.get("provider_priority"),
        "D": " ".join(get("depend", ())),
        "p": " ".join(get("provides", ())),
        "i": " ".join(get("install_if", ())),
        "r": " ".join(get("replaces", ())),
        "q": control.get("replaces_priority"),
    }
    lines = [f"{letter}:{value}" for letter, value in fields.items() if value]
    for directory, entry, files in _by_directory(brought.entries):
        lines.append(f"F:{directory}")
        if entry is not None and _access(entry) != _DIRECTORY:
            lines.append(f"M:{entry.uid}:{entry.gid}:{entry.mode:o}")
        for one in files:
            if one.entry.path in lost:
                continue
            lines.append(f"R:{one.entry.path.rpartition('/')[2]}")
            mode = 0o777 if one.entry.kind is Kind.SYMLINK else one.entry.mode
            if (one.entry.uid, one.entry.gid, mode) != _FILE:
                lines.append(f"a:{one.entry.uid}:{one.entry.gid}:{mode:o}")
            if one.checksum is not None:
                lines.append(f"Z:{format_checksum(one.checksum)}")
    return "\n".join(lines) + "\n\n"


def _by_directory(entries: Iterable[ApkEntry]) -> Iterator[tuple[str, Entry | None, list[ApkEntry]]]:
    """A package's directories with their files, in the order of their names."""
    found: dict[str, tuple[Entry | None, list[ApkEntry]]] = {}
    for one in entries:
        if one.entry.kind is Kind.DIRECTORY:
            files = found[one.entry.path][1] if one.entry.path in found else []
            found[one.entry.path] = (one.entry, files)
        else:
            found.setdefault(one.entry.path.rpartition("/")[0], (None, []))[1].append(one)
    for path, (entry, files) in sorted(found.items()):
        yield path, entry, sorted(files, key=lambda one: one.entry.path)


def _access(entry: Entry) -> tuple[int, int, int]:
    return entry.uid, entry.gid, entry.mode


def _trigger_line(brought: Brought) -> str:
    return f"{format_checksum(brought.control.checksum)} {' '.join(brought.control.triggers)}\n"


def _scripts(before: bytes, added: Iterable[tuple[LockedPackage, Brought]]) -> bytes:
    """An archive without times, so that it depends on the packages alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        if before:
            with tarfile.open(fileobj=io.BytesIO(before)) as old:
                for member in old:
                    archive.addfile(member, old.extractfile(member))
        for package, brought in added:
            for kind, data in brought.control.scripts.items():
                info = tarfile.TarInfo(script_name(package, brought.control, kind))
                info.mode, info.size = 0o755, len(data)
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def _read(trees: Iterable[Path], name: str) -> bytes:
    """A file of the database, from the topmost tree that has it; empty where none has."""
    for tree in trees:
        path = inside(tree, name)
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
            if len(data) > _LARGEST:
                raise BuildError(f"/{name} has more than {_LARGEST} bytes")
            return data
    return b""


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)
    path.chmod(0o644)
