# SPDX-License-Identifier: Apache-2.0
"""Stanzas of ``Field: value`` lines, as deb822(5) and Debian Policy 5.1 define them; streaming and bounded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

MAXIMUM_STANZA = 4 << 20
"""Bytes in one stanza; a Release of Debian's, the largest stanza there is, has about 250 kB."""

MAXIMUM_FIELDS = 256
"""Fields in one stanza."""


class MalformedError(ValueError):
    """A document does not follow deb822(5). ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line


_NAME = re.compile(r"[!-,.-9;-~][!-9;-~]*", re.ASCII)  # printable, no colon, no dash first (Debian Policy 5.1)
_CONTINUES = ("", " ", "\t")


@dataclass(frozen=True, slots=True)
class Stanza:
    """One stanza: ``line`` is its first line's number, ``fields`` its values by lower-case field name.

    A value of several lines keeps its line ends, without each line's leading blank.
    """

    line: int
    fields: Mapping[str, str]

    def get(self, name: str) -> str:
        """The value of a field, empty where it is not there. ``name`` in lower case."""
        return self.fields.get(name, "")


class OversizeError(ValueError):
    """A stanza has more bytes than allowed."""


def read_stanzas(
    chunks: Iterable[bytes],
    *,
    wanted: frozenset[str] | None = None,
    comments: bool = False,
    maximum_stanza: int = MAXIMUM_STANZA,
) -> Iterator[Stanza]:
    """Yield the stanzas of a document given in pieces.

    ``wanted`` (lower case) are the fields to keep, all where ``None``; ``comments`` allows lines starting with
    ``#``. Raises :class:`MalformedError` for a line that is no field, a field twice, a stanza beyond
    ``maximum_stanza`` bytes, or text that is not UTF-8.
    """
    reader = _Reader(wanted, comments=comments)
    line = 1
    try:
        for raw in split_stanzas(chunks, maximum_stanza):
            fields = reader.fields(line, raw) if raw else {}
            if fields:
                yield Stanza(line, fields)
            line += raw.count(b"\n") + 2
    except OversizeError as error:
        raise MalformedError(line, str(error)) from None


def split_stanzas(chunks: Iterable[bytes], maximum: int = MAXIMUM_STANZA) -> Iterator[bytes]:
    """Yield each run of non-empty lines, and nothing but empty bytes where more than one empty line follows.

    Raises :class:`OversizeError` for a run beyond ``maximum`` bytes.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        for raw in (*whole, rest):
            if len(raw) > maximum:
                raise OversizeError(f"a stanza has more than {maximum} bytes")
        yield from whole
    if rest:
        yield rest


class _Reader:
    """Reads stanza after stanza. Field names are judged once: an index has a million lines and twenty names."""

    def __init__(self, wanted: frozenset[str] | None, *, comments: bool) -> None:
        self._wanted = wanted
        self._comments = comments
        self._names: dict[str, str] = {}  # as written → in lower case, or empty where it is not wanted

    def fields(self, line: int, raw: bytes) -> dict[str, str]:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise MalformedError(line, f"not UTF-8: {error.reason}") from None
        names = self._names
        fields: dict[str, str] = {}
        labels: list[str] = []
        name = ""
        for row in text.split("\n"):
            if row[:1] in _CONTINUES:
                if row and not (labels and row.strip()):
                    raise MalformedError(_where(line, text, row), "a continuation line without a field or text")
                if row and name:
                    fields[name] += "\n" + row[1:].rstrip()
                continue
            label, colon, value = row.partition(":")
            known = names.get(label) if colon else None
            if known is None:
                if row[0] == "#" and self._comments:
                    continue
                known = self._judge(label, colon, line, text, row)
            name = known
            labels.append(label)
            if name:
                fields[name] = value.strip()
        if len(labels) > MAXIMUM_FIELDS:
            raise MalformedError(line, "there are too many fields")
        if len({label.lower() for label in labels}) != len(labels):
            raise MalformedError(line, "a field is there twice")
        return fields

    def _judge(self, label: str, colon: str, line: int, text: str, row: str) -> str:
        name = label.lower()
        if not colon or not _NAME.fullmatch(label):
            raise MalformedError(_where(line, text, row), f"not a field: {row[:60]!r}")
        known = name if self._wanted is None or name in self._wanted else ""
        if len(self._names) < MAXIMUM_FIELDS:
            self._names[label] = known
        return known


def _where(line: int, text: str, row: str) -> int:
    """The number of the line that reads ``row``, for an error."""
    return line + text.split("\n").index(row)
