# SPDX-License-Identifier: Apache-2.0
"""Paragraphs of fields (RFC 2822), read so that nothing is lost: what was read is written back byte for byte.

A line that begins with ``#`` is a comment wherever it is, one that begins with a blank continues the field above,
and an empty one ends a paragraph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imagewright.errors import Problems

MAXIMUM_LINES = 100_000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_FIELD = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_.-]*)[ \t]*:(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """One field: ``lines`` are its value's, stripped; ``raw`` is how it is written, with all comments in it."""

    name: str
    lines: tuple[str, ...]
    line: int
    raw: str

    @property
    def value(self) -> str:
        """The value on one line."""
        return " ".join(line for line in self.lines if line)


@dataclass(frozen=True, slots=True)
class Filler:
    """Comments and empty lines between fields; ``ends`` tells whether a paragraph ends here."""

    raw: str
    ends: bool


@dataclass(frozen=True, slots=True)
class Document:
    """All of a file, in its order."""

    parts: tuple[Field | Filler, ...]

    @property
    def text(self) -> str:
        """The file as it was."""
        return "".join(part.raw for part in self.parts)

    @property
    def paragraphs(self) -> tuple[tuple[Field, ...], ...]:
        """The fields, paragraph by paragraph; none is empty."""
        found: list[list[Field]] = [[]]
        for part in self.parts:
            if isinstance(part, Field):
                found[-1].append(part)
            elif part.ends:
                found.append([])
        return tuple(tuple(paragraph) for paragraph in found if paragraph)


def parse_document(text: str, problems: Problems) -> Document:
    """Read a file; lines that are nothing are noted with their numbers, and kept."""
    lines = _LINE.findall(text)
    if len(lines) > MAXIMUM_LINES:
        problems.add("", f"there are more than {MAXIMUM_LINES} lines")
        return Document((Filler(text, ends=True),))
    return Document(tuple(_parts(lines, problems)))


def _parts(lines: list[str], problems: Problems) -> Iterator[Field | Filler]:
    """A comment belongs to the field above if that goes on below it."""
    current: Field | None = None
    comments: list[str] = []
    for number, line in enumerate(lines, 1):
        content = line.strip()
        if content.startswith("#"):
            comments.append(line)
            continue
        if current is not None and content and line[0] in " \t":
            raw = current.raw + "".join(comments) + line
            current = Field(current.name, (*current.lines, content), current.line, raw)
            comments.clear()
            continue
        if current is not None:
            yield current
            current = None
        if comments:
            yield Filler("".join(comments), ends=False)
            comments.clear()
        match = _FIELD.fullmatch(line)
        if match:
            current = Field(match["name"], (match["value"].strip(),), number, line)
            continue
        if content:
            _complain(line, number, problems)
        yield Filler(line, ends=not content)
    if current is not None:
        yield current
    if comments:
        yield Filler("".join(comments), ends=False)


def _complain(line: str, number: int, problems: Problems) -> None:
    what = line.strip()[:60]
    if line[0] in " \t":
        problems.add(f"line {number}", f"{what!r} continues nothing", "a field begins at the margin")
    else:
        problems.add(f"line {number}", f"{what!r} is not a field", "write it as NAME: VALUE")
