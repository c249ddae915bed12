# SPDX-License-Identifier: Apache-2.0
"""The ``image`` step: layers that other steps left and a configuration become the documents of one image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.materialise import tree_facts
from imagewright.engine.packing import LayerBlob, repack
from imagewright.engine.parts import parts_left
from imagewright.model.images import PythonPart
from imagewright.model.plan import ImageWork, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.oci.image import ImageLayer, assemble


@dataclass(frozen=True, slots=True)
class Source:
    """Which layer of an image comes from which step, and what the history says of it."""

    role: str
    layer: str
    comment: str


_BELOW = (
    Source("base", "layer", "files of the distribution's base packages"),
    Source("runtime", "layer", "files of the packages that the interpreter needs"),
)
_COMMENTS = {
    PythonPart.INTERPRETER: "the interpreter and the standard library",
    PythonPart.DEVELOPMENT: "headers and libpython, to build and to embed with",
    PythonPart.INSTALLERS: "pip",
    PythonPart.EXTRAS: "IDLE, tkinter, the texts of help(), manual pages",
    PythonPart.DEBUG: "debug files of the interpreter, and gdb's support for it",
}
_DATABASE = "the package database of all of them"


def sources(parts: Iterable[PythonPart], *, site: bool = False) -> tuple[Source, ...]:
    """The layers of an image, lowest first. What changes most often is small and lies on top; nothing hides a file
    of another layer."""
    own = (Source("site", "layer", "Python packages and other things of one's own"),) if site else ()
    state = Source("site" if site else "runtime", "state", _DATABASE)
    return (*_BELOW, *(Source("python", part, _COMMENTS[part]) for part in parts), *own, state)


def run_image(context: StepContext) -> Outcome:
    """Put an image together; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, ImageWork)
    parts = parts_left(context.needs["python"], work.parts)
    every = sources(parts, site="site" in context.needs)
    found = [source for source in every if source.layer in dict(context.needs[source.role].outputs)]
    layers = tuple(_layer(source, work, context) for source in found)
    created = max(work.minimum_epoch, *(layer.created for layer in layers))
    documents = assemble(parse_platform(work.platform), work.configuration, layers, created=created)
    blobs = context.ports.blobs
    blobs.put([documents.config_bytes], expected=documents.config.digest)
    blobs.put([documents.manifest_bytes], expected=documents.manifest.digest)
    outputs = [("config", documents.config.digest), ("manifest", documents.manifest.digest)]
    # Named here as well, so that collecting garbage sees what the manifest refers to.
    outputs += [(f"layer{number:02}", layer.digest) for number, layer in enumerate(layers)]
    labels = [_label(source, context.needs[source.role]) for source in found]
    facts = [
        ("created", str(created)),
        ("size", str(documents.size)),
        *((f"layer{number:02}.step", label) for number, label in enumerate(labels)),
        *((f"layer{number:02}.size", str(layer.size)) for number, layer in enumerate(layers)),
        *tree_facts(context.needs, parts),
    ]
    return Outcome(tuple(outputs), tuple(facts))


def _label(source: Source, record: StepRecord) -> str:
    """What people read: a layer by what it is, where its step has several."""
    several = source.layer not in ("layer", PythonPart.INTERPRETER)
    return record.name.replace(source.role, source.layer, 1) if several else record.name


def _layer(source: Source, work: ImageWork, context: StepContext) -> ImageLayer:
    record = context.needs[source.role]
    stored = LayerBlob.of(record, source.layer)
    blob = repack(stored, work.compression, context.ports.blobs, jobs=context.jobs, known=context.ports.pieces)
    return ImageLayer(
        digest=blob.digest,
        diff_id=blob.diff_id,
        size=blob.size,
        compression=blob.compression,
        created=blob.epoch,
        created_by=f"imagewright {_label(source, record)}",
        comment=source.comment,
    )
