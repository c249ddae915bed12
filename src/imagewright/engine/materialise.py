# SPDX-License-Identifier: Apache-2.0
"""Trees of steps: taken from the store, or unpacked again from the step's layers where they are gone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imagewright.engine.trees import apply
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
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


def image_root(record: StepRecord, ports: Ports) -> tuple[Path, ...]:
    """The trees of an image, topmost first, to lay over each other; ``record`` is the image step's."""
    facts = dict(record.facts)
    steps = [Digest.parse(text) for name, text in sorted(facts.items()) if name.startswith("tree")]
    parts = [ports.steps.get(step) for step in steps]
    if steps and all(parts):
        return tuple(tree_of(part, ports) for part in parts if part is not None)
    whole = ports.trees.get(record.id)
    layers = [digest for name, digest in sorted(record.outputs) if name.startswith("layer")]
    return (whole or unpack(record.id, layers, ports),)


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
