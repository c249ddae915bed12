# SPDX-License-Identifier: Apache-2.0
"""Real peers as fixtures, and one real image for all of them to meet."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from peers.cosign import Cosign
from peers.programs import (
    HERE,
    DockerEngine,
    output,
    peers_directory,
    start_docker,
    stop_docker,
)
from support.machine import lacking, need_root, program

QUICK = ("3.13-slim-trixie", "--profile", "quick")
ARM = (*QUICK, "--platform", "linux/arm64")


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerEngine]:
    """A real Docker Engine with an empty store, out of a trixie root that is kept between runs."""
    need_root()
    program("mmdebstrap", "mmdebstrap")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    process, engine = start_docker(root, tmp_path_factory.mktemp("docker"))
    try:
        yield engine
    finally:
        stop_docker(process, engine)


@pytest.fixture(scope="module")
def cosign() -> Iterator[Cosign]:
    """Real cosign, and a directory that both of us see."""
    need_root()
    program("mmdebstrap", "mmdebstrap")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    home = root / "tmp" / "imagewright-cosign"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    yield Cosign(root, home)
    shutil.rmtree(home)


@dataclass(frozen=True, slots=True)
class Workshop:
    """A directory with a store and a lock, and the program to run there."""

    directory: Path
    store: Path
    lock: Path

    def call(self, *words: str | Path, expect: int = 0, timeout: float = 1800) -> subprocess.CompletedProcess[str]:
        """Run ``imagewright WORDS`` as a process of its own and expect its exit status."""
        command = [sys.executable, "-m", "imagewright", "--store", self.store, "--lock", self.lock, *words]
        ended = subprocess.run(
            command,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        said = f"imagewright {' '.join(map(str, words))}\n{ended.stdout}\n{ended.stderr}"
        assert ended.returncode == expect, f"ended with {ended.returncode}, not {expect}: {said}"
        return ended

    def apart(self, directory: Path) -> Workshop:
        """The same store with a copy of the lock elsewhere: for images that other tests know nothing of."""
        shutil.copy(self.lock, directory / self.lock.name)
        return Workshop(directory, self.store, directory / self.lock.name)

    def answer(self, *words: str | Path, expect: int = 0) -> Any:
        """Run ``imagewright WORDS --json``; what it answered."""
        return json.loads(self.call(*words, "--json", "--progress", "none", expect=expect).stdout)


@dataclass(frozen=True, slots=True)
class Built:
    """A real image: what the program answered, and the archive it wrote."""

    workshop: Workshop
    archive: Path
    answer: dict[str, Any]


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A store shared by all tests of a run; IMAGEWRIGHT_TEST_STORE keeps it between runs."""
    directory = tmp_path_factory.mktemp("workshop")
    store = Path(os.environ.get("IMAGEWRIGHT_TEST_STORE") or directory / "store")
    return Workshop(directory, store, directory / "imagewright.lock")


@pytest.fixture(scope="session")
def quick_image(workshop: Workshop) -> Iterator[Built]:
    """``3.13-slim-trixie`` from CPython's source, without PGO and LTO: about two minutes when it is not stored.

    The store is shared, the lock is this image's alone: whoever builds another one does it ``apart``.
    """
    archive = workshop.directory / "python.tar"
    (answer,) = workshop.answer("build", *QUICK, "-o", archive)
    lock = workshop.lock.read_bytes()
    yield Built(workshop, archive, answer)
    assert workshop.lock.read_bytes() == lock, "a test changed the lock that all tests share"


@pytest.fixture(scope="session")
def arm(quick_image: Built, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The workshop with an arm64 image in it; its checks have passed, or the build would have failed."""
    if platform.machine() != "x86_64":
        lacking("an x86-64 processor")
    workshop = quick_image.workshop.apart(tmp_path_factory.mktemp("arm"))
    (answer,) = workshop.answer("build", *ARM)
    assert answer["platform"] == "linux/arm64/v8"
    return workshop
