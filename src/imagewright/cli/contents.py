# SPDX-License-Identifier: Apache-2.0
"""What is in an image, as calm text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.reports import heading, row
from imagewright.cli.text import count, fitted, fitted_path, one_line, size
from imagewright.describe.interpreters import SHOWN
from imagewright.model.contents import (
    ContentFile,
    Contents,
    InstalledPython,
    Interpreter,
    OwnedFiles,
    SourcePackage,
)

_SHOWN = 10
_LEAST = 20
_VARIABLE = 20
"""Columns before a variable's value."""


def content(name: str, found: Contents, paint: Paint, width: int) -> list[str]:
    """One platform's image: layers, packages, Python, privileges, and what takes the room."""
    title = f"{paint('bold green', one_line(name))}  {paint('dim', f'content for {one_line(found.platform)}')}"
    where = f"{count(found.files, 'file')}, {size(found.size)} unpacked"
    lines = [title, row("system", one_line(found.distribution) or "not said", paint), row("files", where, paint)]
    lines += heading("layers", "compressed, unpacked", paint)
    for layer in found.layers:
        sizes = f"  {size(layer.compressed):>9}  {size(layer.unpacked):>9}  {count(layer.files, 'file'):>12}  "
        lines.append(f"{sizes}{fitted(one_line(layer.comment), max(_LEAST, width - len(sizes)))}".rstrip())
    lines += _packages(found.sources, paint, width)
    lines += heading("Python packages", "", paint)
    lines += _python(found.python_packages, paint, width)
    for interpreter in found.interpreters:
        lines += _interpreter(interpreter, paint, width)
    lines += heading("files with privileges", "mode, owner, package", paint)
    lines += [_privileged(each, width) for each in found.privileged] or ["  none"]
    lines += heading("largest files", "size, package", paint)
    lines += _sizes(((_named(each), each.size) for each in found.largest_files[:_SHOWN]), width)
    lines += heading("largest directories", "with all that is below", paint)
    lines += _sizes(((each.path, each.size) for each in found.largest_directories[:_SHOWN]), width)
    lines += heading("files by package", "", paint)
    lines += _owners(found.owners, width)
    lines += heading("files by user and group", "", paint)
    return [*lines, *_owners(found.users, width)]


def _packages(sources: Sequence[SourcePackage], paint: Paint, width: int) -> list[str]:
    binaries = sum(len(source.packages) for source in sources)
    sums = f"{count(binaries, 'package')} of {count(len(sources), 'source')}"
    note = f"{sums}; apt-get source NAME=VERSION gets one" if sources else "no database found"
    lines = heading("packages", note, paint)
    for source in sources:
        names = one_line(" ".join(each.name for each in source.packages))
        others = names if names != source.name else ""
        head = f"  {one_line(source.name)} {one_line(source.version)}  "
        room = width - len(head)
        lines.append(f"{head}{fitted(others, room)}".rstrip() if room > _LEAST else head.rstrip())
        lines += _licences(source, paint, width)
    return lines


def _licences(source: SourcePackage, paint: Paint, width: int) -> list[str]:
    see = f"see {source.copyright_files[0]}" if source.copyright_files else "no copyright file"
    text = one_line("; ".join(source.licences) or see)
    return [paint("dim", f"    {fitted(text, max(_LEAST, width - 4))}")]


def _python(packages: Sequence[InstalledPython], paint: Paint, width: int) -> list[str]:
    lines = []
    for each in packages:
        head = f"  {one_line(each.name)} {one_line(each.version)}  "
        notes = [one_line(each.licence)] if each.licence else []
        notes += [f"holds {count(len(each.vendored), 'other')}"] if each.vendored else []
        lines.append(f"{head}{paint('dim', fitted(', '.join(notes), max(_LEAST, width - len(head))))}".rstrip())
    return lines or ["  none"]


def _interpreter(interpreter: Interpreter, paint: Paint, width: int) -> list[str]:
    note = f"/{interpreter.path}, {count(len(interpreter.modules), 'module')}"
    lines = heading(f"Python {one_line(interpreter.version)}", note, paint)
    values = dict(interpreter.variables)
    for name in SHOWN:
        if values.get(name):
            lines += _variable(name, one_line(values[name]), paint, width)
    return lines


def _variable(name: str, value: str, paint: Paint, width: int) -> list[str]:
    room = max(_LEAST, width - _VARIABLE)
    parts = textwrap.wrap(value, room, break_on_hyphens=False) or [""]
    heads = [name, *("" for _ in parts[1:])]
    return [f"  {paint('dim', f'{head:<{_VARIABLE - 2}}')}{part}" for head, part in zip(heads, parts, strict=True)]


def _privileged(file: ContentFile, width: int) -> str:
    tail = f"  {file.mode}  {file.uid}:{file.gid}  {one_line(file.owner) or 'no package'}"
    return f"  {fitted_path(one_line(file.path), max(_LEAST, width - 2 - len(tail)))}{tail}"


def _named(file: ContentFile) -> str:
    return f"{file.path}  ({file.owner})" if file.owner else file.path


def _sizes(sizes: Iterable[tuple[str, int]], width: int) -> list[str]:
    room = max(_LEAST, width - 13)
    return [f"  {size(number):>9}  {fitted_path(one_line(name), room)}" for name, number in sizes]


def _owners(owners: Sequence[OwnedFiles], width: int) -> list[str]:
    named = [
        (f"{each.owner or 'no package'} ({count(each.files, 'file')})", each.size) for each in owners[:_SHOWN]
    ]
    lines = _sizes(named, width)
    rest = owners[_SHOWN:]
    if rest:
        lines += _sizes([(f"{count(len(rest), 'other')}", sum(each.size for each in rest))], width)
    return lines
