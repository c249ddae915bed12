# SPDX-License-Identifier: Apache-2.0
"""What this machine has: memory that a build may take."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

_SHARE = 0.9
"""The rest stays with what else runs here."""

_UNKNOWN = 1 << 62
"""Where nobody says how much there is, the number of processes alone decides."""


def available_memory(proc: Path = Path("/proc"), cgroups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that may be taken: what the machine has free, and what this process' cgroup is allowed (cgroup v2).

    Sources: proc_meminfo(5), ``MemAvailable``; Linux' Documentation/admin-guide/cgroup-v2.rst, ``memory.max``.
    """
    return int(_SHARE * min(_free(proc), *_allowed(proc, cgroups)))


def _free(proc: Path) -> int:
    with suppress(OSError, ValueError):
        for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return _UNKNOWN


def _allowed(proc: Path, cgroups: Path) -> list[int]:
    """What each cgroup from this process' own up to the root still allows."""
    found = [_UNKNOWN]
    with suppress(OSError, ValueError):
        lines = (proc / "self/cgroup").read_text(encoding="utf-8").splitlines()
        own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
        for place in (Path(own), *Path(own).parents):
            with suppress(OSError, ValueError):  # the root has no limit, and "max" is none
                limit = int((cgroups / place / "memory.max").read_text(encoding="ascii"))
                used = int((cgroups / place / "memory.current").read_text(encoding="ascii"))
                found.append(max(0, limit - used))
    return found
