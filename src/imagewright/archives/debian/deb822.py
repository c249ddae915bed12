# SPDX-License-Identifier: Apache-2.0
"""Stanzas of ``Field: value`` lines, as deb822(5) and Debian Policy 5.1 define them; streaming and bounded."""

from __future__ import annotations

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
    for line, raw in _split(chunks, maximum_stanza):
        fields = _fields(line, raw, wanted, comments=comments)
        if fields:
            yield Stanza(line, fields)


def _split(chunks: Iterable[bytes], maximum: int) -> Iterator[tuple[int, bytes]]:
    """Yield each run of non-empty lines with the number of its first line."""
    rest = b""
    line = 1
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n\n")
        for raw in whole:
            if len(raw) > maximum:
                raise MalformedError(line, f"a stanza has more than {maximum} bytes")
            if raw:
                yield line, raw
            line += raw.count(b"\n") + 2
        if len(rest) > maximum:
            raise MalformedError(line, f"a stanza has more than {maximum} bytes")
    if rest:
        yield line, rest


def _fields(line: int, raw: bytes, wanted: frozenset[str] | None, *, comments: bool) -> dict[str, str]:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(line, f"not UTF-8: {error.reason}") from None
    fields: dict[str, str] = {}
    seen: set[str] = set()
    name = ""
    keep = False
    for number, row in enumerate(text.split("\n"), line):
        if not row:  # the stanza's own end, or empty lines around it
            continue
        if row[0] in " \t":
            if not name or not row.strip():
                raise MalformedError(number, "a continuation line without a field or without text")
            if keep:
                fields[name] += "\n" + row[1:].rstrip()
            continue
        if row[0] == "#" and comments:
            continue
        label, colon, value = row.partition(":")
        name = label.lower()
        if not colon or not name or " " in name or not name.isascii() or not name.isprintable() or name[0] == "-":
            raise MalformedError(number, f"not a field: {row[:60]!r}")
        if name in seen or len(seen) >= MAXIMUM_FIELDS:
            raise MalformedError(number, f"field {label} is there twice, or there are too many fields")
        seen.add(name)
        keep = wanted is None or name in wanted
        if keep:
            fields[name] = value.strip()
    return fields
