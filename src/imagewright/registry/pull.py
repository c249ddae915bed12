# SPDX-License-Identifier: Apache-2.0
"""From any source into a blob store: an index or a manifest, and all that it leads to, verified on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import MANIFESTS, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource, checked
from imagewright.registry.client import RepositoryClient, reference_of
from imagewright.registry.merging import is_attestation
from imagewright.registry.source import RegistrySource

if TYPE_CHECKING:
    from imagewright.model.ports import BlobStore

_MOST_MANIFESTS = 200
_MAXIMUM_BLOB = 1 << 36

Progress = Callable[[Digest, int, int], None]
"""Told of each blob: digest, bytes that are here, its size."""


@dataclass(frozen=True, slots=True)
class PulledImage:
    """One platform's image that is in the store now; ``platform`` is "" where its index names none."""

    platform: str
    manifest: Descriptor


@dataclass(frozen=True, slots=True)
class Pulled:
    """What was pulled: the document that the reference named, and its images.

    ``fetched`` bytes of ``new`` blobs came for it; ``there`` blobs were here already.
    """

    document: Document
    images: tuple[PulledImage, ...]
    fetched: int
    new: int
    there: int


def pull(
    client: RepositoryClient, target: str, platforms: Sequence[Target], blobs: BlobStore, progress: Progress
) -> Pulled:
    """Bring an image of a registry here; see :func:`pull_from`."""
    source = RegistrySource(client, reference_of(client.repository, target))
    return pull_from(source, platforms, blobs, progress, client.transport.options.parallel)


def pull_from(
    source: ImageSource,
    platforms: Sequence[Target],
    blobs: BlobStore,
    progress: Progress,
    workers: int,
    *,
    meanwhile: Callable[[], object] | None = None,
) -> Pulled:
    """Bring an image here; ``platforms`` chooses among those of an index (none: all of them).

    ``meanwhile`` is called once while blobs travel, for what must be ready when they are here.

    Raises :class:`RegistryError`; ``VerificationError`` for bytes that are not what their digest says.
    """
    document = source.root()
    wanted = _choose(document, platforms)
    manifests = [(entry, _manifest(source, entry, document)) for entry in wanted]
    parts = {part.digest: part for _, manifest in manifests for part in _parts(manifest)}
    missing = [part for part in parts.values() if not blobs.has(part.digest)]
    ordered = sorted(missing, key=lambda part: (-part.size, part.digest.hex))

    def fetch(part: Descriptor) -> None:
        blobs.put(_told(source.pieces(part), part, progress), expected=part.digest, size=part.size)

    with ThreadPoolExecutor(workers, thread_name_prefix="blob") as pool:
        futures = [pool.submit(fetch, part) for part in ordered]
        try:
            if meanwhile is not None:
                meanwhile()
            for future in futures:
                future.result()
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    # Documents last: what is named by one is here already.
    for entry, manifest in manifests:
        blobs.put([manifest.content], expected=entry.digest)
    blobs.put([document.content], expected=document.digest)
    images = tuple(
        PulledImage("" if entry.platform is None else str(entry.platform), entry) for entry, _ in manifests
    )
    return Pulled(document, images, sum(part.size for part in ordered), len(ordered), len(parts) - len(ordered))


def _choose(document: Document, platforms: Sequence[Target]) -> tuple[Descriptor, ...]:
    if document.media_type in MANIFESTS:
        return (document.descriptor,)
    index = Index.parse(document.content)
    if len(index.manifests) > _MOST_MANIFESTS:
        raise VerificationError(f"refused an index of {len(index.manifests)} manifests")
    if not platforms:
        return tuple(entry for entry in index.manifests if entry.media_type in MANIFESTS)
    found = []
    for platform in platforms:
        entry = index.find(platform)
        if entry is None:
            there = sorted(
                {str(one.platform) for one in index.manifests if one.platform and not is_attestation(one)}
            )
            raise RegistryError(
                f"there is no image for {platform}",
                why=f"its platforms are {', '.join(there) or 'not named'}",
                hint="say another with --platform",
            )
        found.append(entry)
    return tuple(found)


def _manifest(source: ImageSource, entry: Descriptor, document: Document) -> Document:
    if entry.digest == document.digest:
        return document
    return Document(checked(source.document(entry), entry), entry.media_type)


def _parts(document: Document) -> tuple[Descriptor, ...]:
    manifest = Manifest.parse(document.content)
    parts = (manifest.config, *(layer for layer in manifest.layers if not layer.urls))
    for part in parts:
        if part.size > _MAXIMUM_BLOB:
            raise VerificationError(f"refused blob {part.digest}: it claims {part.size} bytes")
    return parts


def _told(pieces: Iterator[bytes], part: Descriptor, progress: Progress) -> Iterator[bytes]:
    here = 0
    for piece in pieces:
        yield piece
        here += len(piece)
        progress(part.digest, here, part.size)
