# SPDX-License-Identifier: Apache-2.0
"""Layers in the store: described in records and read back; compressed otherwise with the same content."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.engine.packing import LayerBlob, pack, repack
from imagewright.model.digest import Digest
from imagewright.model.images import Compression
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.tree import Content, Entry, Kind
from imagewright.oci.reader import read_layer
from support.fake_store import FakeBlobs

TEXT = b"hello\n" * 1000


def entries() -> Iterator[tuple[Entry, Content]]:
    yield Entry("etc", Kind.DIRECTORY, 0o755), None
    yield Entry("etc/motd", Kind.FILE, 0o644, size=len(TEXT), mtime=5), io.BytesIO(TEXT)


@pytest.fixture
def blobs(tmp_path: Path) -> FakeBlobs:
    return FakeBlobs(tmp_path)


def contents(layer: LayerBlob, blobs: FakeBlobs) -> list[tuple[str, bytes]]:
    with blobs.open(layer.digest) as file:
        return [(entry.path, content.read() if content else b"") for entry, content in read_layer(file)]


def test_a_record_describes_a_layer_so_that_it_reads_back(blobs: FakeBlobs) -> None:
    layer = pack("layer", entries(), blobs, epoch=9, jobs=1)
    record = StepRecord(Digest("a" * 64), StepKind.BASE, "base", (layer.output(),), layer.facts(), 1.0, 1)
    assert LayerBlob.of(record, "layer") == layer
    assert layer.size == blobs.size(layer.digest)


def test_another_compression_is_another_blob_of_the_same_archive(blobs: FakeBlobs) -> None:
    layer = pack("layer", entries(), blobs, epoch=9, jobs=1)
    packed = repack(layer, Compression.ZSTD, blobs, jobs=2)
    assert packed.digest != layer.digest
    assert packed.diff_id == layer.diff_id
    assert packed.size == blobs.size(packed.digest)
    assert contents(packed, blobs) == contents(layer, blobs) == [("etc", b""), ("etc/motd", TEXT)]
    assert repack(layer, Compression.ZSTD, blobs, jobs=1) == packed


def test_the_same_compression_is_left_alone(blobs: FakeBlobs) -> None:
    layer = pack("layer", entries(), blobs, epoch=9, jobs=1)
    assert repack(layer, Compression.GZIP, blobs, jobs=1) is layer
