# SPDX-License-Identifier: Apache-2.0
"""An image on another one's: its layers stay what and where they are, ours come on top."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imagewright.model.images import ImageConfiguration
from imagewright.oci.config import Config, Execution, History
from imagewright.oci.descriptor import (
    CONFIG,
    DOCKER_FOREIGN_LAYER,
    DOCKER_LAYER,
    LAYER_GZIP,
    MANIFEST,
    OCI_FOREIGN,
    Descriptor,
)
from imagewright.oci.image import ImageLayer
from imagewright.oci.levels import LAYERS
from imagewright.oci.manifest import Manifest

_SAME = {DOCKER_LAYER: LAYER_GZIP, DOCKER_FOREIGN_LAYER: f"{OCI_FOREIGN}+gzip"}
"""Docker's names of layers → OCI's of the same thing (image-spec, media-types.md, "Compatibility Matrix")."""


@dataclass(frozen=True, slots=True)
class Stacked:
    """The documents of an image on another one's; ``size`` in bytes of what is in a registry, not elsewhere."""

    config_bytes: bytes
    manifest_bytes: bytes
    config: Descriptor
    manifest: Descriptor
    layers: tuple[Descriptor, ...]
    size: int


def assemble_on(
    below: Manifest,
    base: Config,
    configuration: ImageConfiguration,
    environment: tuple[tuple[str, str], ...],
    layer: ImageLayer,
    *,
    created: int,
) -> Stacked:
    """Configuration and manifest of an image with one layer more than ``below``, whose configuration is ``base``.

    The base's layers keep digest, size and addresses, its platform says the version of the system. What the
    configuration says comes over what the base says.
    """
    execution = Execution.of(configuration)
    config = Config(
        platform=base.platform,
        diff_ids=(*base.diff_ids, layer.diff_id),
        execution=replace(
            base.execution,
            environment=environment,
            command=execution.command,
            entrypoint=execution.entrypoint,
            working_directory=execution.working_directory or base.execution.working_directory,
            user=execution.user or base.execution.user,
            labels=tuple(sorted({**dict(base.execution.labels), **dict(execution.labels)}.items())),
        ),
        history=(
            *_history(base),
            History(created=layer.created, created_by=layer.created_by, comment=layer.comment),
        ),
        created=created,
    )
    content = config.encode()
    described = Descriptor.of(CONFIG, content)
    top = Descriptor(LAYERS[layer.compression], layer.digest, layer.size)
    layers = (*(replace(one, media_type=_SAME.get(one.media_type, one.media_type)) for one in below.layers), top)
    manifest = Manifest(config=described, layers=layers, annotations=tuple(sorted(configuration.annotations)))
    manifest_bytes = manifest.encode()
    return Stacked(
        config_bytes=content,
        manifest_bytes=manifest_bytes,
        config=described,
        manifest=replace(Descriptor.of(MANIFEST, manifest_bytes), platform=base.platform),
        layers=layers,
        size=described.size + sum(one.size for one in layers if not one.urls),
    )


def _history(base: Config) -> tuple[History, ...]:
    """The base's history; one that tells of no layer says at least that they are there."""
    return base.history or tuple(History(comment="layer of the base image") for _ in base.diff_ids)
