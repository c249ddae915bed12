# SPDX-License-Identifier: Apache-2.0
"""The base root, side by side: imagewright and mmdebstrap, from packages that are on the disk already.

``PYTHONPATH=tests python bench/root_vs_mmdebstrap.py [SUITE] [--rounds N]``: needs root and mmdebstrap. Both make
the same slim minbase root as a directory, in turns, so that a busy machine disturbs both alike. mmdebstrap takes
the packages from a tiny archive of exactly these on the disk, so it neither downloads nor reads a real index: in
its favour. The whole process of ours is counted, with Python's own start and the reading and hashing of all
packages. Goal: at least 3 times faster.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imagewright.archives.debian.deb import read_control
from imagewright.model.digest import Digest
from imagewright.recipes.roots import SLIM_EXCLUDE, SLIM_INCLUDE
from support import root_worker
from support.apt_oracle import AptOracle
from support.real_debs import fetch

GOAL = 3.0


@dataclass(frozen=True)
class Run:
    """One run: seconds of wall time, and of processor time of it and all its children."""

    wall: float
    processor: float


def measure(work: Callable[[], None]) -> Run:
    """Run something that only starts other processes."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def local_archive(debs: list[Path], suite: str, directory: Path) -> list[str]:
    """A flat archive of packages; their names."""
    directory.mkdir()
    stanzas, names = [], []
    for path in debs:
        shutil.copy(path, directory)
        with path.open("rb") as file:
            control = read_control(file, path.name)
        digest = Digest.of(path.read_bytes()).hex
        stanzas.append(
            f"{control.text.strip()}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"
        )
        names.append(control.name)
    index = "\n".join(stanzas)
    (directory / "Packages").write_text(index)
    hashed = f"SHA256:\n {Digest.of(index.encode()).hex} {len(index.encode())} Packages\n"
    (directory / "Release").write_text(f"Origin: Debian\nSuite: {suite}\nCodename: {suite}\n{hashed}")
    return names


def theirs(archive: Path, names: list[str], suite: str, target: Path) -> None:
    """mmdebstrap, quietly."""
    arguments = [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(names)}",
        "--format=directory",
    ]
    arguments += ['--aptopt=Acquire::Languages "none"', '--aptopt=APT::Install-Recommends "false"']
    arguments += [f"--dpkgopt=path-exclude={pattern}" for pattern in SLIM_EXCLUDE]
    arguments += [f"--dpkgopt=path-include={pattern}" for pattern in SLIM_INCLUDE]
    if suite == "bookworm":
        arguments.append("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr")
    source = f"deb [trusted=yes] copy:{archive} ./"
    subprocess.run([*arguments, suite, str(target), source], check=True, stderr=subprocess.DEVNULL)


def ours(archive: Path, suite: str, workspace: Path, jobs: int) -> None:
    """This file once more, in a process of its own."""
    subprocess.run([sys.executable, __file__, suite, "--assemble", archive, workspace, str(jobs)], check=True)


def assemble(suite: str, archive: Path, workspace: Path, jobs: int) -> None:
    """What the child does."""
    root_worker.build(list(archive.glob("*.deb")), suite, jobs, workspace)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):6.2f} ({min(values):.2f} … {max(values):.2f})"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", nargs="?", default="trixie")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--assemble", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.assemble:
        archive, workspace, jobs = options.assemble
        assemble(options.suite, Path(archive), Path(workspace), int(jobs))
        return 0
    oracle = AptOracle(options.suite, "amd64")
    extra = ["usr-is-merged"] if options.suite == "bookworm" else []
    chosen = oracle.install([name for name, _ in sorted(oracle.minbase().packages) if name != "usrmerge"] + extra)
    debs = fetch(oracle, sorted(chosen.packages))
    with tempfile.TemporaryDirectory(prefix="imagewright-bench-", dir="/var/tmp") as name:
        place = Path(name)
        place.chmod(0o755)  # apt reads as its own user
        names = local_archive(debs, options.suite, place / "archive")
        (place / "archive").chmod(0o755)
        runs: dict[str, list[Run]] = {"imagewright": [], "mmdebstrap": []}
        for number in range(options.rounds + 1):
            mine, other = place / f"ours-{number}", place / f"theirs-{number}"
            pair = {
                "imagewright": measure(partial(ours, place / "archive", options.suite, mine, options.jobs)),
                "mmdebstrap": measure(partial(theirs, place / "archive", names, options.suite, other)),
            }
            for tree in (mine, other):
                subprocess.run(["rm", "-rf", "--one-file-system", tree], check=True)
            if number:  # the first one warms the caches
                for contestant, run in pair.items():
                    runs[contestant].append(run)
    print(f"{options.suite}: {len(debs)} packages, {options.rounds} rounds in turns; median (fastest … slowest)")
    for contestant, found in runs.items():
        wall, processor = [run.wall for run in found], [run.processor for run in found]
        print(f"  {contestant:12} wall {spread(wall)} s   processor {spread(processor)} s")
    pairs = zip(runs["mmdebstrap"], runs["imagewright"], strict=True)
    ratios = [(one.wall / other.wall, one.processor / other.processor) for one, other in pairs]
    wall_ratio = [ratio for ratio, _ in ratios]
    print(
        f"  mmdebstrap / imagewright: wall {spread(wall_ratio)}   processor {spread([each for _, each in ratios])}"
    )
    reached = statistics.median(wall_ratio) >= GOAL
    print(f"  goal: at least {GOAL:g}: {'reached' if reached else 'MISSED'}")
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
