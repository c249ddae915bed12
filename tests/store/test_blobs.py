# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.errors import MachineError, VerificationError
from imagewright.model.digest import Digest
from imagewright.store.store import Store
from support.fake_store import FakeClock

HELLO = Digest.of(b"hello")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store.open(tmp_path / "store", clock=clock) as opened:
        yield opened


def unfinished(store: Store) -> list[Path]:
    return [path for path in store.layout.work.rglob("*") if path.is_file() and path.suffix != ".lock"]


def damage(store: Store, digest: Digest, content: bytes) -> None:
    path = store.layout.blob(digest)
    path.chmod(0o644)
    path.write_bytes(content)


def test_blobs_are_where_an_oci_layout_has_them(store: Store) -> None:
    store.blobs.put([b"hello"])
    path = store.layout.root / "blobs" / "sha256" / HELLO.hex
    assert path.read_bytes() == b"hello"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444
    assert store.layout.oci_layout.read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'


@pytest.mark.parametrize("content", [[b"hellO"], [b"hello", b"!"], []])
def test_nothing_unverified_stays(store: Store, content: list[bytes]) -> None:
    with pytest.raises(VerificationError) as caught:
        store.blobs.put(content, expected=HELLO, size=5)
    assert str(HELLO) in caught.value.message
    assert unfinished(store) == []
    assert list(store.layout.blobs.iterdir()) == []


def test_nothing_is_under_its_name_before_it_is_verified(store: Store) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"hel"
        assert not store.blobs.has(HELLO)
        assert len(unfinished(store)) == 1
        yield b"lo"

    store.blobs.put(chunks(), expected=HELLO)
    assert unfinished(store) == []


def test_a_truncated_blob_is_put_again(store: Store) -> None:
    store.blobs.put([b"hello"])
    damage(store, HELLO, b"hel")
    store.blobs.put([b"hello"], expected=HELLO, size=5)
    assert store.blobs.verify(HELLO) == 5


def test_reading_with_a_known_size_refuses_another(store: Store) -> None:
    store.blobs.put([b"hello"])
    store.blobs.open(HELLO, size=5).close()
    with pytest.raises(VerificationError, match="damaged"):
        store.blobs.open(HELLO, size=4)


def test_a_flipped_bit_is_found_by_verify_and_read(store: Store) -> None:
    store.blobs.put([b"hello"])
    damage(store, HELLO, b"hdllo")
    with pytest.raises(VerificationError, match="damaged"):
        store.blobs.verify(HELLO)
    with pytest.raises(VerificationError, match="damaged"):
        store.blobs.read(HELLO, limit=10)


def test_read_is_bounded(store: Store) -> None:
    store.blobs.put([b"hello"])
    assert store.blobs.read(HELLO, limit=5) == b"hello"
    with pytest.raises(VerificationError, match="larger"):
        store.blobs.read(HELLO, limit=4)


def test_a_use_moves_the_time_at_most_once_a_day(store: Store, clock: FakeClock) -> None:
    store.blobs.put([b"hello"])
    path = store.layout.blob(HELLO)
    start = clock.now().timestamp()
    os.utime(path, (start, start))
    clock.pass_days(0.5)
    store.blobs.has(HELLO)
    assert path.stat().st_mtime == start
    clock.pass_days(1)
    store.blobs.has(HELLO)
    assert path.stat().st_mtime == clock.now().timestamp()


def test_verifying_is_no_use(store: Store, clock: FakeClock) -> None:
    store.blobs.put([b"hello"])
    path = store.layout.blob(HELLO)
    os.utime(path, (5, 5))
    store.blobs.verify(HELLO)
    assert path.stat().st_mtime == 5


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_full_disk_is_an_error_of_the_machine(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(MachineError) as caught:
        store.blobs.put([b"hello"])
    monkeypatch.undo()
    assert os.strerror(number) in caught.value.message
    assert caught.value.hint
    assert unfinished(store) == []
    assert store.blobs.put([b"hello"]) == HELLO


def test_short_writes_are_completed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, bytes(data)[:2]))
    assert store.blobs.put([b"hello"], size=5) == HELLO
    monkeypatch.undo()
    assert store.blobs.verify(HELLO) == 5


def test_an_error_of_the_stream_is_not_an_error_of_the_store(store: Store) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise OSError(errno.ENOSPC, "somewhere else")

    with pytest.raises(OSError, match="somewhere else"):
        store.blobs.put(chunks())
    assert unfinished(store) == []


def test_a_writer_that_is_not_finished_leaves_nothing(store: Store) -> None:
    with store.blobs.writer() as writer:
        writer.write(b"hello")
    assert not store.blobs.has(HELLO)
    assert unfinished(store) == []
    with store.blobs.writer(expected=HELLO) as writer:
        writer.write(b"hello")
        assert writer.finish() == HELLO
    assert store.blobs.has(HELLO)


def test_many_threads_put_the_same(store: Store) -> None:
    content = [bytes([number % 7]) * 1000 for number in range(64)]
    digest = Digest.of(b"".join(content))
    failures: list[BaseException] = []

    def work() -> None:
        try:
            assert store.blobs.put(content, expected=None) == digest
        except BaseException as error:  # noqa: BLE001 - carried to the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.blobs.verify(digest) == 64_000
    assert len(list(store.blobs.all())) == 1


def test_names_that_are_no_digests_are_no_blobs(store: Store) -> None:
    store.blobs.put([b"hello"])
    (store.layout.blobs / "README").write_text("x")
    assert [digest for digest, _ in store.blobs.all()] == [HELLO]


def test_removing_is_idempotent(store: Store) -> None:
    store.blobs.put([b"hello"])
    store.blobs.remove(HELLO)
    store.blobs.remove(HELLO)
    assert not store.blobs.has(HELLO)
