# SPDX-License-Identifier: Apache-2.0
"""Images written outside the store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from imagewright.model.options import ArchiveFormat
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import BlobStore
from imagewright.model.results import BuiltImage
from imagewright.oci.descriptor import MANIFEST, Descriptor, Target
from imagewright.oci.layout import Export, export


def write_out(images: Iterable[BuiltImage], blobs: BlobStore, output: Path, form: ArchiveFormat) -> None:
    """Write images into one file or directory, each under all its tags."""
    exports = [
        Export(
            Descriptor(
                MANIFEST,
                image.digest,
                blobs.size(image.digest),
                platform=Target.of(parse_platform(image.platform)),
            ),
            tuple(f"{image.repository}:{tag}" for tag in image.tags),
        )
        for image in images
    ]
    export(exports, blobs, output, form)
