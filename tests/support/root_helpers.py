# SPDX-License-Identifier: Apache-2.0
"""What tests of roots share: packages from tiny .debs, and a stand-in for dpkg in the sandbox."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagewright.model.packages import LockedPackage
from imagewright.model.sandboxing import Output, OverlayRoot, SandboxRequest, SandboxResult
from support.debs import make_deb
from support.real_debs import FileBlobs, lock


def owned_by_anyone(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    """Let an ordinary user run tests that set owners: nobody's are changed, what was asked for is noted."""
    asked: dict[str, tuple[int, int]] = {}

    def chown(path: int | bytes | str, uid: int, gid: int, *, follow_symlinks: bool = True) -> None:
        del follow_symlinks
        name = str(Path(f"/proc/self/fd/{path}").readlink()) if isinstance(path, int) else os.fsdecode(path)
        asked[name] = (uid, gid)

    monkeypatch.setattr(os, "chown", chown)
    monkeypatch.setattr(os, "fchown", chown)
    return asked


class Packages:
    """Makes packages in a directory and locks them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = FileBlobs()
        self.paths: list[Path] = []

    def add(self, name: str, version: str = "1", **options: object) -> None:
        self.paths.append(make_deb(self.directory, name, version, compression="gz", **options))  # type: ignore[arg-type]

    def locked(self, below: tuple[LockedPackage, ...] = ()) -> tuple[LockedPackage, ...]:
        return lock(self.paths, self.blobs, below)


class FakeDpkg:
    """A sandbox in which every package can be configured; ``hook`` does what maintainer scripts would."""

    def __init__(self, hook: Callable[[Path, list[list[str]]], None] | None = None, status: int = 0) -> None:
        self.requests: list[SandboxRequest] = []
        self.plans: list[list[list[str]]] = []
        self._hook = hook
        self._status = status

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        self.requests.append(request)
        root = request.root
        if isinstance(root, OverlayRoot):
            assert root.upper is not None
            tree = root.upper
        else:
            tree = root.path
        plan = list(_steps(request.argv[4:]))
        self.plans.append(plan)
        output(b"Setting up\n")
        for what, *names in plan:
            if what == "configure":
                _configure(tree / "var/lib/dpkg/status", names)
            elif what == "preinst":
                for directory in names:
                    for staged in sorted((tree / directory[1:]).glob("*/*")):
                        staged.unlink()
                    for staged in sorted((tree / directory[1:]).glob("*")):
                        staged.rmdir()
                    (tree / directory[1:]).rmdir()
        if self._hook:
            self._hook(tree, plan)
        return SandboxResult(self._status, 0.0, 0)

    def stop(self) -> None:
        raise AssertionError("nobody stops it")

    def replay(self, request: SandboxRequest) -> str:
        return "replay"


def _steps(words: tuple[str, ...]) -> Iterator[list[str]]:
    step: list[str] = []
    for word in (*words, "--"):
        if word == "--":
            if step:
                yield step
            step = []
        else:
            step.append(word)


def _configure(path: Path, names: list[str]) -> None:
    stanzas = path.read_text().split("\n\n")
    for at, stanza in enumerate(stanzas):
        name = stanza.strip().partition("\n")[0].removeprefix("Package: ")
        if not names or name in names:
            stanzas[at] = stanza.replace("install ok unpacked", "install ok installed")
    path.write_text("\n\n".join(stanzas))


def listing(root: Path) -> dict[str, str]:
    """Path → kind, mode and link text, of all below a directory."""
    found = {}
    for path in sorted(root.rglob("*")):
        state = path.lstat()
        link = f" -> {path.readlink()}" if path.is_symlink() else ""
        found[str(path.relative_to(root))] = f"{stat.filemode(state.st_mode)}{link}"
    return found
