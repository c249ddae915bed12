# SPDX-License-Identifier: Apache-2.0
"""Dockerfile → instructions (Dockerfile reference: "Format", "Parser directives", "Here-documents").

Reads anybody's Dockerfile, as far as what is asked here needs it: it understands where instructions begin and end,
their flags, and here-documents; it runs and expands nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAXIMUM = 4 << 20
"""Characters of a Dockerfile that is read."""

_DIRECTIVE = re.compile(r"#\s*(?P<key>[a-zA-Z]+)\s*=\s*(?P<value>.*)", re.ASCII)
_INSTRUCTION = re.compile(r"\s*(?P<keyword>[A-Za-z]+)(?:\s+(?P<rest>.*))?", re.ASCII | re.DOTALL)
_FLAG = re.compile(r"--(?P<key>[a-z][a-z-]*)(?:=(?P<value>\S*))?(?:\s+|$)", re.ASCII)
_HEREDOC = re.compile(r"<<(?P<chomp>-?)(?P<quote>[\"']?)(?P<word>[A-Za-z_][A-Za-z0-9_.]*)(?P=quote)", re.ASCII)
_WITH_HEREDOCS = frozenset({"ADD", "COPY", "RUN"})


@dataclass(frozen=True, slots=True)
class HereDocument:
    """One here-document: its ``word``, whether that is quoted (nothing is expanded), and its text."""

    word: str
    quoted: bool
    text: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: ``line`` where it begins (from 1), ``keyword`` in capitals, ``flags``, and all after them.

    ``words`` has continued lines joined by a blank, and no comments.
    """

    line: int
    keyword: str
    flags: tuple[tuple[str, str], ...]
    words: str
    documents: tuple[HereDocument, ...] = ()

    def flag(self, key: str) -> str | None:
        """The value of a flag; ``None`` where it is not said."""
        return dict(self.flags).get(key)


def parse_dockerfile(text: str) -> tuple[Instruction, ...]:
    """Every instruction, in order. Raises ``ValueError`` for a text that is none, naming the line."""
    if len(text) > MAXIMUM:
        raise ValueError(f"it is longer than {MAXIMUM} characters")
    lines = text.splitlines()
    escape, begin = _escape(lines)
    return tuple(_instructions(lines, begin, escape))


def _escape(lines: Sequence[str]) -> tuple[str, int]:
    """The character that continues lines, and where the directives end: they come before everything else."""
    escape = "\\"
    for number, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            return escape, number
        if match["key"].lower() == "escape":
            if match["value"].strip() not in {"\\", "`"}:
                raise ValueError(f"line {number + 1}: {match['value'][:20]!r} cannot continue lines")
            escape = match["value"].strip()
    return escape, len(lines)


def _instructions(lines: Sequence[str], begin: int, escape: str) -> Iterator[Instruction]:
    at = begin
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        first = at
        pieces: list[str] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            if pieces and (not line.strip() or line.lstrip().startswith("#")):
                continue
            stripped = line.rstrip()
            if not stripped.endswith(escape):
                pieces.append(stripped)
                break
            pieces.append(stripped[:-1].rstrip())
        match = _INSTRUCTION.fullmatch(" ".join(piece.strip() for piece in pieces))
        if match is None:
            raise ValueError(f"line {first + 1}: {lines[first][:40]!r} is no instruction")
        keyword = match["keyword"].upper()
        flags, words = _flags(match["rest"] or "")
        documents = []
        for found in _HEREDOC.finditer(words) if keyword in _WITH_HEREDOCS else ():
            document, at = _document(lines, at, found)
            documents.append(document)
        yield Instruction(first + 1, keyword, flags, words, tuple(documents))


def _flags(rest: str) -> tuple[tuple[tuple[str, str], ...], str]:
    flags = []
    rest = rest.strip()
    while match := _FLAG.match(rest):
        flags.append((match["key"], match["value"] or ""))
        rest = rest[match.end() :]
    return tuple(flags), rest


def _document(lines: Sequence[str], at: int, found: re.Match[str]) -> tuple[HereDocument, int]:
    text: list[str] = []
    for number in range(at, len(lines)):
        line = lines[number].lstrip("\t") if found["chomp"] else lines[number]
        if line == found["word"]:
            return HereDocument(
                found["word"], bool(found["quote"]), "".join(f"{one}\n" for one in text)
            ), number + 1
        text.append(line)
    raise ValueError(f"line {at}: the here-document {found['word']} does not end")
