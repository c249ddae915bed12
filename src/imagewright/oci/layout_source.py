# SPDX-License-Identifier: Apache-2.0
"""OCI layout directories (OCI image-spec 1.1, image-layout.md), read without trust; and as sources of images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from imagewright.errors import UsageError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import INDEXES, MANIFESTS, REF_NAME, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.oci.source import PIECE, Document, read_document
from imagewright.oci.streams import verified

_MAX_DEPTH = 4


class LayoutDirectory:
    """An OCI layout on disk, read without trust: nothing is given out that does not match its digest.

    Raises ``VerificationError`` when it is no layout, of another version, or not what its digests say.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            mark = parse(self._small("oci-layout"), "oci-layout file")
            index = self._small("index.json")
        except OSError as error:
            raise VerificationError(f"{path} is not an OCI layout", why=str(error)) from error
        version = mark.field("imageLayoutVersion")
        if not version.text().startswith("1."):
            version.refuse(f"expected 1.x, found {version.text()}")
        self.index = Index.parse(index)

    def find(self, name: str = "") -> Descriptor:
        """The entry of that name; without a name, the only one there is. Raises ``UsageError``."""
        entries = self.index.manifests
        found = [entry for entry in entries if name in ("", entry.annotation(REF_NAME), str(entry.digest))]
        if len({entry.digest for entry in found}) == 1:
            return found[0]
        names = (
            ", ".join(sorted(entry.annotation(REF_NAME) or str(entry.digest) for entry in entries)) or "nothing"
        )
        what = f"no image {name!r}" if name else "no single image"
        raise UsageError(f"{self._path} has {what}", why=f"it has {names}", hint="name one of them: oci:DIR:NAME")

    def read(self, descriptor: Descriptor) -> bytes:
        """A document, verified."""
        with self._raw(descriptor.digest) as file:
            return read_document(file, descriptor)

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """A blob's bytes; the last of them raise ``VerificationError`` unless all were the right ones."""
        with self._raw(descriptor.digest) as file:
            yield from verified(iter(lambda: file.read(PIECE), b""), descriptor)

    def verify(self) -> int:
        """Read every blob that the index leads to; how many there are."""
        seen: set[Digest] = set()
        for entry in self.index.manifests:
            self._verify(entry, seen, 0)
        return len(seen)

    def _verify(self, descriptor: Descriptor, seen: set[Digest], depth: int) -> None:
        if descriptor.digest in seen:
            return
        if depth > _MAX_DEPTH:
            raise VerificationError(f"refused {self._path}: indexes nested more than {_MAX_DEPTH} deep")
        seen.add(descriptor.digest)
        if descriptor.media_type in INDEXES:
            for entry in Index.parse(self.read(descriptor)).manifests:
                self._verify(entry, seen, depth + 1)
        elif descriptor.media_type in MANIFESTS:
            manifest = Manifest.parse(self.read(descriptor))
            for part in (manifest.config, *manifest.layers):
                if not part.urls:
                    self._verify(part, seen, depth + 1)
        else:
            for _ in self.pieces(descriptor):
                pass

    def _raw(self, digest: Digest) -> BinaryIO:
        try:
            return self._open(f"blobs/sha256/{digest.hex}")
        except OSError as error:
            raise VerificationError(f"{self._path} lacks blob {digest}", why=str(error)) from error

    def _small(self, name: str) -> bytes:
        with self._open(name) as file:
            return file.read(MAX_DOCUMENT + 1)

    def _open(self, name: str) -> BinaryIO:
        # Symbolic links could lead to files of this machine.
        return os.fdopen(os.open(self._path / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


class LayoutSource:
    """An image of an OCI layout directory."""

    def __init__(self, layout: LayoutDirectory, name: str = "") -> None:
        self._layout = layout
        self._root = layout.find(name)

    def root(self) -> Document:
        """See :class:`ImageSource`."""
        return Document(self._layout.read(self._root), self._root.media_type)

    def document(self, descriptor: Descriptor) -> bytes:
        """See :class:`ImageSource`."""
        return self._layout.read(descriptor)

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """See :class:`ImageSource`."""
        skip = offset
        for piece in self._layout.pieces(descriptor):
            if skip < len(piece):
                yield piece[skip:]
            skip = max(0, skip - len(piece))
