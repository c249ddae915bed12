# SPDX-License-Identifier: Apache-2.0
"""How near predicted wall time and cost come to the real ones: on one core, on two, and on two workers.

``python bench/schedule.py [SPEC]… [--rounds N] [--keep KIND]… [--seed STORE --lock FILE] [--profile P]``: builds
the images in turns by one worker with one core, one with two, and two with one each (two programs at the same
time, each with a store of its own and its part of the images, which should share no step). Every run begins with a
copy of one store in which only steps of the kinds ``--keep`` are left (interpreters and build roots, which saves
the compiles; ``--keep buildroot`` compiles). Without ``--seed`` that store is built first. Measured is from the
beginning of the first step to the end of the last one, since fetching is no step; and what all workers were held
together.

Each run is then predicted by ``imagewright plan --workers W --cores C`` from times that a store remembered:

- ``own``: the run's own. What is left is what the simulated scheduler itself gets wrong.
- ``before``: those of the run before with the same workers. A busy machine disturbs it.
- ``other``: those of the same round's runs with other workers, by Amdahl's law where the cores differ.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

GOAL_OWN = 0.1
GOAL_OTHER = 0.35
"""How far off predictions may be in the median: 0.1 is 1.1 times as long as measured, or as short."""

SPECS = ["3.13-slim-trixie", "3.13-slim-bookworm"]
KEPT = ["python", "buildroot"]

Times = dict[str, str]
"""What a store remembers of its steps' times, by their names."""


@dataclass(frozen=True, slots=True)
class Shape:
    """So many workers with so many cores each."""

    workers: int
    cores: int

    def __str__(self) -> str:
        return f"{self.workers} × {self.cores}"


SHAPES = (Shape(1, 1), Shape(1, 2), Shape(2, 1))


@dataclass(frozen=True, slots=True)
class Run:
    """What a build took: wall time, what the workers were held, in seconds; the machine's load as it began."""

    shape: Shape
    wall: float
    held: float
    load: float
    times: Times


@dataclass(frozen=True, slots=True)
class Place:
    """A store and a lock."""

    store: Path
    lock: Path
    profile: str

    def start(self, *words: str, progress: str = "none") -> subprocess.Popen[str]:
        """Start ``imagewright WORDS``."""
        program = [sys.executable, "-m", "imagewright", f"--store={self.store}", f"--lock={self.lock}"]
        return subprocess.Popen(
            [*program, *words, f"--profile={self.profile}", "--json", f"--progress={progress}"],
            cwd=self.lock.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.events.open("wb"),
            text=True,
        )

    @property
    def events(self) -> Path:
        """Where the last program's events are."""
        return self.lock.parent / "events.jsonl"

    def ended(self, process: subprocess.Popen[str]) -> Any:
        """What a program answered. Ends with what it said if it failed."""
        said, _ = process.communicate()
        if process.returncode:
            sys.exit(f"a build or plan ended with {process.returncode}\n{said}\n{self.events.read_text()[-2000:]}")
        return json.loads(said)

    def call(self, *words: str) -> Any:
        """The answer of ``imagewright WORDS``."""
        return self.ended(self.start(*words))


def reduced(store: Path, kept: Iterable[str]) -> None:
    """Take out of a store what steps of other kinds left: records, images, blobs, trees, times."""
    marks = ",".join("?" * len(list(kept := tuple(kept))))
    with closing(sqlite3.connect(store / "index.sqlite", isolation_level=None)) as index:
        rows = index.execute(f"SELECT id, outputs FROM steps WHERE kind NOT IN ({marks})", kept).fetchall()
        spared = {
            digest
            for (outputs,) in index.execute(f"SELECT outputs FROM steps WHERE kind IN ({marks})", kept)
            for _, digest in json.loads(outputs)
        }
        index.execute(f"DELETE FROM steps WHERE kind NOT IN ({marks})", kept)
        for table in ("images", "pieces"):
            index.execute(f"DELETE FROM {table}")
        index.execute("DELETE FROM facts WHERE scope = 'step-times'")
    for step, outputs in rows:
        shutil.rmtree(store / "trees" / step, ignore_errors=True)
        for _, digest in json.loads(outputs):
            if digest not in spared:
                (store / "blobs" / "sha256" / digest).unlink(missing_ok=True)


def remembered(store: Path) -> Times:
    """The times of steps in a store."""
    with closing(sqlite3.connect(store / "index.sqlite")) as index:
        return dict(index.execute("SELECT name, value FROM facts WHERE scope = 'step-times'"))


def copy_store(source: Path, target: Path) -> None:
    """The same store elsewhere. What never changes is linked where that goes, so that a run waits for no disk."""
    target.mkdir(mode=0o700)
    for inner in sorted(source.iterdir()):
        if inner.name in {"blobs", "trees"}:
            linked = subprocess.run(["cp", "-al", inner, target], stderr=subprocess.DEVNULL, check=False)
            if linked.returncode == 0:
                continue
        subprocess.run(["cp", "-a", inner, target], check=True)


