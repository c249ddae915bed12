# SPDX-License-Identifier: Apache-2.0
"""Lists of many images as text for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.text import count
from imagewright.model.results import TaggedImage

_LEAST = 20
_SHARED = "shared"
_ON = "for"


def tags(images: Sequence[TaggedImage], paint: Paint, width: int) -> list[str]:
    """One image after another: its tags, its shared tags, and what it is for."""
    room = max((len(image.image) for image in images), default=0)
    lines: list[str] = []
    for image in images:
        others = [tag for tag in image.tags if tag != image.image]
        rows = [*_wrapped("", others, room, width)]
        rows += _wrapped(_SHARED, image.shared_tags, room, width)
        rows += _wrapped(_ON, image.architectures, room, width)
        first = f"{image.image:<{room}}"
        for number, (label, row) in enumerate(rows or [("", "")]):
            left = paint("bold", first) if number == 0 else " " * room
            lines.append(f"{left}  {paint('dim', f'{label:<{len(_SHARED)}}')}  {row}".rstrip())
    simple = sum(len(image.tags) for image in images)
    shared = len({tag for image in images for tag in image.shared_tags})
    end = f"{count(len(images), 'image')}, {count(simple, 'simple tag')}, {count(shared, 'shared tag')}"
    return [*lines, "", end] if lines else ["no image"]


def _wrapped(label: str, words: Iterable[str], indent: int, width: int) -> list[tuple[str, str]]:
    room = max(_LEAST, width - indent - len(_SHARED) - 4)
    parts = textwrap.wrap("  ".join(words), room, break_long_words=False, break_on_hyphens=False)
    return [(label if number == 0 else "", part) for number, part in enumerate(parts)]
