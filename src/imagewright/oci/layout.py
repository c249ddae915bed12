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

import hashlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from imagewright.errors import ImagewrightError, MachineError, UsageError, VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.options import ArchiveFormat
from imagewright.model.ports import BlobStore
from imagewright.model.tree import Content, Entry, EntryStream, Kind
from imagewright.oci.descriptor import INDEX, INDEXES, MANIFESTS, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse
from imagewright.oci.tar import archive

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"
_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_CHUNK = 1 << 20
_MAX_DEPTH = 4


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
    temporary = path.with_name(f".{path.name}.{token_hex(6)}")
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
            content: Content = io.BufferedReader(_Verified(file, digest, size), _CHUNK)
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
        return Manifest.parse(_whole(file, descriptor))


def _open(blobs: BlobStore, digest: Digest) -> BinaryIO:
    try:
        return blobs.open(digest)
    except KeyError:
        raise MachineError(
            f"the store lacks blob {digest}",
            why="the image is not whole",
            hint="build it again, it will be completed",
        ) from None


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
            return _whole(file, descriptor)

    def open(self, descriptor: Descriptor) -> BinaryIO:
        """A blob's bytes; reading past the end raises ``VerificationError`` unless they were the right ones."""
        raw = _Verified(self._raw(descriptor.digest), descriptor.digest, descriptor.size)
        return io.BufferedReader(raw, _CHUNK)

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
            with self.open(descriptor) as file:
                while file.read(_CHUNK):
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


def _whole(file: BinaryIO, descriptor: Descriptor) -> bytes:
    if descriptor.size > MAX_DOCUMENT:
        raise VerificationError(f"refused {descriptor.digest}: a document of {descriptor.size} bytes")
    content = file.read(descriptor.size + 1)
    if len(content) != descriptor.size or Digest.of(content) != descriptor.digest:
        raise _damaged(descriptor.digest)
    return content


class _Verified(io.RawIOBase):
    """Reads exactly ``size`` bytes; the last of them only come if all had the digest."""

    def __init__(self, file: BinaryIO, digest: Digest, size: int) -> None:
        self._file = file
        self._digest = digest
        self._left = size
        self._state = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = self._file.read(min(len(view), self._left)) if self._left else b""
        self._state.update(chunk)
        self._left -= len(chunk)
        if (self._left and not chunk) or (not self._left and self._wrong()):
            raise _damaged(self._digest)
        view[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _wrong(self) -> bool:
        return bool(self._file.read(1)) or self._state.hexdigest() != self._digest.hex


def _damaged(digest: Digest) -> ImagewrightError:
    return VerificationError(
        f"refused blob {digest}: its content is not what its digest says",
        hint="if it is in the store, `imagewright store fsck --repair` drops it and the next build makes it again",
    )
