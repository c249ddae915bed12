# SPDX-License-Identifier: Apache-2.0
"""Images wherever they are: one way to read them from a store, a layout, an archive or (elsewhere) a registry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.oci.streams import damaged

if TYPE_CHECKING:
    from imagewright.model.ports import BlobStore

PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest, index or configuration as it is kept: its bytes decide its digest."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> Digest:
        """Of its bytes."""
        return Digest.of(self.content)

    @property
    def descriptor(self) -> Descriptor:
        """What points to it."""
        return Descriptor(self.media_type, self.digest, len(self.content))


class ImageSource(Protocol):
    """Where an image can be read from. Every method raises an error of ours, and gives out verified documents."""

    def root(self) -> Document:
        """The manifest or index that the reference names."""
        ...

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest, index or configuration, verified."""
        ...

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """A blob from an offset on. Whoever uses it compares digest and size: these bytes are not verified."""
        ...


class StoredSource:
    """An image of a blob store; its ``root`` may be an index that was only just put together."""

    def __init__(self, blobs: BlobStore, root: Descriptor | Document) -> None:
        self._blobs = blobs
        self._root = root

    def root(self) -> Document:
        """See :class:`ImageSource`."""
        if isinstance(self._root, Document):
            return self._root
        return Document(self.document(self._root), self._root.media_type)

    def document(self, descriptor: Descriptor) -> bytes:
        """See :class:`ImageSource`."""
        if descriptor.size > MAX_DOCUMENT:
            raise VerificationError(f"refused {descriptor.digest}: a document of {descriptor.size} bytes")
        return checked(b"".join(self.pieces(descriptor)), descriptor)

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """See :class:`ImageSource`."""
        try:
            file = self._blobs.open(descriptor.digest)
        except KeyError:
            raise VerificationError(
                f"the store lacks blob {descriptor.digest}",
                why="the image is not whole",
                hint="build or pull it again, it will be completed",
            ) from None
        with file:
            file.seek(offset)
            while piece := file.read(PIECE):
                yield piece


def read_document(file: BinaryIO, descriptor: Descriptor) -> bytes:
    """A document from a file. Raises ``VerificationError`` for one that is too large or not the right one."""
    if descriptor.size > MAX_DOCUMENT:
        raise VerificationError(f"refused {descriptor.digest}: a document of {descriptor.size} bytes")
    return checked(file.read(descriptor.size + 1), descriptor)


def checked(content: bytes, descriptor: Descriptor) -> bytes:
    """The content itself. Raises ``VerificationError`` unless it is what the descriptor says."""
    if len(content) != descriptor.size or Digest.of(content) != descriptor.digest:
        raise damaged(descriptor)
    return content


def media_type_of(content: bytes, fallback: str = "") -> str:
    """What a document calls itself. Raises ``VerificationError`` if it is neither a manifest nor an index."""
    found = parse(content, "manifest").field("mediaType").text(fallback)
    if found not in (*MANIFESTS, *INDEXES):
        raise VerificationError("refused a manifest", why=f"its media type {found[:80]!r} is not one of an image")
    return found
