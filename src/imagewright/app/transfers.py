# SPDX-License-Identifier: Apache-2.0
"""What pushes, pulls and copies have in common: progress as events, and images of any source as they are sent."""

from __future__ import annotations

import threading

from imagewright.events import Sink, TransferFinished, TransferProgress, TransferStarted
from imagewright.model.digest import Digest
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import BlobStore, Clock
from imagewright.model.results import BuiltImage
from imagewright.oci.config import Config
from imagewright.oci.descriptor import Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource
from imagewright.registry.publish import PlatformImage
from imagewright.registry.upload import Blob, Way

_STEP = 1 << 20
"""Bytes between two notes of progress of one blob."""


class Transfers:
    """Turns a publisher's progress into events; from any thread."""

    def __init__(self, sink: Sink, names: dict[Digest, str], clock: Clock) -> None:
        self._sink = sink
        self._names = names
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[Digest, float] = {}
        self._told: dict[Digest, int] = {}

    def progress(self, digest: Digest, there: int, total: int, way: Way | None) -> None:
        """See :data:`imagewright.registry.publish.Progress`."""
        self.note(digest, there, total, "" if way is None else way.value)

    def note(self, digest: Digest, there: int, total: int, how: str) -> None:
        """``how`` is empty while it is on its way."""
        name = self._names.get(digest, f"blob {digest.short}")
        with self._lock:
            now = self._clock.monotonic()
            first = digest not in self._begun
            begun = self._begun.setdefault(digest, now)
            due = there - self._told.get(digest, 0) >= _STEP
            if due:
                self._told[digest] = there
        if how:
            self._sink(TransferFinished(str(digest), name, total, how, now - begun))
            return
        if first:
            self._sink(TransferStarted(str(digest), name, total))
        if due:
            self._sink(TransferProgress(str(digest), name, there, total))


def platform_image(source: ImageSource, manifest: Descriptor, platform: Target) -> PlatformImage:
    """One platform of any source, ready to be published."""
    document = Document(source.document(manifest), manifest.media_type)
    parsed = Manifest.parse(document.content)
    parts = {part.digest: part for part in (parsed.config, *parsed.layers) if not part.urls}
    return PlatformImage(platform, document, tuple(blob_of(source, part) for part in parts.values()))


def target_of(image: BuiltImage, blobs: BlobStore) -> Target:
    """What an index says a built image is for; one of Windows is for its own version of it."""
    platform = Target.of(parse_platform(image.platform))
    if platform.os != "windows":
        return platform
    with blobs.open(image.config_digest) as file:
        return Config.parse(file.read()).platform


def blob_of(source: ImageSource, part: Descriptor) -> Blob:
    """A blob of any source, ready to be sent."""
    return Blob(part.digest, part.size, lambda offset: source.pieces(part, offset))
