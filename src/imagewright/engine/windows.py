# SPDX-License-Identifier: Apache-2.0
"""What an image of Windows has below ``C:\\``: the distributed interpreter, and pip unpacked beside it."""

from __future__ import annotations

import base64
import configparser
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from imagewright.archives.cpython.windows import Distribution, Names
from imagewright.archives.pypi.metadata import read_metadata
from imagewright.errors import BuildError, VerificationError
from imagewright.model.tree import Entry, EntryStream, Kind
from imagewright.recipes import windows as recipe
from imagewright.recipes.site import INSTALLER

_LARGEST_WHEEL = 64 << 20
"""Bytes that pip's wheel may unpack to; it has 7 million."""


@dataclass(frozen=True, slots=True)
class Tree:
    """Files below the interpreter's directory: those of a distribution, and others by their content."""

    distribution: Distribution
    own: Mapping[str, bytes] = field(default_factory=dict)

    def entries(self) -> EntryStream:
        """All of it as a sorted stream, each directory before what is in it."""
        paths = {found.path for found in self.distribution.files if not recipe.replaced(found.path)}
        names = {f"{recipe.DIRECTORY}/{path}": path for path in {*paths, *self.own}}
        directories = {parent for name in names for parent in _parents(name)}
        for name in sorted({*names, *directories}, key=str.encode):
            if name in directories:
                yield Entry(name, Kind.DIRECTORY, 0o755), None
                continue
            path = names[name]
            content = self.own[path] if path in self.own else self.distribution.read(path)
            yield Entry(name, Kind.FILE, 0o644, size=len(content)), io.BytesIO(content)


def tree_of(distribution: Distribution, pip: BinaryIO, filename: str, series: str) -> Tree:
    """The distribution with the pip of a wheel. Raises ``VerificationError``, :class:`BuildError`."""
    own = dict(_pip(pip, filename, series))
    names = Names(filename)
    kept = [found.path for found in distribution.files if not recipe.replaced(found.path)]
    for path in (*kept, *sorted(own)):
        names.admit(path)
    if distribution.paths_file:
        text = distribution.read(distribution.paths_file).decode("utf-8", "replace")
        own[distribution.paths_file] = recipe.with_site(text).encode()
    return Tree(distribution, own)


def _pip(file: BinaryIO, filename: str, series: str) -> dict[str, bytes]:
    """The files of pip's wheel where they belong, with its commands and a RECORD of it all (PEP 376)."""
    read_metadata(file, filename)  # which bounds how many files there may be
    files = _unpacked(file, filename)
    info = "-".join(filename.split("-")[:2]) + ".dist-info"
    launcher = files.get(recipe.LAUNCHER)
    if launcher is None:
        raise BuildError(f"{filename} has no {recipe.LAUNCHER}", why="pip's commands are made from it")
    points = _entry_points(files.get(f"{info}/entry_points.txt", b""))
    found = {f"{recipe.SITE}/{path}": content for path, content in files.items() if path != f"{info}/RECORD"}
    found[f"{recipe.SITE}/{info}/INSTALLER"] = INSTALLER
    for name, target in recipe.commands(points, series).items():
        found[f"{recipe.SCRIPTS}/{name}.exe"] = recipe.command(launcher, target)
    found[f"{recipe.SITE}/{info}/RECORD"] = _record(found, f"{info}/RECORD")
    return found


def _unpacked(file: BinaryIO, filename: str) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > _LARGEST_WHEEL:
                raise VerificationError(f"refused {filename}: more than {_LARGEST_WHEEL} bytes")
            if any(".data/" in info.filename for info in infos):
                raise BuildError(f"cannot install {filename}", why="it has files for other directories")
            return {info.filename: archive.read(info) for info in infos}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise VerificationError(f"refused {filename}: it is damaged", why=str(error)[:200]) from error


def _entry_points(content: bytes) -> Iterable[tuple[str, str]]:
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment] # as the documentation has it: names keep case
    try:
        parser.read_string(content.decode("utf-8"))
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BuildError("the entry points of pip cannot be read", why=str(error)[:200]) from error
    return parser.items("console_scripts") if parser.has_section("console_scripts") else ()


def _record(files: Mapping[str, bytes], own: str) -> bytes:
    lines = [f"{own},,"]
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        name = path.removeprefix(f"{recipe.SITE}/") if path.startswith(recipe.SITE) else f"../../{path}"
        lines.append(f"{name},sha256={digest},{len(content)}")
    return ("\n".join(sorted(lines)) + "\n").encode()


def _parents(path: str) -> Iterable[str]:
    while path := path.rpartition("/")[0]:
        yield path
