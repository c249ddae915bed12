# SPDX-License-Identifier: Apache-2.0
"""Compressed pieces that are found again: the same bytes as without, and never what a disk has harmed."""

from __future__ import annotations

import hashlib
import io
import tomllib
from collections.abc import Iterator
from pathlib import Path

import deflate
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.engine.packing import LayerBlob, pack, repack
from imagewright.model.images import Compression
from imagewright.model.tree import Content, Entry, Kind
from imagewright.oci import compression
from imagewright.oci.levels import LEVEL, PIECE
from imagewright.store.gc import collect
from imagewright.store.store import Store
from support.fake_store import FakeBlobs, FakeClock

MIB = PIECE[Compression.GZIP]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store.open(tmp_path / "store", clock=clock, exclusive=True) as opened:
        yield opened


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of all pieces that libdeflate was given."""
    sizes: list[int] = []
    real = deflate.gzip_compress

    def noted(piece: bytes, level: int) -> bytes:
        sizes.append(len(piece))
        return bytes(real(piece, level))

    monkeypatch.setattr("deflate.gzip_compress", noted)
    return sizes


def tree(*contents: bytes) -> Iterator[tuple[Entry, Content]]:
    for number, content in enumerate(contents):
        yield Entry(f"{number}", Kind.FILE, 0o644, size=len(content)), io.BytesIO(content)


def noise(seed: str, size: int) -> bytes:
    return hashlib.shake_256(seed.encode()).digest(size)


def packed(store: Store, *contents: bytes) -> LayerBlob:
    return pack("layer", tree(*contents), store.blobs, epoch=9, jobs=2, known=store.pieces)


def alone(tmp_path: Path, *contents: bytes) -> LayerBlob:
    return pack("layer", tree(*contents), FakeBlobs(tmp_path), epoch=9, jobs=1)


def test_a_layer_that_is_made_again_is_not_compressed_again(
    store: Store, compressed: list[int], tmp_path: Path
) -> None:
    content = noise("a", 3 * MIB)
    first = packed(store, content)
    assert len(compressed) == 4
    compressed.clear()
    assert packed(store, content) == first
    assert compressed == []
    assert first == alone(tmp_path, content)


def test_only_pieces_that_changed_are_compressed(store: Store, compressed: list[int], tmp_path: Path) -> None:
    before = [noise(name, MIB - 512) for name in "abcd"]  # with its header, each is a piece
    after = [*before[:2], noise("new", MIB - 512), before[3]]
    packed(store, *before)
    compressed.clear()
    assert packed(store, *after) == alone(tmp_path, *after)
    assert [size for size in compressed if size == MIB] == [MIB] * (
        1 + 4
    )  # the new one, and all of the layer alone


def test_a_layer_that_is_the_same_is_not_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [noise("a", 3 * MIB), noise("b", MIB)]
    first = packed(store, *contents)
    shorter = packed(store, contents[0])
    assert packed(store, contents[0]).digest == shorter.digest

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("written again")

    monkeypatch.setattr(store.blobs, "put", refuse)
    assert packed(store, *contents[:1]) == shorter
    monkeypatch.undo()
    assert packed(store, *contents) == first


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from("abc"), max_size=4), min_size=1, max_size=4))
def test_whatever_begins_alike(tmp_path_factory: pytest.TempPathFactory, layers: list[list[str]]) -> None:
    """Layers of the same few pieces, so that each begins, ends or repeats what another has."""
    directory = tmp_path_factory.mktemp("pieces")
    with pytest.MonkeyPatch.context() as patch, Store.open(directory / "s", clock=FakeClock()) as store:
        patch.setitem(PIECE, Compression.GZIP, 1024)
        for names in layers:
            contents = [noise(name, 512) for name in names]
            assert packed(store, *contents) == alone(directory, *contents)
            assert store.blobs.verify(packed(store, *contents).digest)


def test_another_method_is_another_piece(store: Store) -> None:
    layer = packed(store, noise("a", 2 * MIB))
    other = repack(layer, Compression.ZSTD, store.blobs, jobs=1, known=store.pieces)
    again = repack(layer, Compression.ZSTD, store.blobs, jobs=1, known=store.pieces)
    assert other == again == repack(layer, Compression.ZSTD, store.blobs, jobs=1)
    assert other.digest != layer.digest


def test_what_the_disk_has_harmed_is_compressed_anew(store: Store, compressed: list[int]) -> None:
    content = noise("a", 2 * MIB)
    layer = packed(store, content)
    path = store.layout.blob(layer.digest)
    data = bytearray(path.read_bytes())
    data[MIB // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    compressed.clear()
    assert packed(store, content).digest == layer.digest
    assert len(compressed) == 1  # the piece with the bit
    assert store.blobs.verify(layer.digest) == layer.size  # the blob was written anew


def test_pieces_of_a_blob_that_is_gone_are_no_pieces(store: Store, clock: FakeClock) -> None:
    layer = packed(store, noise("a", MIB))
    (key,) = keys(store)[:1]
    assert store.pieces.get(key)
    store.blobs.remove(layer.digest)
    assert store.pieces.get(key) is None
    clock.pass_days(60)
    collect(store)
    assert keys(store) == []


def keys(store: Store) -> list[bytes]:
    with store.database.reading() as connection:
        return [bytes(key) for (key,) in connection.execute("SELECT key FROM pieces")]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.binary(max_size=40), max_size=6), min_size=1, max_size=4))
def test_whatever_was_packed_before_the_bytes_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, layers: list[list[bytes]]
) -> None:
    directory = tmp_path_factory.mktemp("pieces")
    with pytest.MonkeyPatch.context() as patch, Store.open(directory / "s", clock=FakeClock()) as store:
        patch.setitem(PIECE, Compression.GZIP, 512)
        for contents in layers:
            assert packed(store, *contents) == alone(directory, *contents)


def test_the_method_names_the_versions_that_are_pinned() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert f"deflate=={deflate.__version__}" in project["dependencies"]
    assert f"zstandard=={zstandard.__version__}" in project["dependencies"]
    for kind, word in ((Compression.GZIP, deflate.__version__), (Compression.ZSTD, zstandard.__version__)):
        assert compression.method(kind, LEVEL[kind]).endswith(f" {word}")
        assert compression.method(kind, LEVEL[kind]) != compression.method(kind, LEVEL[kind] - 1)
