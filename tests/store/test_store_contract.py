# SPDX-License-Identifier: Apache-2.0
"""What every store does, the real one and the fake one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.errors import MachineError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.ports import BlobStore, StepIndex, TreeStore
from imagewright.store.store import Store
from support.fake_store import FakeBlobs, FakeClock, FakeSteps, FakeTrees

KEY = Digest.of(b"a key")


@dataclass(frozen=True)
class Both:
    blobs: BlobStore
    steps: StepIndex
    trees: TreeStore


@pytest.fixture(params=["real", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Both]:
    if request.param == "real":
        with Store.open(tmp_path / "store", clock=FakeClock()) as real:
            yield Both(real.blobs, real.steps, real.trees)
    else:
        blobs = FakeBlobs(tmp_path)
        yield Both(blobs, FakeSteps(blobs), FakeTrees(tmp_path / "trees"))


def record(step: Digest, *outputs: tuple[str, Digest]) -> StepRecord:
    return StepRecord(step, StepKind.BASE, "base trixie amd64", outputs, (("epoch", "17"),), 1.5, 1_700_000_000)


def test_what_was_put_can_be_read(store: Both) -> None:
    digest = store.blobs.put([b"one ", b"", b"two"])
    assert digest == Digest.of(b"one two")
    assert store.blobs.has(digest)
    assert store.blobs.size(digest) == 7
    assert store.blobs.path(digest).read_bytes() == b"one two"
    with store.blobs.open(digest) as file:
        assert file.read(3) == b"one"
        assert file.read() == b" two"


def test_an_empty_blob_is_a_blob(store: Both) -> None:
    assert store.blobs.size(store.blobs.put([])) == 0


def test_what_is_not_there(store: Both) -> None:
    missing = Digest.of(b"missing")
    assert not store.blobs.has(missing)
    for ask in (store.blobs.size, store.blobs.path, store.blobs.open):
        with pytest.raises(KeyError):
            ask(missing)


def test_putting_twice_is_fine(store: Both) -> None:
    assert store.blobs.put([b"x"]) == store.blobs.put([b"x"])


def test_a_blob_that_is_there_is_not_read_again(store: Both) -> None:
    digest = store.blobs.put([b"x"])

    def never() -> Iterator[bytes]:
        raise AssertionError("read")
        yield b""

    assert store.blobs.put(never(), expected=digest) == digest
    assert store.blobs.put(never(), expected=digest, size=1) == digest


@pytest.mark.parametrize("size", [None, 5])
def test_the_expected_is_kept(store: Both, size: int | None) -> None:
    assert store.blobs.put([b"he", b"llo"], expected=Digest.of(b"hello"), size=size) == Digest.of(b"hello")


@pytest.mark.parametrize("content", [b"hellO", b"hell", b"hello!", b"", b"\xe8ello"])
def test_anything_else_is_refused_and_not_kept(store: Both, content: bytes) -> None:
    for size in (None, 5):
        with pytest.raises(VerificationError):
            store.blobs.put([content], expected=Digest.of(b"hello"), size=size)
    assert not store.blobs.has(Digest.of(b"hello"))
    assert not store.blobs.has(Digest.of(content))


@pytest.mark.parametrize("content", [b"hell", b"hello!"])
def test_another_size_is_refused(store: Both, content: bytes) -> None:
    with pytest.raises(VerificationError):
        store.blobs.put([content], size=5)
    assert not store.blobs.has(Digest.of(content))


def test_an_endless_stream_is_cut_at_its_size(store: Both) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield bytes(1000)
        raise AssertionError("read on beyond the size")

    with pytest.raises(VerificationError):
        store.blobs.put(endless(), size=5000)


def test_a_stream_that_fails_leaves_nothing(store: Both) -> None:
    def failing() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        store.blobs.put(failing())
    assert not store.blobs.has(Digest.of(b"half"))


def test_records_come_back_equal(store: Both) -> None:
    made = record(KEY, ("layer", store.blobs.put([b"layer"])), ("state", store.blobs.put([b"state"])))
    assert store.steps.get(KEY) is None
    store.steps.put(made)
    assert store.steps.get(KEY) == made


def test_a_record_can_be_replaced(store: Both) -> None:
    store.steps.put(record(KEY, ("layer", store.blobs.put([b"old"]))))
    new = record(KEY, ("layer", store.blobs.put([b"new"])))
    store.steps.put(new)
    assert store.steps.get(KEY) == new


def test_a_record_needs_its_blobs(store: Both) -> None:
    with pytest.raises(MachineError):
        store.steps.put(record(KEY, ("layer", Digest.of(b"never put"))))
    assert store.steps.get(KEY) is None


def test_a_workspace_is_empty_and_gone_afterwards(store: Both) -> None:
    with store.trees.workspace("base trixie/amd64 ../x") as first, store.trees.workspace("base") as second:
        assert first != second
        assert list(first.iterdir()) == []
        (first / "directory").mkdir()
        (first / "directory" / "file").write_text("x")
    assert not first.exists()
    assert not second.exists()


def test_a_workspace_is_gone_after_a_failure(store: Both) -> None:
    with pytest.raises(RuntimeError), store.trees.workspace("x") as space:
        raise RuntimeError
    assert not space.exists()


def test_a_tree_is_adopted_whole(store: Both) -> None:
    assert store.trees.get(KEY) is None
    with store.trees.workspace("x") as space:
        made = space / "root"
        (made / "etc").mkdir(parents=True)
        (made / "etc" / "hostname").write_text("x")
        kept = store.trees.adopt(made, KEY)
        assert not made.exists()
    assert store.trees.get(KEY) == kept
    assert (kept / "etc" / "hostname").read_text() == "x"


def test_the_first_tree_wins(store: Both) -> None:
    with store.trees.workspace("x") as space:
        for name in ("first", "second"):
            (space / name).mkdir()
            (space / name / name).write_text("x")
            kept = store.trees.adopt(space / name, KEY)
            assert not (space / name).exists()
            assert (kept / "first").exists()
    assert store.trees.get(KEY) == kept


def test_a_whole_workspace_can_be_adopted(store: Both) -> None:
    with store.trees.workspace("x") as space:
        (space / "file").write_text("x")
        kept = store.trees.adopt(space, KEY)
    assert (kept / "file").exists()
