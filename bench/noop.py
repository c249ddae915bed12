# SPDX-License-Identifier: Apache-2.0
"""How long a build takes that has nothing to do: the whole process, from its start to its end.

``python bench/noop.py [SPEC] [--rounds N] [--store DIR] [--lock FILE] [--profile P]``: builds once, so that
everything is in the store, then measures. ``bare`` is the interpreter alone, ``help`` the command line without
work.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

GOAL = 0.3


def seconds(command: Sequence[str]) -> tuple[float, float]:
    """Wall and processor time of one run."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    nowhere = subprocess.DEVNULL
    subprocess.run(command, check=True, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> int:
    """Measure and print; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec", nargs="?", default="3.13-slim-trixie")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--store")
    parser.add_argument("--lock")
    parser.add_argument("--profile", default="release")
    words = parser.parse_args()
    program = [sys.executable, "-m", "imagewright"]
    chosen = [f"--{name}={value}" for name, value in (("store", words.store), ("lock", words.lock)) if value]
    build = [*program, *chosen, "build", words.spec, "--profile", words.profile]
    seconds(build)
    rows = {
        "bare python": [sys.executable, "-c", "pass"],
        "--help": [*program, "--help"],
        "build, all cached": build,
    }
    # Side by side, round after round, so that a busy machine disturbs all alike.
    measured = [[seconds(command) for command in rows.values()] for _ in range(words.rounds)]
    print(f"{'':<20} {'median s':>10} {'best s':>10} {'cpu s':>10}")
    for name, runs in zip(rows, zip(*measured, strict=True), strict=True):
        walls, cpus = zip(*runs, strict=True)
        print(f"{name:<20} {statistics.median(walls):>10.3f} {min(walls):>10.3f} {statistics.median(cpus):>10.3f}")
    noop = statistics.median(wall for *_, (wall, _) in measured)
    print(f"goal: a median under {GOAL} s: {'met' if noop < GOAL else 'MISSED'}")
    return int(noop >= GOAL)


if __name__ == "__main__":
    raise SystemExit(main())
