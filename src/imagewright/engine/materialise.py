# SPDX-License-Identifier: Apache-2.0
"""Trees of steps: taken from the store, or unpacked again from the step's layers where they are gone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imagewright.engine.trees import apply
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import PythonPart
from imagewright.model.plan import StepRecord
from imagewright.model.ports import Ports
from imagewright.oci.reader import read_layer

_LAYERS = ("layer", "state")


def tree_of(record: StepRecord, ports: Ports) -> Path:
    """The unpacked result of a step: a whole root for ``base`` and ``buildroot``, else what it adds to one.

    Raises :class:`BuildError` if the tree is gone and the step left no layer to unpack.
    """
    tree = ports.trees.get(record.id)
    if tree is not None:
        return tree
    names = [name for name in _LAYERS if name in dict(record.outputs)]
    if not names:
        raise BuildError(f"the tree of {record.name} is gone", hint="build again: it will be made anew")
    return unpack(record.id, [record.output(name) for name in names], ports)


def part_key(step: Digest, part: PythonPart) -> Digest:
    """The key of the tree of one part of an interpreter."""
    return Digest.of(f"{step} {part}".encode())


def part_tree(record: StepRecord, part: PythonPart, ports: Ports) -> Path:
    """The tree of a part. Raises ``KeyError`` if the step has no such part."""
    key = part_key(record.id, part)
    return ports.trees.get(key) or unpack(key, [record.output(part)], ports)


def tree_facts(needs: Mapping[str, StepRecord], parts: Sequence[PythonPart]) -> tuple[tuple[str, str], ...]:
    """What an image step notes of the trees, topmost first, that its layers unpack to; see :func:`image_root`."""
    python = needs["python"].id
    site = [str(needs["site"].id)] if "site" in needs else []
    middle = [f"{python} {part}" for part in reversed(parts)]
    named = [*site, str(needs["runtime"].id), *middle, str(needs["base"].id)]
    return tuple((f"tree{number:02}", name) for number, name in enumerate(named))


def image_root(record: StepRecord, ports: Ports) -> tuple[Path, ...]:
    """The trees of an image, topmost first, to lay over each other; ``record`` is the image step's."""
    named = [text for name, text in sorted(record.facts) if name.startswith("tree")]
    found = [_named_tree(text, ports) for text in named]
    trees = tuple(tree for tree in found if tree is not None)
    if trees and len(trees) == len(named):
        return trees
    whole = ports.trees.get(record.id)
    layers = [digest for name, digest in sorted(record.outputs) if name.startswith("layer")]
    return (whole or unpack(record.id, layers, ports),)


def _named_tree(text: str, ports: Ports) -> Path | None:
    """A tree as :func:`tree_facts` names it: a step, and one of its parts where it has some."""
    step, _, part = text.partition(" ")
    record = ports.steps.get(Digest.parse(step))
    if record is None:
        return None
    return part_tree(record, PythonPart(part), ports) if part else tree_of(record, ports)


def unpack(key: Digest, layers: Iterable[Digest], ports: Ports) -> Path:
    """Unpack layers, lowest first, into a tree of their own, kept under ``key``."""
    with ports.trees.workspace(f"tree-{key.short}") as workspace:
        root = workspace / "root"
        root.mkdir()
        root.chmod(0o755)
        for digest in layers:
            with ports.blobs.open(digest) as file:
                apply(read_layer(file), root)
        return ports.trees.adopt(root, key)
