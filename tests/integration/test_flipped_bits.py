# SPDX-License-Identifier: Apache-2.0
"""One flipped byte in each kind of download: it is refused with status 5, and the store stays clean.

A server on the loopback interface passes the machine's own archive on, and spoils what a test names. Secure
addresses are out of reach (a proxy that refuses), so that the source archive comes from Debian's mirror too.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import imagewright
from imagewright.archives.debian.sources import mirror_roles, read_apt_sources
from support.loopback import Loopback, serve
from support.machine import lacking

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPEC = ("3.13-slim-trixie", "--profile", "quick")
NOWHERE = "http://127.0.0.1:9"
RELEASE = "debian/dists/trixie/InRelease"


class Upstream(dict[str, bytes]):
    """What the real archive has, fetched when it is first asked for."""

    def __init__(self, roles: dict[str, str]) -> None:
        super().__init__()
        self._roles = roles
        self._guard = threading.Lock()

    def get(self, path: str, default: Any = None) -> Any:
        role, _, rest = path.partition("/")
        if role not in self._roles:
            return default
        if path not in self:
            try:
                with urllib.request.urlopen(f"{self._roles[role]}/{rest}", timeout=60) as answer:
                    data = answer.read()
            except urllib.error.HTTPError:
                return default
            with self._guard:
                self[path] = data
        return self[path]


@dataclass(frozen=True, slots=True)
class Bench:
    """One empty store behind the spoiling mirror."""

    directory: Path
    mirror: Loopback
    source: Path | None = None

    def call(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Run the program; status and answer."""
        roles = [f"--mirror={role}={self.mirror}/{role}" for role in ("debian", "debian-security")]
        own = [f"--store={self.directory}/store", f"--lock={self.directory}/imagewright.lock", "--json", *roles]
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"https_proxy": NOWHERE, "no_proxy": ""}
        if self.source is not None:
            environment["PYTHONPATH"] = str(self.source)
        ended = subprocess.run(
            [sys.executable, "-m", "imagewright", *own, "--progress=none", *words],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.returncode, json.loads(ended.stdout)

    def refused(self, *words: str) -> str:
        """Run what must be refused as not to be believed; what was said."""
        status, answer = self.call(*words)
        assert (status, answer["error"]["kind"]) == (5, "verification"), answer
        return " ".join(answer["error"][part] for part in ("message", "why", "hint"))

    def is_clean(self) -> None:
        """Nothing wrong, nothing unfinished."""
        status, found = self.call("store", "fsck")
        assert (status, found["problems"]) == (0, [])
        left = [path for path in (self.directory / "store" / "work").iterdir() if path.is_dir()]
        assert left == []


@pytest.fixture(scope="module")
def mirror() -> Iterator[Loopback]:
    found, _ = mirror_roles(read_apt_sources())
    if not {"debian", "debian-security"} <= set(found):
        lacking("apt sources that name a Debian archive")
    with serve(Upstream({role: addresses[0] for role, addresses in found.items()})) as url:
        yield url


@pytest.fixture(scope="module")
def lock(mirror: Loopback, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lock made through the unspoilt mirror."""
    bench = Bench(tmp_path_factory.mktemp("lock"), mirror)
    status, answer = bench.call("lock", *SPEC)
    assert status == 0, answer
    return bench.directory / "imagewright.lock"


@pytest.fixture
def bench(mirror: Loopback, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(tmp_path, mirror)
    mirror.faults.clear()


# In the middle of the signed text, and of the signature below it.
@pytest.mark.parametrize("offset", [2000, -300], ids=["text", "signature"])
def test_inrelease(bench: Bench, offset: int) -> None:
    fault = bench.mirror.fault(RELEASE, times=-1, flip=offset)
    bench.refused("lock", *SPEC)
    assert fault.times < -1
    assert not (bench.directory / "imagewright.lock").exists()
    bench.is_clean()


def test_packages(bench: Bench) -> None:
    fault = bench.mirror.fault("debian/dists/trixie/main/binary-*", times=-1, flip=5_000_000)
    bench.refused("lock", *SPEC)
    assert fault.times < -1
    assert not (bench.directory / "imagewright.lock").exists()
    bench.is_clean()


def test_one_package(bench: Bench, lock: Path) -> None:
    shutil.copy(lock, bench.directory)
    fault = bench.mirror.fault("debian/pool/main/b/base-files/*", times=-1, flip=20_000)
    assert "base-files" in bench.refused("build", *SPEC)
    assert fault.times < -1
    bench.is_clean()


def test_the_source(bench: Bench, lock: Path) -> None:
    shutil.copy(lock, bench.directory)
    fault = bench.mirror.fault("debian/pool/main/p/python3.13/*.orig.tar.*", times=-1, flip=9_000_000)
    assert "Python-3.13" in bench.refused("build", *SPEC)
    assert fault.times < -1
    bench.is_clean()


def test_the_sources_signature(bench: Bench) -> None:
    """3.13.5 is a release whose signature Debian hands out too."""
    fault = bench.mirror.fault("debian/pool/main/p/python3.13/*.orig.tar.xz.asc", times=-1, flip=400)
    said = bench.refused("build", "3.13.5-slim-trixie", *SPEC[1:])
    assert "Python-3.13.5" in said
    assert fault.times < -1
    bench.is_clean()


def test_the_shipped_profile(bench: Bench, lock: Path) -> None:
    shutil.copy(lock, bench.directory)
    copy = bench.directory / "copy"
    shutil.copytree(
        Path(imagewright.__path__[0]), copy / "imagewright", ignore=shutil.ignore_patterns("__pycache__")
    )
    for profile in (copy / "imagewright" / "catalog" / "data" / "profiles").glob("*.tar.xz"):
        data = bytearray(profile.read_bytes())
        data[len(data) // 2] ^= 1
        profile.write_bytes(data)
    Bench(bench.directory, bench.mirror, copy).refused("build", SPEC[0])
    bench.is_clean()
