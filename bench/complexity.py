# SPDX-License-Identifier: Apache-2.0
"""How planning, solving and garbage collection grow with the number of images and packages.

``PYTHONPATH=tests python bench/complexity.py [--rounds N]``: measures the process's own time at doubling sizes,
the best of N rounds (other work on the machine only ever adds), and fits time = c · size^k to it by least squares
of the logarithms. k near 1 is linear, and n · log n has a k of about 1.1 at these sizes; the goal for each is 1.2
at most. Everything is synthetic: planning as in ``planning.py``; an archive of N packages, each depending on three
others and on one of two, all of which one wish leads to; a store of N images, half of which are garbage.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import planning
from imagewright.archives.debian.solver import solve
from imagewright.archives.debian.universe import Universe
from imagewright.model.digest import Digest
from imagewright.model.plan import StepKind, StepRecord
from imagewright.store.gc import collect
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from recorded import save
from support.fake_store import FakeClock
from support.locks import package

GOAL = 1.2
"""The exponent of every curve at most."""

SIZES = {"planning": (250, 500, 1000, 2000), "solving": (1000, 2000, 4000, 8000), "gc": (250, 500, 1000, 2000)}
UNITS = {"planning": "images", "solving": "packages", "gc": "images"}


def plan(images: int) -> float:
    """Seconds for tags, definitions and plan of so many images."""
    return planning.measure(images).whole


def solved(packages: int) -> float:
    """Seconds to index an archive of so many packages and find all that one wish needs."""
    found = [package(f"p{number}", depends_text=_depends(number, packages)) for number in range(packages)]
    gc.collect()
    begun = time.process_time()
    solution = solve(Universe(found, "amd64"), ["p0"])
    taken = time.process_time() - begun
    assert len(solution.packages) > packages * 0.9, len(solution.packages)
    return taken


def _depends(number: int, packages: int) -> str:
    """Three packages, one of them by version, and one of two that others need too: about as deep as Debian's."""
    first, second, third = (3 * number + step for step in (1, 2, 3))
    found = [f"p{name}" for name in (first, second) if name < packages]
    found += [f"p{third} (>= 1.0)", f"p{third} | p{number // 2}"] if third < packages else []
    return ", ".join(found)


def collected(images: int) -> float:
    """Seconds to collect a store of so many images, half of them old, each of its own layer and a shared one."""
    clock = FakeClock(datetime(2026, 11, 21, tzinfo=UTC))
    old = clock.now() - timedelta(days=90)
    with (
        tempfile.TemporaryDirectory(prefix="bench-gc-") as directory,
        Store.open(Path(directory) / "store", clock=clock, exclusive=True) as store,
    ):
        shared = _blob(store, b"shared layer")
        built, fresh = [], set()
        for number in range(images):
            when = clock.now() if number % 2 else old
            layer = _blob(store, b"layer %d" % number)
            parts = [{"digest": str(digest), "size": 1} for digest in (shared, layer)]
            document = json.dumps({"schemaVersion": 2, "layers": parts, "number": number}).encode()
            manifest = _blob(store, document)
            fresh |= {layer, manifest} if number % 2 else set()
            outputs = (("manifest", manifest), ("layer", layer))
            record = StepRecord(
                Digest.of(b"step %d" % number), StepKind.IMAGE, f"image {number}", outputs, (), 1.0, 1
            )
            store.steps.put(record)
            built.append(StoredImage(f"i{number}", "linux/amd64", manifest, (), 1, int(when.timestamp())))
        with store.database.writing() as connection:
            connection.execute("UPDATE steps SET used = ?", (int(old.timestamp()),))
        store.images.put(*built)
        for digest, _ in store.blobs.all():  # what was noted as used just now was not
            aged = clock.now() if digest in fresh else old
            os.utime(store.layout.blob(digest), (aged.timestamp(), aged.timestamp()))
        begun = time.process_time()
        result = collect(store)
        taken = time.process_time() - begun
        assert result.kept >= images, result
        assert result.blobs >= images // 2, result
        return taken


def _blob(store: Store, content: bytes) -> Digest:
    """A blob written straight into its place: flushing thousands of them is not what is measured."""
    digest = Digest.of(content)
    store.layout.blob(digest).write_bytes(content)
    return digest


WORK: dict[str, Callable[[int], float]] = {"planning": plan, "solving": solved, "gc": collected}


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The k of seconds = c · size^k that fits best, by least squares of the logarithms."""
    points = [(math.log(size), math.log(taken)) for size, taken in zip(sizes, seconds, strict=True)]
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    above = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return float(above / sum((x - middle[0]) ** 2 for x, _ in points))


def main() -> int:
    """Measure and print; 1 if something grows faster than it should."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    words = parser.parse_args()
    curves: dict[str, Any] = {}
    for name, sizes in SIZES.items():
        WORK[name](sizes[0])  # imports, and what is read once
        seconds = [min(WORK[name](size) for _ in range(words.rounds)) for size in sizes]
        found = exponent(sizes, seconds)
        row = "  ".join(f"{size:,}: {taken:.3f} s" for size, taken in zip(sizes, seconds, strict=True))
        print(f"{name:<10}{UNITS[name]:<10}{row}  O(n^{found:.2f})")
        curves[name] = {"unit": UNITS[name], "sizes": sizes, "seconds": seconds, "exponent": found}
    save("complexity", {"curves": curves, "rounds": words.rounds})
    missed = [name for name, curve in curves.items() if curve["exponent"] > GOAL]
    print(f"goal: no exponent over {GOAL}: {'MISSED by ' + ', '.join(missed) if missed else 'met'}")
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
