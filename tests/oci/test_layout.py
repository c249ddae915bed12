# SPDX-License-Identifier: Apache-2.0
"""Layout directories and archives: deterministic, whole or not at all, and verified in both directions."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.errors import MachineError, UsageError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat
from imagewright.model.images import Compression, ImageConfiguration
from imagewright.model.platforms import parse_platform
from imagewright.model.tree import Entry, Kind
from imagewright.oci.descriptor import INDEX, MANIFEST, REF_NAME, Descriptor
from imagewright.oci.image import ImageDocuments, ImageLayer, assemble
from imagewright.oci.index import Index
from imagewright.oci.layers import Layer
from imagewright.oci.layout import CONTAINERD_NAME, Export, archive_chunks, export, qualified
from imagewright.oci.layout_source import LayoutDirectory
from support.fake_store import FakeBlobs

NAMES = ("python:3.13.15-slim-trixie", "python:3.13-slim")
ARCHIVES = [ArchiveFormat.OCI_ARCHIVE, ArchiveFormat.DOCKER_ARCHIVE]


@dataclass(frozen=True)
class Built:
    blobs: FakeBlobs
    documents: ImageDocuments
    layers: tuple[Digest, ...]

    @property
    def images(self) -> list[Export]:
        return [Export(self.documents.manifest, NAMES)]


def build(blobs: FakeBlobs, platform: str = "amd64") -> Built:
    layers = []
    for name in ("base", "python", platform):
        layer = Layer([(Entry(name, Kind.FILE, 0o644, size=4), io.BytesIO(b"text"))], epoch=5)
        blobs.put(layer)
        made = layer.result
        layers.append(ImageLayer(made.digest, made.diff_id, made.size, Compression.GZIP, 5, name))
    documents = assemble(parse_platform(platform), ImageConfiguration((), ("python3",)), layers, created=5)
    for content in (documents.config_bytes, documents.manifest_bytes):
        blobs.put([content])
    return Built(blobs, documents, tuple(layer.digest for layer in layers))


@pytest.fixture
def built(tmp_path: Path) -> Built:
    return build(FakeBlobs(tmp_path))


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        found = opened.getmembers()
        assert {(member.mtime, member.uid, member.gid, member.uname) for member in found} == {(0, 0, 0, "")}
        return {member.name: opened.extractfile(member).read() for member in found if member.isfile()}  # type: ignore[union-attr]


def test_an_archive_is_a_layout_and_a_docker_archive(built: Built) -> None:
    data = b"".join(archive_chunks(built.images, built.blobs, ArchiveFormat.OCI_ARCHIVE))
    found = members(data)
    assert found.pop("oci-layout") == b'{"imageLayoutVersion":"1.0.0"}'
    (entry,) = Index.parse(found.pop("index.json")).manifests
    assert entry.digest == built.documents.manifest.digest
    assert str(entry.platform) == "linux/amd64"
    assert entry.annotation(REF_NAME) == "3.13.15-slim-trixie"
    assert entry.annotation(CONTAINERD_NAME) == "docker.io/library/python:3.13.15-slim-trixie"
    assert json.loads(found.pop("manifest.json")) == [
        {
            "Config": f"blobs/sha256/{built.documents.config.digest.hex}",
            "RepoTags": list(NAMES),
            "Layers": [f"blobs/sha256/{layer.hex}" for layer in built.layers],
        }
    ]
    assert found == {f"blobs/sha256/{digest.hex}": content for digest, content in built.blobs.content.items()}


def test_a_docker_archive_has_no_index(built: Built) -> None:
    found = members(b"".join(archive_chunks(built.images, built.blobs, ArchiveFormat.DOCKER_ARCHIVE)))
    assert {name for name in found if not name.startswith("blobs/")} == {"manifest.json"}


@pytest.mark.parametrize("form", ARCHIVES)
def test_an_archive_has_the_same_bytes_each_time(built: Built, form: ArchiveFormat) -> None:
    first, second = (b"".join(archive_chunks(built.images, built.blobs, form)) for _ in range(2))
    assert first == second


def test_images_share_blobs_and_names_go_to_the_first(built: Built) -> None:
    other = build(built.blobs, "arm64")
    images = [*built.images, *other.images]
    found = members(b"".join(archive_chunks(images, built.blobs, ArchiveFormat.OCI_ARCHIVE)))
    assert sum(name.startswith("blobs/") for name in found) == 2 + 2 + 4 + 1
    assert [item["RepoTags"] for item in json.loads(found["manifest.json"])] == [list(NAMES), []]


def test_one_name_for_several_platforms_is_one_index(built: Built, tmp_path: Path) -> None:
    other = build(built.blobs, "arm64")
    target = tmp_path / "layout"
    export([*built.images, *other.images], built.blobs, target, ArchiveFormat.OCI_DIR)
    layout = LayoutDirectory(target)
    entry = layout.find()
    assert entry.media_type == INDEX
    assert entry == layout.find("3.13.15-slim-trixie")
    assert layout.verify() == 2 + 2 + 4 + 1
    index = Index.parse(layout.read(entry))
    assert [str(manifest.platform) for manifest in index.manifests] == ["linux/amd64", "linux/arm64/v8"]
    assert [manifest.digest for manifest in index.manifests] == [
        built.documents.manifest.digest,
        other.documents.manifest.digest,
    ]


@pytest.mark.parametrize("form", list(ArchiveFormat))
def test_what_is_damaged_in_the_store_is_not_written(built: Built, tmp_path: Path, form: ArchiveFormat) -> None:
    target = tmp_path / "out"
    for digest in (*built.layers, built.documents.config.digest, built.documents.manifest.digest):
        good = built.blobs.content[digest]
        for bad in (bytes([good[0] ^ 1]) + good[1:], good[:-1], good + b"x"):
            built.blobs.content[digest] = bad
            with pytest.raises(VerificationError):
                export(built.images, built.blobs, target, form)
        del built.blobs.content[digest]
        with pytest.raises(MachineError, match="lacks blob"):
            export(built.images, built.blobs, target, form)
        built.blobs.content[digest] = good
    assert list(tmp_path.iterdir()) == [], "nothing half-written stays"


@pytest.mark.parametrize("form", ARCHIVES)
def test_an_archive_replaces_an_older_one_at_once(built: Built, tmp_path: Path, form: ArchiveFormat) -> None:
    target = tmp_path / "python.tar"
    target.write_text("older")
    assert export(built.images, built.blobs, target, form) == target.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["python.tar"]
    assert len(members(target.read_bytes())) > 5


def test_a_directory_is_written_and_read_back(built: Built, tmp_path: Path) -> None:
    target = tmp_path / "layout"
    export(built.images, built.blobs, target, ArchiveFormat.OCI_DIR)
    layout = LayoutDirectory(target)
    assert layout.verify() == 5
    entry = layout.find()
    assert entry == layout.find("3.13.15-slim-trixie") == layout.find(str(built.documents.manifest.digest))
    assert layout.read(entry) == built.documents.manifest_bytes
    with pytest.raises(UsageError, match="no image 'x'"):
        layout.find("x")


def test_a_directory_is_not_written_over_another(built: Built, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="in the way"):
        export(built.images, built.blobs, tmp_path, ArchiveFormat.OCI_DIR)
    empty = tmp_path / "empty"
    empty.mkdir()
    export(built.images, built.blobs, empty, ArchiveFormat.OCI_DIR)
    assert LayoutDirectory(empty).verify() == 5


def test_a_place_that_cannot_be_written_is_an_error_of_the_machine(built: Built, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot write"):
        export(built.images, built.blobs, tmp_path / "missing" / "x.tar", ArchiveFormat.OCI_ARCHIVE)


@pytest.mark.parametrize("which", ["layer", "config", "manifest"])
@pytest.mark.parametrize("how", ["flipped", "shorter", "longer", "missing", "link"])
def test_a_damaged_directory_is_refused(built: Built, tmp_path: Path, which: str, how: str) -> None:
    target = tmp_path / "layout"
    export(built.images, built.blobs, target, ArchiveFormat.OCI_DIR)
    documents = built.documents
    digest = {"layer": built.layers[0], "config": documents.config.digest, "manifest": documents.manifest.digest}[
        which
    ]
    path = target / "blobs" / "sha256" / digest.hex
    content = path.read_bytes()
    path.unlink()
    if how == "flipped":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 128]))
    elif how == "shorter":
        path.write_bytes(content[:-1])
    elif how == "longer":
        path.write_bytes(content + b"\n")
    elif how == "link":
        (tmp_path / "elsewhere").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VerificationError):
        LayoutDirectory(target).verify()


def test_what_is_no_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="not an OCI layout"):
        LayoutDirectory(tmp_path)
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"2.0.0"}')
    (tmp_path / "index.json").write_bytes(Index(()).encode())
    with pytest.raises(VerificationError, match=r"expected 1\.x"):
        LayoutDirectory(tmp_path)


def test_indexes_that_nest_for_ever_are_refused(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (tmp_path / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    inner = Index(())
    for _ in range(8):
        content = inner.encode()
        (blobs / Digest.of(content).hex).write_bytes(content)
        inner = Index((Descriptor.of(INDEX, content),))
    (tmp_path / "index.json").write_bytes(inner.encode())
    with pytest.raises(VerificationError, match="nested"):
        LayoutDirectory(tmp_path).verify()


def test_several_images_need_a_name(built: Built, tmp_path: Path) -> None:
    other = build(built.blobs, "arm64")
    export(
        [*built.images, Export(other.documents.manifest, ())], built.blobs, tmp_path / "l", ArchiveFormat.OCI_DIR
    )
    layout = LayoutDirectory(tmp_path / "l")
    with pytest.raises(UsageError, match="no single image"):
        layout.find()
    assert layout.find("3.13.15-slim-trixie").digest == built.documents.manifest.digest


def test_only_manifests_are_exported(built: Built) -> None:
    wrong = Descriptor("text/plain", built.documents.manifest.digest, built.documents.manifest.size)
    with pytest.raises(VerificationError, match="not a manifest"):
        list(archive_chunks([Export(wrong, ())], built.blobs, ArchiveFormat.OCI_ARCHIVE))
    huge = Descriptor(MANIFEST, built.documents.manifest.digest, 1 << 40)
    with pytest.raises(VerificationError, match="a document of"):
        list(archive_chunks([Export(huge, ())], built.blobs, ArchiveFormat.OCI_ARCHIVE))


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("python:3.13", "docker.io/library/python:3.13"),
        ("me/python:3.13", "docker.io/me/python:3.13"),
        ("localhost/python:3.13", "localhost/python:3.13"),
        ("localhost:5000/python:3.13", "localhost:5000/python:3.13"),
        ("registry.example/a/b:c", "registry.example/a/b:c"),
    ],
)
def test_names_in_full(name: str, full: str) -> None:
    assert qualified(name) == full
