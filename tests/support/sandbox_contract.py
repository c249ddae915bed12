# SPDX-License-Identifier: Apache-2.0
"""What every sandbox must do, for the fake one (a unit test) and the real one (an integration test)."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.errors import InterruptedBuild
from imagewright.model.ports import Sandbox
from imagewright.model.sandboxing import Bind, OverlayRoot, SandboxRequest


@dataclass(frozen=True)
class Case:
    """A command for busybox' shell, and what must come of it. ``seconds`` bounds what it may take."""

    name: str
    script: str
    status: int
    output: bytes = b""
    timeout: float = 0.0

    @property
    def argv(self) -> tuple[str, ...]:
        return ("/bin/sh", "-c", self.script)


CASES = (
    Case("success", "exit 0", 0),
    Case("its own status", "exit 3", 3),
    Case("125 is a status like others", "exit 125", 125),
    Case("output in order, both streams", "echo one; echo two >&2; echo three", 0, b"one\ntwo\nthree\n"),
    Case("output without an end of line", "printf half", 0, b"half"),
    Case("any bytes", r"printf '\377\000\n'", 0, b"\xff\x00\n"),
    Case("killed by a signal", "kill -9 $$", 137),
    Case("terminated by a signal", "kill -15 $$", 143),
    Case("not found", "/nowhere/at/all 2>/dev/null", 127),
    Case("out of time", "echo begun; sleep 60", 137, b"begun\n", timeout=1.0),
)

BAD_REQUESTS: tuple[tuple[str, dict[str, object]], ...] = (
    ("a relative target", {"binds": (Bind(Path("/etc"), "mnt"),)}),
    ("a target that climbs", {"binds": (Bind(Path("/etc"), "/mnt/../../etc"),)}),
    ("the root as a target", {"binds": (Bind(Path("/etc"), "/"),)}),
    ("a relative source", {"binds": (Bind(Path("etc"), "/mnt"),)}),
    ("a target in /proc", {"binds": (Bind(Path("/etc"), "/proc/sys"),)}),
    ("a climbing tmpfs", {"tmpfs": ("/tmp/..",)}),
    ("a relative directory", {"directory": "usr"}),
    ("no command", {"argv": ()}),
    ("a NUL", {"argv": ("true", "a\0b")}),
    ("an equals sign in a name", {"environment": (("A=B", "c"),)}),
    ("a user below zero", {"user": (-1, 0)}),
    ("a host name with a blank", {"hostname": "a b"}),
    ("an upper directory without work", {"root": OverlayRoot((Path("/a"),), upper=Path("/b"))}),
    ("no layers", {"root": OverlayRoot(())}),
)


def run_case(sandbox: Sandbox, root: OverlayRoot, case: Case) -> None:
    """One case of :data:`CASES`."""
    pieces: list[bytes] = []
    request = SandboxRequest(root=root, argv=case.argv, environment=(("PATH", "/bin"),), timeout=case.timeout)
    result = sandbox.run(request, pieces.append)
    assert (result.status, b"".join(pieces)) == (case.status, case.output)
    assert result.seconds > 0
    assert result.peak_memory >= 0


def refuse_bad(sandbox: Sandbox, root: OverlayRoot, changes: dict[str, object]) -> None:
    """One case of :data:`BAD_REQUESTS`."""
    fields: dict[str, object] = {"root": root, "argv": ("true",), **changes}
    with pytest.raises(ValueError, match=r"\w"):
        sandbox.run(SandboxRequest(**fields), lambda _: None)  # type: ignore[arg-type]


def replay_line(sandbox: Sandbox, root: OverlayRoot) -> None:
    """The replay is one line of shell words that holds the whole request."""
    argv = ("sh", "-c", "echo 'quoted \"words\"' $HOME; exit 7")
    line = sandbox.replay(SandboxRequest(root=root, argv=argv, environment=(("HOME", "/it's"),)))
    assert "\n" not in line
    documents = [json.loads(word) for word in shlex.split(line) if word.startswith("{")]
    assert [(tuple(each["argv"]), each["environment"]) for each in documents] == [(argv, [["HOME", "/it's"]])]


def stop_is_final(sandbox: Sandbox, root: OverlayRoot) -> None:
    """Nothing starts after stop."""
    sandbox.stop()
    with pytest.raises(InterruptedBuild):
        sandbox.run(SandboxRequest(root=root, argv=("/bin/sh", "-c", "exit 0")), lambda _: None)