def copied(seed: Place, name: str) -> Place:
    """The same store and lock elsewhere."""
    directory = seed.lock.parent.parent / name
    directory.mkdir()
    copy_store(seed.store, directory / "store")
    shutil.copy(seed.lock, directory / "imagewright.lock")
    return Place(directory / "store", directory / "imagewright.lock", seed.profile)


def seconds(place: Place) -> float:
    """From the first step's beginning to the last one's end."""
    found = [json.loads(line) for line in place.events.read_text().splitlines()]
    begun = [event["at"] for event in found if event["event"] == "step-started"]
    done = [event["at"] for event in found if event["event"] == "step-finished" and not event["cached"]]
    return float(max(done) - min(begun))


def measure(seed: Place, shape: Shape, specs: Sequence[str]) -> Run:
    """Build by so many workers at the same time."""
    places = [copied(seed, f"worker-{number}") for number in range(shape.workers)]
    load = os.getloadavg()[0]
    processes = [
        place.start("build", *specs[number :: shape.workers], f"--jobs={shape.cores}", progress="json")
        for number, place in enumerate(places)
    ]
    for place, process in zip(places, processes, strict=True):
        place.ended(process)
    each = [seconds(place) for place in places]
    times = {name: value for place in places for name, value in remembered(place.store).items()}
    for place in places:
        shutil.rmtree(place.lock.parent)
    return Run(shape, max(each), sum(each), load, times)


def predict(asked: Place, shape: Shape, times: Times, specs: Sequence[str]) -> tuple[float, float]:
    """Wall time and what workers are held, in seconds, where nothing was built yet."""
    with closing(sqlite3.connect(asked.store / "index.sqlite", isolation_level=None)) as index:
        index.execute("DELETE FROM facts WHERE scope = 'step-times'")
        index.executemany("INSERT INTO facts VALUES ('step-times', ?, ?)", times.items())
    words = ("plan", *specs, f"--workers={shape.workers}", f"--cores={shape.cores}")
    schedule = asked.call(*words)["schedule"]
    return schedule["seconds"], schedule["worker_hours"] * 3600


def seeded(directory: Path, words: argparse.Namespace) -> Place:
    """The store that every run begins with a copy of."""
    home = directory / "seed"
    home.mkdir()
    place = Place(home / "store", home / "imagewright.lock", words.profile)
    if words.seed is not None:
        copy_store(words.seed, place.store)
        shutil.copy(words.lock, place.lock)
    place.call("build", *words.specs)  # which does nothing if all of it is there
    reduced(place.store, words.keep or KEPT)
    return place


Ratios = dict[str, list[float]]
"""Predicted to measured, wall times and what was held, by where the steps' times came from."""


def told(round_: Sequence[Run], before: Sequence[Run], asked: Place, specs: Sequence[str], ratios: Ratios) -> None:
    """Print what is predicted of each run of a round beside what it took."""
    for number, run in enumerate(round_):
        sources = [("own", run), *(("before", past) for past in before[number : number + 1])]
        sources += [("other", other) for other in round_ if other is not run]
        found = []
        for kind, source in sources:
            wall, held = predict(asked, run.shape, source.times, specs)
            ratios.setdefault(kind, []).extend([wall / run.wall, held / run.held])
            of = f" {source.shape}" if kind == "other" else ""
            found.append(f"{kind}{of} {wall / run.wall:.2f} {held / run.held:.2f}")
        figures = f"{run.load:>5.1f} {run.wall:>7.1f} {run.held:>7.1f}"
        print(f"{run.shape!s:<6} {figures}  {'; '.join(found)}", flush=True)


def judged(ratios: Ratios) -> bool:
    """Print how near predictions came; whether the goals are met."""
    good = []
    for kind, found in ratios.items():
        goal = GOAL_OWN if kind == "own" else GOAL_OTHER
        # Not the median of the ratios: two runs that predict each other give one and its reciprocal.
        off, spread = median(max(one, 1 / one) - 1 for one in found), f"{min(found):.2f} to {max(found):.2f}"
        good.append(off <= goal)
        verdict = "met" if good[-1] else "MISSED"
        print(f"{kind}: {off:.0%} off in the median (ratios {spread}); goal {goal:.0%}: {verdict}")
    return all(good)


def main() -> int:
    """Measure and print; 1 if predictions are too far off."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--keep", action="append", metavar="KIND")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--seed", type=Path, help="a store with the images in it")
    parser.add_argument("--lock", type=Path, help="its lock")
    words = parser.parse_args()
    ratios: Ratios = {}
    with tempfile.TemporaryDirectory(prefix="bench-schedule-", dir="/var/tmp") as temporary:
        seed = seeded(Path(temporary), words)
        print(f"{'w × c':<6} {'load':>5} {'wall s':>7} {'held s':>7}  predicted wall, held, to the measured ones")
        before: list[Run] = []
        for _ in range(words.rounds):
            runs = [measure(seed, shape, words.specs) for shape in SHAPES]
            told(runs, before, seed, words.specs, ratios)
            before = runs
    return 0 if judged(ratios) else 1


if __name__ == "__main__":
    sys.exit(main())
