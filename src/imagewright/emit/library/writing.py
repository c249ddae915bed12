# SPDX-License-Identifier: Apache-2.0
""":class:`Library` → text, in the order of fields that official manifests have."""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.emit.library.model import Entry, Library, Source
from imagewright.emit.library.reading import SOURCE_FIELDS


def write_library(library: Library, *, comment: str = "") -> str:
    """The text of a manifest, below a ``comment``. What is read from it is the same manifest again."""
    remarks = "".join(f"# {line}\n" for line in comment.splitlines())
    paragraphs = ("\n".join(_lines(entry)) for entry in (library.header, *library.entries))
    return (f"{remarks}\n" if remarks else "") + "\n\n".join(paragraphs) + "\n"


def _lines(entry: Entry) -> Iterator[str]:
    if entry.maintainers:
        yield "Maintainers: " + f",\n{'':13}".join(entry.maintainers)
    for name, words in (
        ("Tags", entry.tags),
        ("SharedTags", entry.shared_tags),
        ("Architectures", entry.architectures),
    ):
        if words:
            yield f"{name}: {', '.join(words)}"
    yield from _source("", entry.source)
    for architecture, source in entry.by_architecture:
        yield from _source(f"{architecture}-", source)
    if entry.constraints:
        yield f"Constraints: {', '.join(entry.constraints)}"


def _source(prefix: str, source: Source) -> Iterator[str]:
    for name, attribute in SOURCE_FIELDS.items():
        if value := getattr(source, attribute):
            yield f"{prefix}{name}: {value}"
