# SPDX-License-Identifier: Apache-2.0
"""An image of a registry, as any other source of images."""

from __future__ import annotations

from collections.abc import Iterator

from imagewright.errors import VerificationError
from imagewright.model.references import RegistryReference
from imagewright.oci.descriptor import INDEXES, MANIFESTS, Descriptor
from imagewright.oci.reading import MAX_DOCUMENT
from imagewright.oci.source import Document, checked
from imagewright.registry.client import RepositoryClient


class RegistrySource:
    """See :class:`imagewright.oci.source.ImageSource`."""

    def __init__(self, client: RepositoryClient, reference: RegistryReference) -> None:
        self.client = client
        self.reference = reference
        self._root: Document | None = None

    def root(self) -> Document:
        """What the reference names; asked once, so that all of it is of one moment."""
        if self._root is None:
            self._root = self.client.get(self.reference.target)
        return self._root

    def document(self, descriptor: Descriptor) -> bytes:
        """A manifest or index by its digest, or a configuration as the blob it is."""
        if descriptor.media_type in (*MANIFESTS, *INDEXES):
            return checked(self.client.get(str(descriptor.digest)).content, descriptor)
        if descriptor.size > MAX_DOCUMENT:
            raise VerificationError(f"refused {descriptor.digest}: a document of {descriptor.size} bytes")
        return b"".join(self.client.blob(descriptor))

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """A blob from an offset on; an interrupted transfer goes on where it stopped."""
        return self.client.pieces(descriptor, offset)
