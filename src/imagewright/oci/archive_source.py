# SPDX-License-Identifier: Apache-2.0
"""Images of archives: ``oci-archive`` (an OCI layout in a tar), ``docker-archive`` (what ``docker save`` writes).

A docker archive has no manifest with digests: ``manifest.json`` names configuration and layers by file. One is
made from them here, with the digests that the files have (moby, image/spec/v1.2.md, "Combined Image JSON +
Filesystem Changeset Format"). Layers there are usually plain tars.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from imagewright.errors import UsageError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, LAYER_TAR, LAYER_ZSTD, MANIFEST, REF_NAME, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.oci.source import PIECE, Document, checked, media_type_of

_MOST_MEMBERS = 100_000
_MOST_LAYERS = 1000
_MAGIC = ((b"\x1f\x8b", LAYER_GZIP), (b"\x28\xb5\x2f\xfd", LAYER_ZSTD))
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class _Place:
    offset: int
    size: int


class ArchiveSource:
    """One image of an archive. Raises ``VerificationError`` for one that makes no sense, :class:`UsageError` for a
    name it does not have."""

    def __init__(self, path: Path, name: str = "") -> None:
        self._path = path
        self._members = _members(path)
        self._blobs = {
            Digest(match[1]): place for found, place in self._members.items() if (match := _BLOB.fullmatch(found))
        }
        self._made: dict[Digest, bytes] = {}
        self._root = self._of_layout(name) if "index.json" in self._members else self._of_docker(name)

    def root(self) -> Document:
        """See :class:`~imagewright.oci.source.ImageSource`."""
        return Document(self.document(self._root), self._root.media_type)

    def document(self, descriptor: Descriptor) -> bytes:
        """See :class:`~imagewright.oci.source.ImageSource`."""
        if descriptor.digest in self._made:
            return self._made[descriptor.digest]
        if descriptor.size > MAX_DOCUMENT:
            raise VerificationError(f"refused {descriptor.digest}: a document of {descriptor.size} bytes")
        return checked(b"".join(self.pieces(descriptor)), descriptor)

    def pieces(self, descriptor: Descriptor, offset: int = 0) -> Iterator[bytes]:
        """See :class:`~imagewright.oci.source.ImageSource`."""
        place = self._blobs.get(descriptor.digest)
        if place is None:
            raise VerificationError(f"{self._path} lacks blob {descriptor.digest}")
        yield from self._read(place, offset)

    def _read(self, place: _Place, offset: int = 0) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(place.offset + offset)
            left = place.size - offset
            while left > 0 and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece

    def _small(self, name: str) -> bytes:
        place = self._members.get(name)
        if place is None or place.size > MAX_DOCUMENT:
            raise VerificationError(f"{self._path} has no usable {name[:100]!r}")
        return b"".join(self._read(place))

    def _of_layout(self, name: str) -> Descriptor:
        entries = Index.parse(self._small("index.json")).manifests
        word = name.rpartition(":")[2]
        found = [entry for entry in entries if not name or word in (entry.annotation(REF_NAME), str(entry.digest))]
        if len({entry.digest for entry in found}) != 1:
            there = [entry.annotation(REF_NAME) or str(entry.digest) for entry in entries]
            raise self._unnamed(name, there)
        media_type_of(self.document(found[0]), found[0].media_type)
        return found[0]

    def _of_docker(self, name: str) -> Descriptor:
        if "manifest.json" not in self._members:
            raise VerificationError(f"{self._path} is not an archive of images", why="it has no manifest.json")
        try:
            items = json.loads(self._small("manifest.json"))
            images = [parse(json.dumps(item).encode(), "manifest.json") for item in items]
        except (ValueError, TypeError, RecursionError) as error:
            raise VerificationError(f"{self._path} has a broken manifest.json", why=str(error)[:200]) from None
        named = {tag: image for image in images for tag in image.field("RepoTags").texts()}
        chosen = [named[name]] if name in named else images if not name and len(images) == 1 else []
        if not chosen:
            raise self._unnamed(name, sorted(named))
        config = self._describe(chosen[0].field("Config").text(), CONFIG)
        files = chosen[0].field("Layers").texts()
        if len(files) > _MOST_LAYERS:
            raise VerificationError(f"refused {self._path}: more than {_MOST_LAYERS} layers")
        layers = tuple(self._describe(file, "") for file in files)
        content = Manifest(config, layers).encode()
        root = Descriptor.of(MANIFEST, content)
        self._made[root.digest] = content
        return root

    def _describe(self, name: str, media_type: str) -> Descriptor:
        """A member as a blob: its digest is what it has."""
        place = self._members.get(name.removeprefix("./"))
        if place is None:
            raise VerificationError(f"{self._path} lacks {name[:100]!r}")
        state = hashlib.sha256()
        head = b""
        for piece in self._read(place):
            head = head or piece[:4]
            state.update(piece)
        digest = Digest(state.hexdigest())
        self._blobs[digest] = place
        kind = media_type or next((kind for magic, kind in _MAGIC if head.startswith(magic)), LAYER_TAR)
        return Descriptor(kind, digest, place.size)

    def _unnamed(self, name: str, there: list[str]) -> UsageError:
        what = f"no image {name!r}" if name else "more than one image, or none with a name"
        return UsageError(
            f"{self._path} has {what}", why=f"it has {', '.join(there) or 'nothing'}", hint="name one: FILE:NAME"
        )


def _members(path: Path) -> dict[str, _Place]:
    """Where the regular files of a tar lie; links are followed once, as ``docker save`` of old made them."""
    found: dict[str, _Place] = {}
    links: dict[str, str] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for count, member in enumerate(archive):
                if count >= _MOST_MEMBERS:
                    raise VerificationError(f"refused {path}: more than {_MOST_MEMBERS} members")
                name = member.name.removeprefix("./")
                if member.isreg():
                    found[name] = _Place(member.offset_data, member.size)
                elif member.islnk() or member.issym():
                    links[name] = member.linkname
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise VerificationError(f"{path} is not an archive of images", why=str(error)[:200]) from None
    for name, target in links.items():
        places = (target, f"{name.rpartition('/')[0]}/{target}".lstrip("/"), target.removeprefix("../"))
        place = next((found[one] for one in places if one in found), None)
        if place is not None:
            found.setdefault(name, place)
    return found
