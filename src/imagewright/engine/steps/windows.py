# SPDX-License-Identifier: Apache-2.0
"""The steps of images on Windows: a layer made on Linux, and its image on a base of Windows' own."""

from __future__ import annotations

from imagewright.archives.cpython.windows import open_distribution
from imagewright.engine.context import Outcome, StepContext
from imagewright.engine.packing import LayerBlob, pack, repack
from imagewright.engine.windows import tree_of
from imagewright.errors import VerificationError
from imagewright.model.plan import WindowsImageWork, WindowsWork
from imagewright.model.ports import BlobStore
from imagewright.oci.config import Config
from imagewright.oci.image import ImageLayer
from imagewright.oci.manifest import Manifest
from imagewright.oci.stacking import assemble_on
from imagewright.oci.windows import windows_layer
from imagewright.recipes import windows as recipe

_COMMENT = "CPython as it is distributed for Windows, and pip"


def run_windows(context: StepContext) -> Outcome:
    """Make the layer; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, WindowsWork)
    found, blobs = work.distribution, context.ports.blobs
    series = ".".join(found.release.split(".")[:2])
    context.phase("layer")
    with (
        blobs.open(found.sha256) as archive,
        open_distribution(archive, found.filename) as distribution,
        blobs.open(found.pip.sha256) as pip,
    ):
        tree = tree_of(distribution, pip, found.pip.filename, series)
        entries = windows_layer(tree.entries(), epoch=work.epoch)
        layer = pack("layer", entries, blobs, epoch=work.epoch, jobs=context.jobs)
    return Outcome((layer.output(),), layer.facts())


def run_windows_image(context: StepContext) -> Outcome:
    """Put the image together; see :class:`imagewright.engine.context.StepRunner`."""
    work = context.step.work
    assert isinstance(work, WindowsImageWork)
    blobs, record = context.ports.blobs, context.needs["layer"]
    manifest, config = read_base(work, blobs)
    blob = repack(LayerBlob.of(record, "layer"), work.compression, blobs, jobs=context.jobs)
    layer = ImageLayer(
        blob.digest, blob.diff_id, blob.size, blob.compression, blob.epoch, f"imagewright {record.name}", _COMMENT
    )
    variables = recipe.environment(config.execution.environment, work.configuration.environment)
    documents = assemble_on(manifest, config, work.configuration, variables, layer, created=work.minimum_epoch)
    blobs.put([documents.config_bytes], expected=documents.config.digest)
    blobs.put([documents.manifest_bytes], expected=documents.manifest.digest)
    outputs = [("config", documents.config.digest), ("manifest", documents.manifest.digest)]
    facts = [("created", str(work.minimum_epoch)), ("size", str(documents.size))]
    for number, part in enumerate(documents.layers):
        if not part.urls:  # what is somewhere else is not in the store
            outputs.append((f"layer{number:02}", part.digest))
            ours = part.digest == layer.digest
            facts.append((f"layer{number:02}.step", record.name if ours else f"base {work.base.suite}"))
            facts.append((f"layer{number:02}.size", str(part.size)))
    return Outcome(tuple(outputs), tuple(facts))


def read_base(work: WindowsImageWork, blobs: BlobStore) -> tuple[Manifest, Config]:
    """The base's documents. Raises ``VerificationError`` where they are not of the Windows that was locked."""
    with blobs.open(work.base.digest) as file:
        manifest = Manifest.parse(file.read())
    with blobs.open(manifest.config.digest) as file:
        config = Config.parse(file.read())
    have = (config.platform.os, config.platform.architecture, config.platform.os_version)
    if have != ("windows", "amd64", work.base.os_version) or len(config.diff_ids) != len(manifest.layers):
        raise VerificationError(
            f"refused the base {work.base.digest.short} of {work.name}",
            why=f"it is for {' '.join(have)}, the lock says windows amd64 {work.base.os_version}",
        )
    return manifest, config
