# SPDX-License-Identifier: Apache-2.0
"""Directories as rectangles, each as large as what is in it.

The layout is the squarified treemap (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000): rows are filled as
long as that brings their rectangles nearer to squares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imagewright.model.contents import DirectoryNode, LayerContent

_TITLE = 16.0
"""Height that a rectangle keeps free for its own name, where others are drawn in it."""

_PADDING = 2.0
_LEAST = 5.0
"""Sides shorter than this are not divided any further."""


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the drawing, in its units."""

    x: float
    y: float
    width: float
    height: float

    def inner(self) -> Area:
        """What is left for what is in it."""
        return Area(
            self.x + _PADDING,
            self.y + _TITLE,
            max(0.0, self.width - 2 * _PADDING),
            max(0.0, self.height - _TITLE - _PADDING),
        )


@dataclass(frozen=True, slots=True)
class Box:
    """One directory: ``path`` from its layer's root on, ``layer`` from 1 on, ``depth`` 0 for the layer itself."""

    area: Area
    path: str
    name: str
    size: int
    layer: int
    depth: int
    parent: bool


def treemap(layers: Sequence[LayerContent], width: float, height: float) -> list[Box]:
    """All layers in one drawing, outer rectangles before those in them; empty layers are left out."""
    names = [f"{number} · {layer.comment or 'layer'}" for number, layer in enumerate(layers, start=1)]
    numbered = [(number, layer.tree) for number, layer in enumerate(layers, start=1) if layer.tree.size]
    numbered.sort(key=lambda each: (-each[1].size, each[0]))
    areas = squarified([tree.size for _, tree in numbered], Area(0.0, 0.0, width, height))
    found: list[Box] = []
    for (number, tree), area in zip(numbered, areas, strict=True):
        found += _boxes(tree, area, "", names[number - 1], number, 0)
    return found


def _boxes(node: DirectoryNode, area: Area, path: str, name: str, layer: int, depth: int) -> Iterator[Box]:
    inner = area.inner()
    divided = bool(node.children) and min(inner.width, inner.height) >= _LEAST
    yield Box(area, path or "/", name, node.size, layer, depth, divided)
    if not divided:
        return
    ordered = sorted(node.children, key=lambda child: (-child.size, child.name))
    for child, place in zip(ordered, squarified([child.size for child in ordered], inner), strict=True):
        yield from _boxes(child, place, f"{path}/{child.name}", child.name, layer, depth + 1)


def squarified(sizes: Sequence[int], area: Area) -> list[Area]:
    """A rectangle for each size, in their order (largest first); together they fill the area."""
    total = sum(sizes)
    if not total:
        return [Area(area.x, area.y, 0.0, 0.0) for _ in sizes]
    scale = area.width * area.height / total
    left = [size * scale for size in sizes]
    found: list[Area] = []
    while left:
        side = min(area.width, area.height)
        count = 1
        while count < len(left) and _worst(left[: count + 1], side) <= _worst(left[:count], side):
            count += 1
        row, area = _row(left[:count], area)
        found += row
        left = left[count:]
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """The longest ratio of sides in a row that lies along ``side``."""
    total, least = sum(row), min(row)
    if not side or not least:
        return float("inf")
    return max(side * side * max(row) / (total * total), total * total / (side * side * least))


def _row(row: Sequence[float], area: Area) -> tuple[list[Area], Area]:
    """A row along the shorter side, and what is left of the area."""
    upright = area.width >= area.height
    side = area.height if upright else area.width
    thick = min(sum(row) / side, area.width if upright else area.height) if side else 0.0
    found: list[Area] = []
    at = 0.0
    for size in row:
        length = min(size / thick, max(0.0, side - at)) if thick else 0.0
        if upright:
            found.append(Area(area.x, area.y + at, thick, length))
        else:
            found.append(Area(area.x + at, area.y, length, thick))
        at += length
    if upright:
        return found, Area(area.x + thick, area.y, max(0.0, area.width - thick), area.height)
    return found, Area(area.x, area.y + thick, area.width, max(0.0, area.height - thick))
