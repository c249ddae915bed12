# SPDX-License-Identifier: Apache-2.0
"""What is asked of a sandbox, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imagewright.model.processors import Emulator


@dataclass(frozen=True, slots=True)
class PlainRoot:
    """A directory used as the root, changed in place."""

    path: Path


@dataclass(frozen=True, slots=True)
class OverlayRoot:
    """An overlay: ``lower`` are immutable trees, topmost first.

    Changes land in ``upper`` (``work`` is overlayfs' own directory beside it, on the same file system); where
    ``upper`` is ``None`` they land in a tmpfs and are lost.
    """

    lower: tuple[Path, ...]
    upper: Path | None = None
    work: Path | None = None


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or directory of the machine shown inside at ``target`` (absolute)."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One command in one root.

    ``environment`` is all the command sees; ``timeout`` in seconds of wall time (0: none); ``user`` is a
    numeric ``(uid, gid)``; ``tmpfs`` are absolute paths mounted empty. There is never a network beyond an own
    loopback interface, except when ``network`` is set, which only acceptance checks and ``run`` may do to
    reach a server on the machine's loopback. ``emulator`` runs programs of another processor; ``thirty_two_bits``
    has the kernel pass for a 32-bit one.
    """

    root: PlainRoot | OverlayRoot
    argv: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[str, ...] = ()
    directory: str = "/"
    user: tuple[int, int] = (0, 0)
    hostname: str = "imagewright"
    timeout: float = 0.0
    network: bool = False
    interactive: bool = False
    emulator: Emulator | None = None
    thirty_two_bits: bool = False


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """How it ended. ``status`` is the exit status, or 128 + signal number; ``peak_memory`` in bytes."""

    status: int
    seconds: float
    peak_memory: int


Output = Callable[[bytes], None]
"""Called with pieces of the command's combined output as they come."""
