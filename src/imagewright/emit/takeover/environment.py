# SPDX-License-Identifier: Apache-2.0
"""Files of shell variables (``versions/3.13.env``): names and values, as far as nothing has to be run for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from imagewright.emit.takeover.model import MAXIMUM

_MOST = 1000
"""Variables in one file."""

_NAME = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=", re.ASCII)
_EXPANDS = re.compile(r"[$`]")


@dataclass(frozen=True, slots=True)
class Variable:
    """One assignment: ``line`` where it begins; ``literal`` unless a shell would make something else of it."""

    name: str
    value: str
    line: int
    literal: bool


def read_environment(text: str) -> tuple[Variable, ...]:
    """Every assignment, in order; the last one of a name counts. Raises ``ValueError`` naming the line.

    Understood are comments, values without quotes, in single ones, and in double ones over several lines.
    """
    if len(text) > MAXIMUM:
        raise ValueError(f"it is longer than {MAXIMUM} characters")
    lines = text.split("\n")
    found: list[Variable] = []
    at = 0
    while at < len(lines):
        begin, line = at, lines[at]
        at += 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _NAME.match(line)
        if match is None:
            raise ValueError(f"line {begin + 1}: {line.strip()[:40]!r} is no assignment")
        value = line[match.end() :]
        quote = value[:1] if value[:1] in {'"', "'"} else ""
        while quote and not _closed(value, quote):
            if at == len(lines):
                raise ValueError(f"line {begin + 1}: the quotes of {match['name']} do not end")
            value += "\n" + lines[at]
            at += 1
        if len(found) == _MOST:
            raise ValueError(f"line {begin + 1}: there are more than {_MOST} variables")
        found.append(_variable(match["name"], value, quote, begin + 1))
    return tuple(found)


def _closed(value: str, quote: str) -> bool:
    return _end(value, quote) >= 0


def _end(value: str, quote: str) -> int:
    """Where the quotes end; a backslash hides one of double quotes."""
    at = 1
    while at < len(value):
        if value[at] == "\\" and quote == '"':
            at += 2
            continue
        if value[at] == quote:
            return at
        at += 1
    return -1


def _variable(name: str, value: str, quote: str, line: int) -> Variable:
    rest = ""
    if quote:
        end = _end(value, quote)
        value, rest = value[1:end], value[end + 1 :]
    else:
        value, _, rest = value.partition(" ")
        rest = rest if rest.lstrip().startswith("#") or not rest.strip() else "x"
    if rest.strip() and not rest.lstrip().startswith("#"):
        raise ValueError(f"line {line}: something comes after the value of {name}")
    literal = quote == "'" or not _EXPANDS.search(value)
    if quote == '"':
        value = re.sub(r"\\(\n|[\"\\$`])", lambda match: "" if match[1] == "\n" else match[1], value)
    return Variable(name, value, line, literal)
