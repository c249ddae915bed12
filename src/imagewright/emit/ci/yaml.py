# SPDX-License-Identifier: Apache-2.0
"""Values → YAML (yaml.org/spec/1.2.2), as far as workflows need it: no tags, no anchors.

What could be read as something else by any reader (``on``, ``3.10``, ``a: b``) is quoted; text of several lines
is a literal block, so that scripts read as scripts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

Value = str | int | bool | Sequence["Value"] | Mapping[str, "Value"]

_PLAIN = re.compile(r"[A-Za-z_.][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*", re.ASCII)
_OTHERWISE = re.compile(r"(?i:y|n|yes|no|on|off|true|false|null|\.nan|\.inf|[._]*[0-9][0-9_.]*(?:e[0-9]+)?|[._]+)")
_FAR = re.compile(r"[^\x20-\x7e]")
_BLOCK = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]*\n", re.DOTALL)


def yaml_document(value: Mapping[str, Value], comment: Sequence[str] = ()) -> str:
    """A document with remarks above it; top-level keys have an empty line between them."""
    head = "".join(f"# {line}".rstrip() + "\n" for line in comment)
    parts = ["".join(f"{line}\n" for line in _mapping({key: inner}, 0)) for key, inner in value.items()]
    return f"{head}\n" * bool(head) + "\n".join(parts)


def _mapping(value: Mapping[str, Value], depth: int) -> Iterator[str]:
    for key, inner in value.items():
        yield from _entry(f"{'  ' * depth}{_scalar(key)}:", inner, depth)


def _sequence(value: Sequence[Value], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for inner in value:
        if isinstance(inner, Mapping) and inner:
            first, *rest = _mapping(inner, depth + 1)
            yield f"{indent}- {first.removeprefix('  ' * (depth + 1))}"
            yield from rest
        else:
            yield from _entry(f"{indent}-", inner, depth)


def _entry(head: str, value: Value, depth: int) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        yield head
        yield from _mapping(value, depth + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield head
        yield from _sequence(value, depth + 1)
    elif isinstance(value, str) and _is_block(value):
        # The figure says how far the block is indented, whatever its first line begins with.
        yield f"{head} |" if value[0] not in " \n" else f"{head} |2"
        yield from (f"{'  ' * (depth + 1)}{line}".rstrip(" ") for line in value.removesuffix("\n").split("\n"))
    else:
        yield f"{head} {_scalar(value)}"


def _is_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        len(lines) > 1
        and _BLOCK.fullmatch(text) is not None
        and lines[-2].strip(" ") != ""
        and not any(line != line.rstrip(" ") for line in lines)
    )


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and not _OTHERWISE.fullmatch(value)
        return value if plain else _quoted(value)
    return "{}" if isinstance(value, Mapping) else "[]"


def _quoted(text: str) -> str:
    """In double quotes. JSON's escapes hold in YAML too, but for pairs of surrogates, which are two characters."""
    return _FAR.sub(lambda match: f"\\U{ord(match[0]):08x}", json.dumps(text, ensure_ascii=False))
