# SPDX-License-Identifier: Apache-2.0
"""The tool's own memory at its peak while it builds, apart from what it runs.

``python bench/memory.py [SPEC] [--store DIR] [--lock FILE] [--profile P]``: builds SPEC into an empty store (or
the one given) and samples the resident set of the processes that are imagewright itself: the program, and those
of its descendants that run the same interpreter outside of any root. Compilers and maintainer scripts inside the
sandbox are not counted; they are shown beside it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL = 200_000_000
_EVERY = 0.05


def descendants(pid: int) -> list[int]:
    """``pid`` and everything below it."""
    found = [pid]
    for one in found:
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
    return found


def resident(pid: int) -> int:
    """Bytes of its memory that are in RAM, shared pages by their share (proc(5), Pss); 0 if it is gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) * 1024


def is_ours(pid: int, parent: int) -> bool:
    """Whether a process is the tool itself: the same executable in the same root.

    Between vfork(2) and execve(2) a child has its parent's memory, not any of its own; it is known by its words.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        if pid != parent and words == Path(f"/proc/{parent}/cmdline").read_bytes():
            return False
        root = Path(f"/proc/{pid}/root").stat()
        ours = Path("/").stat()
        same_root = (root.st_dev, root.st_ino) == (ours.st_dev, ours.st_ino)
        return same_root and Path(f"/proc/{pid}/exe").readlink() == Path(sys.executable).resolve()
    except OSError:
        return False


def main() -> int:
    """Measure and print; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="3.13-slim-trixie")
    parser.add_argument("--store")
    parser.add_argument("--lock")
    parser.add_argument("--profile", default="quick")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagewright-bench-", dir="/var/tmp") as directory:
        store = words.store or f"{directory}/store"
        lock = words.lock or f"{directory}/imagewright.lock"
        command = [sys.executable, "-m", "imagewright", "--store", store, "--lock", lock, "build", words.spec]
        process = subprocess.Popen([*command, "--profile", words.profile, "-q"], stdin=subprocess.DEVNULL)
        own = all_together = samples = 0
        begun, peak = time.monotonic(), 0.0
        while process.poll() is None:
            everyone = {pid: resident(pid) for pid in descendants(process.pid)}
            now = sum(size for pid, size in everyone.items() if is_ours(pid, process.pid))
            if now > own:
                own, peak = now, time.monotonic() - begun
            all_together = max(all_together, sum(everyone.values()))
            samples += 1
            time.sleep(_EVERY)
    if process.returncode:
        return process.returncode
    print(f"the tool itself at its peak   {own / 1e6:>8.0f} MB  (after {peak:.0f} s; {samples} samples)")
    print(f"with all that it ran          {all_together / 1e6:>8.0f} MB")
    print(f"goal: under {GOAL // 1_000_000} MB: {'met' if own < GOAL else 'MISSED'}")
    return int(own >= GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
