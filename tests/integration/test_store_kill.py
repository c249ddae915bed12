# SPDX-License-Identifier: Apache-2.0
"""Kill -9 at random moments, one process or two at once: the store is good afterwards, nothing stays behind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagewright.model.digest import Digest
from imagewright.store import fsck
from imagewright.store.store import Store
from support.fake_store import FakeClock

pytestmark = pytest.mark.integration

WORKER = Path(__file__).parent.parent / "support" / "store_worker.py"
ROUNDS = int(os.environ.get("IMAGEWRIGHT_KILL_ROUNDS", "12"))


def start(directory: Path, seed: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(WORKER), str(directory), str(seed)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def kill(worker: subprocess.Popen[bytes]) -> None:
    assert worker.poll() is None, f"the worker ended by itself: {worker.returncode}"
    worker.kill()
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


def is_good(directory: Path) -> int:
    """Look the store over as the next process does; how many records it has."""
    with Store.open(directory, clock=FakeClock()) as store:
        assert fsck.check(store).problems == ()
        records = store.steps.all()
        assert all(store.steps.get(record.id) == record for record, _ in records)
        return len(records)


def is_clean_after_writing(directory: Path) -> None:
    with Store.open(directory, clock=FakeClock()) as store:
        store.blobs.put([b"the next process writes"])
        assert {path.name.removesuffix(".lock") for path in store.layout.work.iterdir()} == {
            store.session.directory().name
        }
        assert [path.name for path in store.layout.locks.iterdir()] == ["store"]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_store_survives_kill_9(tmp_path: Path, workers: int) -> None:
    directory = tmp_path / "store"
    dice = random.Random(workers)
    records = 0
    for number in range(ROUNDS):
        running = [start(directory, number * 10 + worker) for worker in range(workers)]
        time.sleep(dice.random() * 0.25)
        for worker in running:
            kill(worker)
            time.sleep(dice.random() * 0.02)
        records = max(records, is_good(directory))
        if number % 4 == 3:
            is_clean_after_writing(directory)
    assert records > 3, "the workers were killed before they did anything"
    is_clean_after_writing(directory)


def test_two_processes_at_once_agree(tmp_path: Path) -> None:
    directory = tmp_path / "store"
    running = [start(directory, seed) for seed in (1, 2)]
    time.sleep(1.0)
    for worker in running:
        kill(worker)
    assert is_good(directory) > 3


def test_a_store_being_made_can_be_killed(tmp_path: Path) -> None:
    dice = random.Random(5)
    for number in range(ROUNDS):
        directory = tmp_path / str(number)
        worker = start(directory, number)
        time.sleep(dice.random() * 0.004)
        kill(worker)
        is_good(directory)
        with Store.open(directory, clock=FakeClock()) as store:
            assert store.blobs.verify(store.blobs.put([b"x"])) == 1
            assert store.steps.get(Digest.of(b"x")) is None
