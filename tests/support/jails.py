# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the real sandbox: a root that holds one busybox, and who runs programs in it."""

from __future__ import annotations

import hashlib
import json
import shutil
import stat
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.model.sandboxing import OverlayRoot
from support.machine import (
    SOURCE,
    Person,
    busybox_root,
    open_directory,
    ordinary_person,
    root_person,
)

ENVIRONMENT = (("PATH", "/bin"),)
RUNNER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1] + "/code")
from imagewright.model.sandboxing import OverlayRoot, SandboxRequest
from imagewright.sandbox.runner import NamespaceSandbox
from imagewright.sandbox.becoming import become_root
become_root(["-I", "-c", sys.orig_argv[3], *sys.argv[1:]])
root = OverlayRoot((Path(sys.argv[1]) / "root",))
request = SandboxRequest(root=root, argv=("sh", "-c", sys.argv[2]), environment=(("PATH", "/bin"),))
try:
    result = NamespaceSandbox().run(request, sys.stdout.buffer.write)
except KeyboardInterrupt:
    raise SystemExit(130)
raise SystemExit(result.status)
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with open_directory() as directory:
        busybox_root(directory / "root")
        shutil.copytree(SOURCE / "sandbox", directory / "code/imagewright/sandbox")
        for name in ("__init__.py", "errors.py"):
            shutil.copy(SOURCE / name, directory / "code/imagewright")
        for name in ("events", "model"):
            shutil.copytree(SOURCE / name, directory / "code/imagewright" / name)
        yield directory


@pytest.fixture(scope="module", params=["root", "user"])
def person(request: pytest.FixtureRequest) -> Person:
    return root_person() if request.param == "root" else ordinary_person()


@pytest.fixture
def root(place: Path) -> OverlayRoot:
    root_person()
    return OverlayRoot((place / "root",))


@dataclass
class Jail:
    """Runs the program by itself, as a person, from a copy of the package that has nothing beside it."""

    person: Person
    place: Path

    @property
    def base(self) -> Path:
        """A root whose files belong to this person."""
        return self.place / f"root-of-{self.person.name}"

    def line(self, *argv: str, **fields: object) -> list[str]:
        request: dict[str, object] = {"argv": argv, "lower": [str(self.base)], "environment": ENVIRONMENT}
        request |= fields
        program = str(self.place / "code/imagewright/sandbox/jail.py")
        return [self.person.python, "-I", program, "--request", json.dumps(request)]

    def __call__(self, *argv: str, status: int = 0, **fields: object) -> str:
        process = self.person.popen(self.line(*argv, **fields), stderr=subprocess.STDOUT)
        output = process.communicate(timeout=60)[0].decode()
        assert process.returncode == status, output
        return output

    def shell(self, script: str, *, status: int = 0, **fields: object) -> str:
        return self("sh", "-c", script, status=status, **fields)


@pytest.fixture
def jail(person: Person, place: Path) -> Jail:
    jail = Jail(person, place)
    if not jail.base.exists():
        subprocess.run(["cp", "-a", place / "root", jail.base], check=True)
        subprocess.run(["chown", "-hR", f"{person.uid}:{person.gid}", jail.base], check=True)
    return jail


@pytest.fixture
def scratch(person: Person, place: Path) -> Iterator[Path]:
    directory = person.own(place / f"scratch-{uuid.uuid4().hex}")
    yield directory
    subprocess.run(["rm", "-rf", str(directory)], check=True)


def snapshot(directory: Path) -> list[tuple[str, int, int, str]]:
    found = []
    for path in sorted(directory.rglob("*")):
        status = path.lstat()
        text = hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(status.st_mode) else ""
        found.append((str(path), status.st_mode, status.st_mtime_ns, text))
    return found


def eventually(condition: Callable[[], bool], *, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()
