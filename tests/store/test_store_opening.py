# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from imagewright.errors import ConfigurationError, MachineError, StoreBusyError
from imagewright.model.digest import Digest
from imagewright.store.locks import StoreLocks, try_lock, wait_for_lock
from imagewright.store.session import Session, remove_leftovers, remove_tree
from imagewright.store.store import Store
from support.fake_store import FakeClock

CLOCK = FakeClock()


def open_store(path: Path, *, exclusive: bool = False) -> Store:
    return Store.open(path, clock=CLOCK, exclusive=exclusive)


def test_opening_makes_a_private_directory(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store"
    with open_store(path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert (path / "imagewright-store").read_text() == "imagewright store 1\n"
    with open_store(path) as again:
        assert again.images.all() == []


def test_an_empty_directory_becomes_a_store(tmp_path: Path) -> None:
    with open_store(tmp_path):
        assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["oci-layout", "index.json"])
def test_what_a_loss_of_power_left_empty_is_written_again(tmp_path: Path, name: str) -> None:
    with open_store(tmp_path):
        whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(b"")
    with open_store(tmp_path):
        assert (tmp_path / name).read_bytes() == whole != b""


@pytest.mark.parametrize("version", ["2", "17"])
def test_a_newer_store_is_refused(tmp_path: Path, version: str) -> None:
    (tmp_path / "imagewright-store").write_text(f"imagewright store {version}\n")
    with pytest.raises(ConfigurationError) as caught:
        open_store(tmp_path)
    assert "newer" in caught.value.message
    assert version in caught.value.why


@pytest.mark.parametrize("text", ["", "1", "imagewright store 0\n", "imagewright store 1\nx", "\xff"])
def test_a_marker_that_says_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "imagewright-store").write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match="not a store"):
        open_store(tmp_path)


def test_other_peoples_directories_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ConfigurationError, match="not a store"):
        open_store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(ConfigurationError, match="not a store"):
        open_store(path)


def test_a_place_that_cannot_be_made_is_an_error_of_the_machine(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MachineError, match="cannot use the store"):
        open_store(tmp_path / "file" / "store")


def test_a_newer_index_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path) as store, store.database.writing() as connection:
        connection.execute("PRAGMA user_version=99")
    with open_store(tmp_path) as store, pytest.raises(ConfigurationError, match="newer"):
        store.steps.get(Digest.of(b"x"))


