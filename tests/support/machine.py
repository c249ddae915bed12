# SPDX-License-Identifier: Apache-2.0
"""What integration tests ask of the machine: programs, an ordinary user, a tiny root."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import imagewright

USER = "tester"
SOURCE = Path(imagewright.__path__[0])


def lacking(what: str) -> None:
    """Skip the test that runs now, saying why; fail it where CI promises that everything is there."""
    if os.environ.get("CI"):
        pytest.fail(f"the machine lacks {what}")
    pytest.skip(f"the machine lacks {what}")


def program(name: str, package: str) -> str:
    """The path of a program, from a Debian package."""
    found = shutil.which(name)
    if found is None:
        lacking(f"{name} (package {package})")
    return str(found)


def need_root() -> None:
    """These tests make users and look at other users' processes."""
    if os.geteuid() != 0:
        lacking("the power of root")


@dataclass(frozen=True)
class Person:
    """Who runs something: root, or an ordinary user with subordinate ids. ``python`` is one they may execute."""

    name: str
    uid: int
    gid: int
    python: str

    def popen(self, arguments: list[str], **options: object) -> subprocess.Popen[bytes]:
        """Start a program as this person."""
        if self.uid:
            options = {"user": self.uid, "group": self.gid, "extra_groups": [], **options}
        defaults: dict[str, object] = {"cwd": "/", "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE}
        return subprocess.Popen(arguments, **{**defaults, **options})  # type: ignore[call-overload,no-any-return]

    def own(self, directory: Path) -> Path:
        """Make a directory that belongs to this person."""
        directory.mkdir(parents=True, exist_ok=True)
        os.chown(directory, self.uid, self.gid)
        return directory


def root_person() -> Person:
    """Real root."""
    need_root()
    return Person("root", 0, 0, sys.executable)


def ordinary_person(name: str = USER) -> Person:
    """An ordinary user, made if missing; useradd gives subordinate ids."""
    need_root()
    program("newuidmap", "uidmap")
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        subprocess.run(["useradd", "-m", name], check=True)
        entry = pwd.getpwnam(name)
    check = ["-I", "-c", "import sys; raise SystemExit(sys.version_info < (3, 11))"]
    for python in (sys.executable, "/usr/bin/python3"):
        person = Person(name, entry.pw_uid, entry.pw_gid, python)
        try:
            if person.popen([python, *check], stdout=subprocess.DEVNULL).wait() == 0:
                return person
        except OSError:
            continue
    lacking("a Python 3.11 that an ordinary user may execute")
    raise AssertionError


@contextmanager
def open_directory() -> Iterator[Path]:
    """A temporary directory below /var/tmp that every user may enter (pytest's own are closed)."""
    directory = Path(tempfile.mkdtemp(prefix="imagewright-test-", dir="/var/tmp"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        subprocess.run(["rm", "-rf", "--one-file-system", str(directory)], check=True)


def busybox_root(directory: Path) -> Path:
    """A root that holds one static busybox under all its names."""
    busybox = program("busybox", "busybox-static")
    for name in ("bin", "dev", "etc", "proc", "run", "sys", "tmp", "usr"):
        (directory / name).mkdir(parents=True)
    shutil.copy(busybox, directory / "bin/busybox")
    names = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in set(names) - {"busybox"}:
        (directory / "bin" / name).symlink_to("busybox")
    (directory / "etc/secret-of-the-image").write_text("inside\n")
    return directory


def processes_with(mark: str, *, anywhere: bool = False) -> list[int]:
    """Process ids of the whole machine whose command line has a word, or holds it ``anywhere``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
                if mark.encode() in (line if anywhere else line.split(b"\0")):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def unpack_archive(archive: Path, directory: Path) -> Path:
    """What an archive for ``docker load`` holds, as one root directory. Knows no whiteouts: ours have none."""
    with tarfile.open(archive) as outer:
        listed = outer.extractfile("manifest.json")
        assert listed is not None
        for name in json.load(listed)[0]["Layers"]:
            layer = outer.extractfile(name)
            assert layer is not None
            with tarfile.open(fileobj=layer) as inner:
                inner.extractall(directory, numeric_owner=True, filter="fully_trusted")
    return directory


def debian_mirror() -> str:
    """The address of the machine's own Debian archive, from its apt sources; "" where it has none."""
    for path in sorted(Path("/etc/apt").glob("sources.list")) + sorted(Path("/etc/apt/sources.list.d").glob("*")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if words[:1] in (["URIs:"], ["deb"]):
                address = next((word for word in words[1:] if "://" in word), "")
                if address.rstrip("/").endswith("/debian"):
                    return address.rstrip("/")
    return ""
