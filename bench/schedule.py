# SPDX-License-Identifier: Apache-2.0
"""How near a predicted wall time comes to the real one: images built with one process and with two.

``python bench/schedule.py [SPEC]… [--jobs N]… [--seed STORE --lock FILE] [--store DIR]``: builds the same quick
images in stores of their own, one for each number of processes, and predicts every run by ``imagewright plan
--workers 1`` from the times that each store remembers. With ``--seed`` every store begins as a copy of that one,
for instance with the interpreters in it, which saves the compiles. Measured is from the beginning of the first
step to the end of the last one, since fetching is no step.

``own`` is what comes of the true times of the same run: what the simulated scheduler makes of them. ``other`` is a
run with another number of processes, whose times have to be scaled. A busy machine disturbs ``other`` alone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

GOAL_OWN = 0.1
GOAL_OTHER = 0.35
"""How far from 1 the ratio of predicted to measured may be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A store and a lock, for so many processes."""

    store: Path
    lock: Path
    jobs: int

    def call(self, *words: str, progress: str = "none") -> subprocess.CompletedProcess[str]:
        """Run ``imagewright WORDS``."""
        program = [sys.executable, "-m", "imagewright", f"--store={self.store}", f"--lock={self.lock}"]
        return subprocess.run(
            [*program, *words, "--json", f"--progress={progress}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )


def build(place: Place, specs: list[str]) -> float:
    """Build; seconds from the first step's beginning to the last one's end."""
    words = ("build", *specs, "--profile=quick", f"--jobs={place.jobs}")
    events = [json.loads(line) for line in place.call(*words, progress="json").stderr.splitlines()]
    begun = [event["at"] for event in events if event["event"] == "step-started"]
    ended = [event["at"] for event in events if event["event"] == "step-finished" and not event["cached"]]
    return float(max(ended) - min(begun))


def predict(asked: Place, times: Place, specs: list[str], jobs: int) -> float:
    """What is predicted where nothing was built yet, from the times of another store; seconds."""
    with closing(sqlite3.connect(asked.store / "index.sqlite", isolation_level=None)) as index:
        index.execute("DELETE FROM facts WHERE scope = 'step-times'")
        index.execute("ATTACH ? AS other", (str(times.store / "index.sqlite"),))
        index.execute("INSERT INTO facts SELECT * FROM other.facts WHERE scope = 'step-times'")
    words = ("plan", *specs, "--profile=quick", "--workers=1", f"--cores={jobs}")
    return float(json.loads(asked.call(*words).stdout)["schedule"]["seconds"])


def place(directory: Path, name: str, jobs: int, seed: Path | None, lock: Path | None) -> Place:
    """A store, and a lock of its own."""
    store = directory / name
    if seed is not None:
        subprocess.run(["cp", "-a", "--reflink=auto", seed, store], check=True)
    if lock is not None:
        shutil.copy(lock, directory / f"{name}.lock")
    return Place(store, directory / f"{name}.lock", jobs)


def main() -> int:
    """Measure and print; 1 if a prediction is too far off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=["3.13-slim-trixie", "3.13-minimal-trixie"])
    parser.add_argument("--jobs", type=int, action="append")
    parser.add_argument("--seed", type=Path, help="a store that every run begins with")
    parser.add_argument("--lock", type=Path, help="its lock")
    parser.add_argument("--store", type=Path, help="keep the stores here, for another look")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-schedule-", dir="/var/tmp") as temporary:
        directory = words.store or Path(temporary)
        directory.mkdir(parents=True, exist_ok=True)
        places = [place(directory, f"jobs-{n}", n, words.seed, words.lock) for n in words.jobs or [1, 2]]
        asked = place(directory, "asked", 0, words.seed, words.lock)
        measured = {one.jobs: build(one, words.specs) for one in places}
        asked.call("plan", *words.specs, "--profile=quick")  # which also makes the store, and the lock
        print(f"{'processes':<10} {'measured s':>10} {'own s':>8} {'ratio':>6} {'other s':>8} {'ratio':>6}")
        good = []
        for one in places:
            wall = measured[one.jobs]
            own, *others = (
                predict(asked, times, words.specs, one.jobs)
                for times in (one, *(other for other in places if other is not one))
            )
            figures = " ".join(f"{seconds:>8.1f} {seconds / wall:>6.2f}" for seconds in (own, *others))
            print(f"{one.jobs:<10} {wall:>10.1f} {figures}")
            near = [abs(seconds / wall - 1) <= GOAL_OTHER for seconds in others]
            good.append(abs(own / wall - 1) <= GOAL_OWN and all(near))
    print(f"goal: own within {GOAL_OWN:.0%}, other within {GOAL_OTHER:.0%}: {'met' if all(good) else 'MISSED'}")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
