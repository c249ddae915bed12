# SPDX-License-Identifier: Apache-2.0
"""Images of Windows in a plan: what their two steps do, from a definition and a lock."""

from __future__ import annotations

from dataclasses import replace

from imagewright.catalog.resolve import ANNOTATION
from imagewright.errors import StaleLockError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.plan import WindowsImageWork, WindowsWork


def windows_work(definition: ImageDefinition, lock: Lock) -> tuple[WindowsWork, WindowsImageWork]:
    """The layer and the image. Raises :class:`StaleLockError` where the lock lacks one."""
    name = definition.name
    distribution = next((found for found in lock.distributions if found.release == name.release), None)
    base = next((found for found in lock.bases if found.suite == name.suite), None)
    if distribution is None or base is None:
        lacking = "base image" if distribution else "distribution"
        raise StaleLockError(f"the lock has no {lacking} for {name}", hint=f"run: imagewright lock {name}")
    parts = (base.digest, distribution.sha256, distribution.pip.sha256)
    inputs = Digest.of(canonical_json([part.hex for part in parts]))
    configuration = definition.configuration
    annotations = tuple(sorted((*configuration.annotations, (f"{ANNOTATION}inputs", str(inputs)))))
    image = WindowsImageWork(
        name=str(name),
        platform=str(definition.platform),
        configuration=replace(configuration, annotations=annotations),
        minimum_epoch=definition.release_epoch,
        base=base,
        compression=definition.compression,
    )
    return WindowsWork(distribution, definition.release_epoch), image
