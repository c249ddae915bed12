# SPDX-License-Identifier: Apache-2.0
"""One image, read alike from a store, a layout, and archives of either kind."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

from imagewright.errors import UsageError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat
from imagewright.oci.archive_source import ArchiveSource
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, LAYER_TAR, MANIFEST, Descriptor, Target
from imagewright.oci.layout import Export, export
from imagewright.oci.layout_source import LayoutDirectory, LayoutSource
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import ImageSource, StoredSource
from support.blobs import DirectoryBlobs

LAYER = b"\x1f\x8b" + bytes(range(256)) * 3000
CONFIG_BYTES = b'{"architecture":"amd64","os":"linux"}'


@pytest.fixture
def blobs(tmp_path: Path) -> DirectoryBlobs:
    return DirectoryBlobs(tmp_path / "blobs")


@pytest.fixture
def image(blobs: DirectoryBlobs) -> Export:
    manifest = Manifest(Descriptor.of(CONFIG, CONFIG_BYTES), (Descriptor.of(LAYER_GZIP, LAYER),)).encode()
    for content in (CONFIG_BYTES, LAYER, manifest):
        blobs.put([content])
    described = Descriptor(MANIFEST, Digest.of(manifest), len(manifest), platform=Target("linux", "amd64"))
    return Export(described, ("python:3.13-slim", "python:slim"))


def read(source: ImageSource) -> tuple[Digest, bytes, bytes]:
    root = source.root()
    manifest = Manifest.parse(root.content)
    return root.digest, source.document(manifest.config), b"".join(source.pieces(manifest.layers[0], 100))


def test_every_place_gives_the_same(image: Export, blobs: DirectoryBlobs, tmp_path: Path) -> None:
    export([image], blobs, tmp_path / "dir", ArchiveFormat.OCI_DIR)
    export([image], blobs, tmp_path / "a.tar", ArchiveFormat.OCI_ARCHIVE)
    wanted = (image.manifest.digest, CONFIG_BYTES, LAYER[100:])
    assert read(StoredSource(blobs, image.manifest)) == wanted
    assert read(LayoutSource(LayoutDirectory(tmp_path / "dir"))) == wanted
    assert read(LayoutSource(LayoutDirectory(tmp_path / "dir"), "3.13-slim")) == wanted
    for name in ("", "3.13-slim", "python:3.13-slim"):
        assert read(ArchiveSource(tmp_path / "a.tar", name)) == wanted
    with pytest.raises(UsageError, match="no image 'other'"):
        ArchiveSource(tmp_path / "a.tar", "other")


def test_a_docker_archive_gets_a_manifest(image: Export, blobs: DirectoryBlobs, tmp_path: Path) -> None:
    export([image], blobs, tmp_path / "d.tar", ArchiveFormat.DOCKER_ARCHIVE)
    for name in ("", "python:slim"):
        _, config, layer = read(ArchiveSource(tmp_path / "d.tar", name))
        assert (config, layer) == (CONFIG_BYTES, LAYER[100:])


def old_archive(path: Path, members: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return path


def test_the_form_of_old_engines_is_read_links_and_plain_layers(tmp_path: Path) -> None:
    index = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["one/layer.tar", "two/layer.tar"]}]
    path = old_archive(
        tmp_path / "old.tar",
        {"c.json": CONFIG_BYTES, "one/layer.tar": b"plain tar", "manifest.json": json.dumps(index).encode()},
        {"two/layer.tar": "../one/layer.tar"},
    )
    source = ArchiveSource(path)
    layers = Manifest.parse(source.root().content).layers
    assert [layer.media_type for layer in layers] == [LAYER_TAR, LAYER_TAR]
    assert b"".join(source.pieces(layers[1])) == b"plain tar"


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"manifest.json": b"{"},
        {"manifest.json": b"[1]"},
        {"manifest.json": b'[{"Config": "absent", "Layers": []}]'},
        {"manifest.json": b'[{"Config": "../../etc/passwd", "Layers": []}]'},
        {"index.json": b"{}"},
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(VerificationError):
        ArchiveSource(old_archive(tmp_path / "x.tar", members)).root()


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no tar at all")
    with pytest.raises(VerificationError, match="not an archive"):
        ArchiveSource(tmp_path / "x")


def test_a_document_that_was_changed_is_refused(image: Export, blobs: DirectoryBlobs, tmp_path: Path) -> None:
    export([image], blobs, tmp_path / "a.tar", ArchiveFormat.OCI_ARCHIVE)
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data.replace(b'"architecture":"amd64"', b'"architecture":"amd65"'))
    with pytest.raises(VerificationError):
        read(ArchiveSource(tmp_path / "a.tar"))
