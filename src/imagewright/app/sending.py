# SPDX-License-Identifier: Apache-2.0
"""Images of any source, as they are sent to a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imagewright.oci.descriptor import Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource
from imagewright.registry.publish import PlatformImage
from imagewright.registry.upload import Blob

if TYPE_CHECKING:
    from imagewright.model.ports import BlobStore
    from imagewright.model.results import BuiltImage


def platform_image(source: ImageSource, manifest: Descriptor, platform: Target) -> PlatformImage:
    """One platform of any source, ready to be published."""
    document = Document(source.document(manifest), manifest.media_type)
    parsed = Manifest.parse(document.content)
    parts = {part.digest: part for part in (parsed.config, *parsed.layers) if not part.urls}
    return PlatformImage(platform, document, tuple(blob_of(source, part) for part in parts.values()))


def target_of(image: BuiltImage, blobs: BlobStore) -> Target:
    """What an index says a built image is for; one of Windows is for its own version of it."""
    from imagewright.model.platforms import parse_platform

    platform = Target.of(parse_platform(image.platform))
    if platform.os != "windows":
        return platform
    from imagewright.oci.config import Config

    with blobs.open(image.config_digest) as file:
        return Config.parse(file.read()).platform


def blob_of(source: ImageSource, part: Descriptor) -> Blob:
    """A blob of any source, ready to be sent."""
    return Blob(part.digest, part.size, lambda offset: source.pieces(part, offset))