def test_a_damaged_index_is_an_error_with_a_hint(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.layout.database.write_bytes(b"nonsense" * 1000)
        with pytest.raises(MachineError) as caught:
            store.steps.get(Digest.of(b"x"))
        assert "fsck --repair" in caught.value.hint


def test_reading_leaves_no_session(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.steps.get(Digest.of(b"x"))
        store.blobs.has(Digest.of(b"x"))
        store.trees.get(Digest.of(b"x"))
        assert list(store.layout.work.iterdir()) == []


def test_closing_removes_the_session(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        store.blobs.put([b"x"])
        assert len(list(store.layout.work.iterdir())) == 2
    assert list(store.layout.work.iterdir()) == []


def test_builders_share_and_gc_does_not(tmp_path: Path) -> None:
    with open_store(tmp_path), open_store(tmp_path), pytest.raises(StoreBusyError):
        open_store(tmp_path, exclusive=True)
    with open_store(tmp_path, exclusive=True) as alone:
        with pytest.raises(StoreBusyError):
            alone.locks.use(timeout=0.05)
        with pytest.raises(StoreBusyError):
            open_store(tmp_path, exclusive=True)


def test_a_step_is_made_by_one_at_a_time(tmp_path: Path) -> None:
    locks = StoreLocks(tmp_path)
    waits = 0

    class GiveUpError(Exception):
        pass

    def waiting() -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            raise GiveUpError

    step = Digest.of(b"step")
    with locks.step(step):
        with locks.step(Digest.of(b"another")):
            pass
        with pytest.raises(GiveUpError), locks.step(step, waiting=waiting):
            raise AssertionError("held twice")
    assert waits == 3
    with locks.step(step):
        assert [path.name for path in tmp_path.iterdir()] == [f"step-{step.hex}"]
    assert list(tmp_path.iterdir()) == []


def test_a_lock_whose_name_was_taken_away_is_not_enough(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = try_lock(path)
    assert first is not None
    path.unlink()
    second = try_lock(path)
    assert second is not None, "the first holds a file that has no name any more"
    first.release()
    first.release()
    second.release(remove=True)
    assert not path.exists()


def test_waiting_ends_when_time_is_up(tmp_path: Path) -> None:
    held = try_lock(tmp_path / "lock")
    assert held is not None
    assert wait_for_lock(tmp_path / "lock", timeout=0.03) is None
    assert try_lock(tmp_path / "lock", shared=True) is None
    held.release()
    again = wait_for_lock(tmp_path / "lock", timeout=0.03)
    assert again is not None
    again.release()


def test_an_ordinary_user_leaves_what_has_other_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remainders of a build in roots hold files of subordinate ids; whoever only locks cannot remove them."""

    def refuse(path: Path) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    with open_store(tmp_path) as store:
        dead = store.layout.work / "123-dead"
        dead.mkdir()
        dead.with_name("123-dead.lock").touch()
        with monkeypatch.context() as patched:
            patched.setattr("imagewright.store.session.remove_tree", refuse)
            patched.setattr("os.geteuid", lambda: 1000)
            assert remove_leftovers(store.layout) == 1
            (left,) = store.layout.work.iterdir()
            patched.setattr("os.geteuid", lambda: 0)
            with pytest.raises(PermissionError):
                remove_leftovers(store.layout)
        assert remove_leftovers(store.layout) == 0
        assert not left.exists()


def test_locks_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    locks = StoreLocks(tmp_path)
    (tmp_path / f"step-{Digest.of(b'dead').hex}").touch()
    with locks.step(Digest.of(b"alive")):
        locks.sweep()
        assert [path.name for path in tmp_path.iterdir()] == [f"step-{Digest.of(b'alive').hex}"]


def test_what_the_dead_left_is_removed_by_the_next_who_writes(tmp_path: Path) -> None:
    with open_store(tmp_path) as living:
        with living.trees.workspace("alive") as space:
            (space / "file").write_text("x")
            dead = living.layout.work / "123-dead"
            (dead / "base-1" / "etc").mkdir(parents=True)
            (dead / "base-1" / "etc" / "passwd").write_text("x")
            dead.with_name("123-dead.lock").touch()
            (living.layout.work / "lockless").mkdir()
            with open_store(tmp_path) as other:
                assert dead.exists(), "reading removes nothing"
                other.blobs.put([b"x"])
                assert not dead.exists()
                names = {path.name for path in living.layout.work.iterdir()}
                assert names == {
                    path.name
                    for session in (living.session, other.session)
                    for path in (
                        session.directory(),
                        session.directory().with_name(f"{session.directory().name}.lock"),
                    )
                }
            assert (space / "file").exists()
        assert remove_leftovers(living.layout) == 0


def test_sessions_of_one_process_are_apart(tmp_path: Path) -> None:
    with open_store(tmp_path) as store:
        first, second = Session(store.layout), Session(store.layout)
        assert first.directory() != second.directory()
        assert first.name("x") != first.name("x")
        first.close()
        assert second.directory().is_dir()
        second.close()
        second.close()


def test_trees_with_odd_modes_are_removed(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "closed" / "below").mkdir(parents=True)
    (root / "closed" / "below" / "file").write_text("x")
    (root / "link").symlink_to("/etc")
    os.mkfifo(root / "fifo")
    (root / "closed" / "below").chmod(0o000)
    (root / "closed").chmod(0o500)
    remove_tree(root)
    assert not root.exists()
    assert Path("/etc").is_dir()
    remove_tree(root)
