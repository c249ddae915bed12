# SPDX-License-Identifier: Apache-2.0
"""Several commands that write one lock: none loses another's change, and none writes over what it never saw."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.locks import change_lock, load_lock, lock_unchanged, save_lock
from imagewright.app.world import SystemClock, World
from imagewright.errors import LockChangedError, MachineError
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.lock import Lock

WRITERS, CHANGES = 8, 5


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(GlobalOptions(lock=tmp_path / "imagewright.lock"), SystemClock(), 0o022)


def knowing(lock: Lock | None, *targets: str) -> Lock:
    """The lock with the images of some suites more; their checksums are of no interest."""
    named = [f"3.13-slim-{target} linux/amd64" for target in targets]
    known = dict((lock or Lock()).configuration) | dict.fromkeys(named, Digest("a" * 64))
    return replace(lock or Lock(), configuration=tuple(sorted(known.items())))


def targets_of(world: World) -> set[str]:
    lock = load_lock(world.lock_path)
    assert lock is not None
    return {name.removeprefix("3.13-slim-").removesuffix(" linux/amd64") for name, _ in lock.configuration}


def test_what_another_command_wrote_is_not_written_over(world: World) -> None:
    save_lock(world, knowing(None, "first"), before=None)
    seen = load_lock(world.lock_path)
    save_lock(world, knowing(seen, "theirs"), before=seen)
    with pytest.raises(LockChangedError, match="another command") as caught:
        save_lock(world, knowing(seen, "ours"), before=seen)
    assert "run this again" in caught.value.hint
    assert targets_of(world) == {"first", "theirs"}
    assert [path.name for path in world.lock_path.parent.iterdir()] == ["imagewright.lock"]


def test_a_lock_that_was_taken_away_meanwhile_is_a_change_too(world: World) -> None:
    save_lock(world, knowing(None, "first"), before=None)
    seen = load_lock(world.lock_path)
    world.lock_path.unlink()
    with pytest.raises(LockChangedError):
        save_lock(world, knowing(seen, "ours"), before=seen)
    assert not world.lock_path.exists()


def test_a_change_is_made_anew_of_what_another_command_wrote(world: World) -> None:
    others = iter(["one", "two"])

    def change(lock: Lock | None) -> Lock:
        other = next(others, None)  # another command is faster, twice
        if other is not None:
            save_lock(world, knowing(lock, other), before=lock)
        return knowing(lock, "ours")

    change_lock(world, change)
    assert targets_of(world) == {"one", "two", "ours"}


def test_who_is_never_fast_enough_gives_up_and_loses_nothing(world: World) -> None:
    calls = 0

    def change(lock: Lock | None) -> Lock:
        nonlocal calls
        calls += 1
        save_lock(world, knowing(lock, f"theirs{calls}"), before=lock)
        return knowing(lock, "ours")

    with pytest.raises(LockChangedError):
        change_lock(world, change)
    assert calls == len(targets_of(world)) == 3
    assert "ours" not in targets_of(world)


def test_nothing_is_written_where_nothing_changes(world: World) -> None:
    save_lock(world, knowing(None, "first"), before=None)
    before = world.lock_path.stat()
    change_lock(world, lambda lock: knowing(lock, "first"))
    after = world.lock_path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_writers_at_the_same_time_lose_nothing(world: World) -> None:
    lost: list[str] = []

    def write(name: str) -> None:
        for number in range(CHANGES):
            target = f"{name}n{number}"
            while True:  # each change either is written or says that it was not
                try:
                    change_lock(world, lambda lock, wanted=target: knowing(lock, wanted))
                    break
                except LockChangedError:
                    continue
            if target not in targets_of(world):
                lost.append(target)

    threads = [threading.Thread(target=write, args=(f"writer{number}",)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []
    assert len(targets_of(world)) == WRITERS * CHANGES


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="cannot write"), lock_unchanged(tmp_path / "none" / "x.lock", None):
        pytest.fail("nothing may be written")
