# SPDX-License-Identifier: Apache-2.0
"""Layers side by side with the usual compressors: time, processor time and size, as ratios to ``gzip -6`` = 1.

``python bench/layers.py DIRECTORY [--rounds N] [--jobs N] [--levels]``: packs DIRECTORY (a root of about 100 MB
tells most) with every candidate in turn, round after round, so that a busy machine disturbs all alike; prints
the median of the rounds' ratios and their spread. The others get a tar made beforehand, so they save the reading
of the tree, which ours includes. The modules ``isal`` and ``zlib_ng`` take part where they are installed
(``pip install isal zlib-ng``), with one thread.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imagewright.engine.trees import walk
from imagewright.model.images import Compression
from imagewright.oci.layers import write_layer
from imagewright.oci.tar import archive

EPOCH = 1 << 31
REFERENCE = "gzip -6"


@dataclass(frozen=True)
class Run:
    """One run: wall and processor time in seconds, compressed bytes."""

    wall: float
    cpu: float
    size: int


def measure(work: Callable[[], int]) -> Run:
    """Time one run, children included."""
    before, start = processor_time(), time.perf_counter()
    size = work()
    return Run(time.perf_counter() - start, processor_time() - before, size)


def processor_time() -> float:
    """Seconds of this process and its ended children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def ours(root: Path, compression: Compression, level: int | None, jobs: int) -> Callable[[], int]:
    """Our layer writer, reading the tree itself."""
    return lambda: write_layer(walk(root), len, epoch=EPOCH, compression=compression, level=level, jobs=jobs).size


def program(command: list[str], tar: Path) -> Callable[[], int]:
    """An external compressor on a tar that is there already."""

    def work() -> int:
        with tar.open("rb") as source, tempfile.TemporaryFile() as sink:
            subprocess.run(command, stdin=source, stdout=sink, check=True)
            return sink.tell()

    return work


def module(name: str, level: int, tar: Path) -> Callable[[], int]:
    """One of the modules that have zlib's interface, on a tar that is there already: a gzip stream, one thread."""
    gzip_window = 31
    library = importlib.import_module(name)

    def work() -> int:
        with tar.open("rb") as source, tempfile.TemporaryFile() as sink:
            stream = library.compressobj(level, library.DEFLATED, gzip_window)
            while piece := source.read(1 << 20):
                sink.write(stream.compress(piece))
            sink.write(stream.flush())
            return sink.tell()

    return work


def candidates(root: Path, tar: Path, jobs: int, *, levels: bool) -> dict[str, Callable[[], int]]:
    """Everything to compare, by name."""
    found = {REFERENCE: program(["gzip", "-6", "-n"], tar)}
    if shutil.which("pigz"):
        found[f"pigz -6 -p{jobs}"] = program(["pigz", "-6", "-n", f"-p{jobs}"], tar)
    if shutil.which("zstd"):
        found[f"zstd -12 -T{jobs}"] = program(["zstd", "-q", "-12", f"-T{jobs}"], tar)
    for name, chosen in (("isal.isal_zlib", (1, 3)), ("zlib_ng.zlib_ng", (6, 9))):
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            found |= {f"{name.partition('.')[0]} {level}": module(name, level, tar) for level in chosen}
    found["ours gzip (default)"] = ours(root, Compression.GZIP, None, jobs)
    found["ours zstd (default)"] = ours(root, Compression.ZSTD, None, jobs)
    if levels:
        for level in (6, 7, 8, 9, 10, 12):
            found[f"ours gzip {level}"] = ours(root, Compression.GZIP, level, jobs)
        for level in (3, 9, 12, 15, 19):
            found[f"ours zstd {level}"] = ours(root, Compression.ZSTD, level, jobs)
    return found


def show(runs: dict[str, list[Run]]) -> None:
    """Print ratios, round by round, so that drift of the machine cancels out."""
    reference = runs[REFERENCE]
    print(f"{'':22} {'time':>22} {'processor':>22} {'size':>8} {'bytes':>12} {'seconds':>8}")
    for name, found in runs.items():
        pairs = list(zip(found, reference, strict=True))
        wall = spread([run.wall / other.wall for run, other in pairs])
        cpu = spread([run.cpu / other.cpu for run, other in pairs])
        seconds = statistics.median(run.wall for run in found)
        size = found[0].size
        print(f"{name:22} {wall:>22} {cpu:>22} {size / reference[0].size:>8.4f} {size:>12,} {seconds:>8.2f}")


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--levels", action="store_true", help="every level, not only the defaults")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as space:
        tar = Path(space) / "root.tar"
        with tar.open("wb") as file:
            for chunk in archive(walk(options.directory), epoch=EPOCH):
                file.write(chunk)
        size = tar.stat().st_size
        print(f"{options.directory}: {size:,} bytes as tar; {options.jobs} jobs; {options.rounds} rounds")
        work = candidates(options.directory, tar, options.jobs, levels=options.levels)
        runs: dict[str, list[Run]] = {name: [] for name in work}
        for _ in range(options.rounds):
            for name, candidate in work.items():
                runs[name].append(measure(candidate))
    show(runs)


if __name__ == "__main__":
    main()
