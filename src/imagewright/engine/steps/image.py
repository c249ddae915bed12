# SPDX-License-Identifier: Apache-2.0
"""The ``image`` step: layers that other steps left and a configuration become the documents of one image."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.packing import LayerBlob, repack
from imagewright.model.plan import ImageWork, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.oci.image import ImageLayer, assemble


@dataclass(frozen=True, slots=True)
class Part:
    """Which layer of an image comes from which step, and what the history says of it."""

    role: str
    layer: str
    comment: str


PARTS: tuple[Part, ...] = (
    Part("base", "layer", "files of the distribution's base packages"),
    Part("runtime", "layer", "files of the packages that the interpreter needs"),
    Part("python", "layer", "the interpreter"),
    Part("runtime", "state", "the package database of all of them"),
)
"""Lowest first. What changes most often is small and lies on top; nothing hides a file of another layer."""

TREES = ("runtime", "python", "base")
"""The steps whose trees, topmost first, are together what the layers unpack to."""


def run_image(context: StepContext) -> Outcome:
    """Put an image together; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, ImageWork)
    layers = tuple(_layer(part, work, context) for part in PARTS)
    created = max(work.minimum_epoch, *(layer.created for layer in layers))
    documents = assemble(parse_platform(work.platform), work.configuration, layers, created=created)
    blobs = context.ports.blobs
    blobs.put([documents.config_bytes], expected=documents.config.digest)
    blobs.put([documents.manifest_bytes], expected=documents.manifest.digest)
    outputs = [("config", documents.config.digest), ("manifest", documents.manifest.digest)]
    # Named here as well, so that collecting garbage sees what the manifest refers to.
    outputs += [(f"layer{number}", layer.digest) for number, layer in enumerate(layers)]
    facts = [
        ("created", str(created)),
        ("size", str(documents.size)),
        *((f"layer{number}.step", _label(part, context.needs[part.role])) for number, part in enumerate(PARTS)),
        *((f"tree{number}", str(context.needs[role].id)) for number, role in enumerate(TREES)),
        *((f"layer{number}.size", str(layer.size)) for number, layer in enumerate(layers)),
    ]
    return Outcome(tuple(outputs), tuple(facts))


def _label(part: Part, record: StepRecord) -> str:
    """What people read: the state is a layer of the step ``runtime``, and not what they think of by that name."""
    return record.name.replace(part.role, part.layer, 1) if part.layer == "state" else record.name


def _layer(part: Part, work: ImageWork, context: StepContext) -> ImageLayer:
    record = context.needs[part.role]
    stored = LayerBlob.of(record, part.layer)
    blob = repack(stored, work.compression, context.ports.blobs, jobs=context.jobs)
    return ImageLayer(
        digest=blob.digest,
        diff_id=blob.diff_id,
        size=blob.size,
        compression=blob.compression,
        created=blob.epoch,
        created_by=f"imagewright {record.name}",
        comment=part.comment,
    )
