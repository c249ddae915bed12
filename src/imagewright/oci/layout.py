# SPDX-License-Identifier: Apache-2.0
"""Images outside the store: OCI layout directories (OCI image-spec 1.1, image-layout.md) and archives.

An ``oci-archive`` is an OCI layout in a tar that also has Docker's ``manifest.json`` pointing at the same blobs:
``docker load``, ``podman load``, and skopeo's ``oci-archive:`` and ``docker-archive:`` all read it. A
``docker-archive`` has ``manifest.json`` and the blobs only.

``index.json`` names each image once, by the first of its names: readers of a layout without a name insist on a
single entry. Images of the same name for several platforms are one entry, an index over them.
``manifest.json`` has all names.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from imagewright.errors import MachineError, UsageError, VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.general import ArchiveFormat
from imagewright.model.ports import BlobStore
from imagewright.model.tree import Content, Entry, EntryStream, Kind
from imagewright.oci.descriptor import INDEX, MANIFESTS, REF_NAME, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import read_document
from imagewright.oci.streams import stream_of, verified
from imagewright.oci.tar import archive

CONTAINERD_NAME = "io.containerd.image.name"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Export:
    """One image to write: its manifest's descriptor, and its names (``python:3.13-slim``), the main one first."""

    manifest: Descriptor
    names: tuple[str, ...]


def export(images: Sequence[Export], blobs: BlobStore, path: Path, form: ArchiveFormat) -> int:
    """Write images to ``path``, whole or not at all; bytes written.

    Every blob's digest is verified on the way (``VerificationError``). An existing file is replaced; an existing
    directory must be empty (``UsageError``). Raises ``MachineError`` where the file system refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    try:
        if form is ArchiveFormat.OCI_DIR:
            written = _write_directory(images, blobs, path, temporary)
        else:
            written = 0
            with temporary.open("xb") as file:
                for chunk in archive_chunks(images, blobs, form):
                    written += file.write(chunk)
            temporary.replace(path)
    except OSError as error:
        raise MachineError(
            f"cannot write {path}: {error.strerror or error}", hint="choose another place with -o, or make room"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink() if temporary.is_file() else shutil.rmtree(temporary)
    return written


def archive_chunks(images: Sequence[Export], blobs: BlobStore, form: ArchiveFormat) -> Iterator[bytes]:
    """The bytes of an archive, streamed from the store; the same images give the same bytes."""
    return archive(_entries(images, blobs, form), epoch=0)


def _entries(images: Sequence[Export], blobs: BlobStore, form: ArchiveFormat) -> EntryStream:
    files = _documents(images, blobs, form)
    for directory in ("blobs", "blobs/sha256"):
        yield Entry(directory, Kind.DIRECTORY, 0o755), None
    stored = {f"blobs/sha256/{digest.hex}": (digest, size) for digest, size in _closure(images, blobs)}
    for name in sorted({*files, *stored}):
        if name in files:
            yield Entry(name, Kind.FILE, 0o644, size=len(files[name])), io.BytesIO(files[name])
            continue
        digest, size = stored[name]
        with _open(blobs, digest) as file:
            content: Content = stream_of(verified(_pieces(file), Descriptor("", digest, size)), _CHUNK)
            yield Entry(name, Kind.FILE, 0o644, size=size), content


def _write_directory(images: Sequence[Export], blobs: BlobStore, path: Path, temporary: Path) -> int:
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UsageError(
            f"{path} is in the way", why="it is not an empty directory", hint="choose another with -o"
        )
    written = 0
    temporary.mkdir()
    for entry, content in _entries(images, blobs, ArchiveFormat.OCI_DIR):
        place = temporary / entry.path
        if content is None:
            place.mkdir()
            continue
        with place.open("xb") as file:
            while chunk := content.read(_CHUNK):
                written += file.write(chunk)
    temporary.rename(path)
    return written


def _documents(images: Sequence[Export], blobs: BlobStore, form: ArchiveFormat) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    if form is not ArchiveFormat.DOCKER_ARCHIVE:
        files["oci-layout"] = _LAYOUT
        entries = []
        for group in _same_name(images):
            entry, content = _entry(group)
            entries.append(_named(entry))
            if content:
                files[f"blobs/sha256/{entry.manifest.digest.hex}"] = content
        files["index.json"] = Index(tuple(entries)).encode()
    if form is not ArchiveFormat.OCI_DIR:
        items = []
        taken: set[str] = set()
        for image in images:
            manifest = _manifest(image.manifest, blobs)
            names = [name for name in image.names if name not in taken]
            taken.update(names)
            items.append(
                {
                    "Config": f"blobs/sha256/{manifest.config.digest.hex}",
                    "RepoTags": names,
                    "Layers": [f"blobs/sha256/{layer.digest.hex}" for layer in manifest.layers],
                }
            )
        files["manifest.json"] = canonical_json(items)
    return files


def _same_name(images: Sequence[Export]) -> list[list[Export]]:
    """Images that have their first name in common, in order of the names' first appearance."""
    groups: dict[str, list[Export]] = {}
    for number, image in enumerate(images):
        groups.setdefault(image.names[0] if image.names else f" {number}", []).append(image)
    return list(groups.values())


def _entry(group: list[Export]) -> tuple[Export, bytes]:
    """What ``index.json`` names: the manifest, or an index over the platforms, with its bytes."""
    if len(group) == 1:
        return group[0], b""
    content = Index(tuple(image.manifest for image in group)).encode()
    return Export(Descriptor(INDEX, Digest.of(content), len(content)), group[0].names), content


def _named(image: Export) -> Descriptor:
    annotations = dict(image.manifest.annotations)
    if image.names:
        name = image.names[0]
        annotations[REF_NAME] = name.rpartition(":")[2]
        annotations[CONTAINERD_NAME] = qualified(name)
    return replace(image.manifest, annotations=tuple(sorted(annotations.items())))


def qualified(name: str) -> str:
    """``docker.io/library/python:3.13`` from ``python:3.13``: what engines call an image in full."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def _closure(images: Sequence[Export], blobs: BlobStore) -> list[tuple[Digest, int]]:
    """Every blob the images consist of, each once, sorted by digest."""
    found: dict[Digest, int] = {}
    for image in images:
        manifest = _manifest(image.manifest, blobs)
        for part in (image.manifest, manifest.config, *manifest.layers):
            if not part.urls:  # what is elsewhere stays there
                found[part.digest] = part.size
    return sorted(found.items())


def _manifest(descriptor: Descriptor, blobs: BlobStore) -> Manifest:
    if descriptor.media_type not in MANIFESTS:
        raise VerificationError(f"refused {descriptor.digest}: {descriptor.media_type} is not a manifest")
    with _open(blobs, descriptor.digest) as file:
        return Manifest.parse(read_document(file, descriptor))


def _open(blobs: BlobStore, digest: Digest) -> BinaryIO:
    try:
        return blobs.open(digest)
    except KeyError:
        raise MachineError(
            f"the store lacks blob {digest}",
            why="the image is not whole",
            hint="build it again, it will be completed",
        ) from None


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_CHUNK):
        yield piece
