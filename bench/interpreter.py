# SPDX-License-Identifier: Apache-2.0
"""How fast an interpreter is beside another one: the whole of pyperformance, both in turns on one core.

``python bench/interpreter.py NAME=PYTHON NAME=PYTHON… [--root DIR] [--only GLOB]… [--rounds N] [-o FILE]``: the
first is the yardstick (the official configuration, say), the others are measured against it. ``PYTHON`` is a path
inside ``--root``, a file tree that has a C library and what pip needs to compile; without it, a path of this
machine.

For each benchmark and round, every contestant runs the same number of loops in a process of its own, one
straight after the other on the same core, in an order that turns with the round; so whatever else slows the
machine down slows all of them. A ratio is the yardstick's time over the contestant's, of one round; the
benchmark's ratio is the median over the rounds, and the spread is the least and the greatest. Processor time
would hide waiting for I/O, so wall time is used, as pyperformance does. Needs root (for ``--root`` and
``--priority``), and pyperformance and pyperf on this machine; each benchmark's own requirements are installed
once, with the yardstick's pip, for all alike.

``--record`` leaves the last contestant's ratios in ``results/interpreter.json``, for ``plots.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution, version
from pathlib import Path
from typing import Any

import recorded
from recorded import ratios

SHORTEST = 0.12
"""Seconds that one value should take at least: loops are added until it does."""

LONGEST = 1.0
"""Seconds that one value should take at most."""

LIMIT = 300
"""Seconds after which a benchmark's process is given up."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One line of pyperformance's manifest: a script with options, and what it wants installed."""

    name: str
    directory: Path
    options: tuple[str, ...]
    requirements: bool


@dataclass(frozen=True, slots=True)
class Contestant:
    """An interpreter under a name."""

    name: str
    python: str


@dataclass(slots=True)
class Result:
    """Times of one measurement, in seconds: by contestant, one median per round."""

    times: dict[str, list[float]] = field(default_factory=dict)

    def ratios(self, yardstick: str, name: str) -> list[float]:
        """The yardstick's time over the contestant's, of each round."""
        return [a / b for a, b in zip(self.times[yardstick], self.times[name], strict=True)]


def benchmarks(wanted: Sequence[str]) -> Iterator[Benchmark]:
    """Those of pyperformance's default group whose names match one of the patterns."""
    base = Path(str(distribution("pyperformance").locate_file("pyperformance/data-files/benchmarks")))
    seen = False
    for line in (base / "MANIFEST").read_text().splitlines():
        words = line.split()
        if line.startswith("["):
            seen = line == "[benchmarks]"
        elif seen and len(words) == 2 and words[0] != "name" and not line.startswith("#"):
            name, place = words
            if not any(fnmatch.fnmatch(name, pattern) for pattern in wanted):
                continue
            directory = base / f"bm_{place[7:-1] if place.startswith('<local:') else name}"
            own = directory / f"bm_{name}.toml"
            described = own if own.exists() else directory / "pyproject.toml"
            tool = tomllib.loads(described.read_text()).get("tool", {}).get("pyperformance", {})
            yield Benchmark(
                name, directory, tuple(tool.get("extra_opts", ())), (directory / "requirements.txt").exists()
            )


_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": "/tmp"}

_INSIDE = (
    "/usr/bin/unshare",
    "--mount",
    "/bin/sh",
    "-c",
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec /usr/sbin/chroot "$0" "$@"',
)
"""Runs what follows in a file tree, the first word, with mounts that end with it."""


class Arena:
    """Where the contestants run: a directory that all of them see, with the benchmarks and their libraries."""

    def __init__(self, root: Path | None, core: int, priority: int) -> None:
        self._root = root
        self._run = ["taskset", "-c", str(core), "nice", "-n", str(priority)]
        self._inside = "/bench" if root else os.environ.get("TMPDIR", "/var/tmp") + "/imagewright-interpreters"
        self.outside = Path(f"{root or ''}{self._inside}")
        self.outside.mkdir(parents=True, exist_ok=True)
        self.answer = f"answer-{os.getpid()}.json"  # another run may use the same root

    def call(self, words: Sequence[str], environment: dict[str, str], limit: float = LIMIT) -> str:
        """Run; what it printed. Raises ``RuntimeError`` with the end of that if it failed, or took too long."""
        command = [*self._run, *((*_INSIDE, str(self._root)) if self._root else ()), *words]
        kept = {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
        try:
            ended = subprocess.run(
                command,
                env={**_ENVIRONMENT, **kept, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"took more than {limit:.0f} s") from error
        text = ended.stdout.decode(errors="replace")
        if ended.returncode:
            raise RuntimeError(text.strip()[-300:].replace("\n", " | ") or f"status {ended.returncode}")
        return text

    def bring(self, benchmark: Benchmark, python: str) -> None:
        """Copy a benchmark in, and install what it wants, once."""
        if not (self.outside / benchmark.directory.name).exists():
            shutil.copytree(benchmark.directory, self.outside / benchmark.directory.name)
        # Not tidier than need be: pyperf is the same for all.
        wanted = [f"pyperf=={version('pyperf')}", "setuptools<80"]
        if benchmark.requirements:
            wanted += [
                line.strip()
                for line in (benchmark.directory / "requirements.txt").read_text().splitlines()
                if line.strip() and not line.startswith("#")
            ]
        done = self.outside / f"site-{benchmark.directory.name}" / "complete"
        if done.exists():
            return
        self.call(
            [python, "-m", "pip", "install", "-q", f"--target={self._site(benchmark)}", *wanted], {}, limit=1200
        )
        done.touch()

    def _site(self, benchmark: Benchmark) -> str:
        return f"{self._inside}/site-{benchmark.directory.name}"

    def times(
        self, benchmark: Benchmark, python: str, *, loops: int, values: int, seed: int
    ) -> dict[str, list[float]]:
        """Seconds of each value, of each measurement that the script makes."""
        answer = self.outside / self.answer
        answer.unlink(missing_ok=True)
        self.call(
            [
                python,
                f"{self._inside}/{benchmark.directory.name}/run_benchmark.py",
                *benchmark.options,
                "--worker",
                f"--loops={loops}",
                "--warmups=1",
                f"--values={values}",
                f"--append={self._inside}/{self.answer}",
            ],
            {
                "PYTHONPATH": self._site(benchmark),
                "PYTHONHASHSEED": str(seed),
                "PYTHONPYCACHEPREFIX": f"{self._inside}/bytecode",
            },
        )
        return {
            one["metadata"]["name"]: [value for run in one["runs"] for value in run["values"]]
            for one in _suite(answer)
        }


def _suite(answer: Path) -> list[Any]:
    """pyperf's JSON, with the metadata that all benchmarks share put into each."""
    document = json.loads(answer.read_text())
    shared = document.get("metadata", {})
    return [{**one, "metadata": {**shared, **one.get("metadata", {})}} for one in document["benchmarks"]]


def loops_for(arena: Arena, benchmark: Benchmark, python: str) -> int:
    """How many loops one value needs to take :data:`SHORTEST` seconds, at most 2 to the 12th.

    A script that measures several things runs all of them as often; it ends at :data:`LONGEST` for the longest.
    """
    loops = 1
    while loops < 4096:
        seen = [
            values[0] * loops for values in arena.times(benchmark, python, loops=loops, values=1, seed=0).values()
        ]
        shortest = min(seen)
        if shortest >= SHORTEST or max(seen) * 2 > LONGEST:
            break
        loops = min(4096, max(loops * 2, math.ceil(loops * SHORTEST / max(shortest, 1e-6))))
    return loops


def measure(
    arena: Arena, benchmark: Benchmark, contestants: Sequence[Contestant], rounds: int, values: int
) -> dict[str, Result]:
    """All rounds of one benchmark."""
    arena.bring(benchmark, contestants[0].python)
    loops = loops_for(arena, benchmark, contestants[0].python)
    results: dict[str, Result] = {}
    for number in range(rounds):
        turned = number % len(contestants)
        for one in (*contestants[turned:], *contestants[:turned]):
            seen = arena.times(benchmark, one.python, loops=loops, values=values, seed=number)
            for name, seconds in seen.items():
                rounds_so_far = results.setdefault(name, Result()).times.setdefault(one.name, [])
                rounds_so_far.append(statistics.median(seconds))
    return results


def geometric_mean(ratios: Sequence[float]) -> float:
    """Of ratios of times, as pyperformance reports it."""
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def table(results: dict[str, Result], contestants: Sequence[Contestant]) -> str:
    """A line for each measurement, then the geometric means with the spread over rounds."""
    yardstick, *others = [one.name for one in contestants]
    width = max([len(name) for name in results] + [24])
    lines = [f"{'':{width}} {yardstick:>10} " + " ".join(f"{name:>22}" for name in others)]
    for name in sorted(results):
        result = results[name]
        cells = []
        for other in others:
            ratios = result.ratios(yardstick, other)
            cells.append(f"{statistics.median(ratios):6.3f} ({min(ratios):.3f} – {max(ratios):.3f})")
        yard = statistics.median(result.times[yardstick]) * 1e3
        lines.append(f"{name:{width}} {yard:7.1f} ms " + " ".join(cells))
    lines.append("")
    for other in others:
        medians = {n: statistics.median(r.ratios(yardstick, other)) for n, r in results.items()}
        rounds = len(next(iter(results.values())).times[yardstick])
        means = [geometric_mean([r.ratios(yardstick, other)[i] for r in results.values()]) for i in range(rounds)]
        least = min(medians, key=lambda name: medians[name])
        slower = sorted(name for name, ratio in medians.items() if ratio < 1 / 1.03)
        lines.append(
            f"{other}: {geometric_mean(list(medians.values())):.3f} times the speed of {yardstick}"
            f" (rounds {min(means):.3f} – {max(means):.3f}), geometric mean of {len(medians)} measurements;"
            f" least {least} {medians[least]:.3f}; more than 3 % slower: {', '.join(slower) or 'none'}"
        )
    return "\n".join(lines)


def recorded_ratios(results: dict[str, Result], yardstick: str, name: str) -> dict[str, Any]:
    """The contestant's ratios to the yardstick, for a plot: their mean, and median and spread of each."""
    spreads = {each: ratios(one.times[name], one.times[yardstick]) for each, one in results.items()}
    mean = geometric_mean([spread["median"] for spread in spreads.values()])
    rounds = min(len(one.times[name]) for one in results.values())
    return {"mean": mean, "measurements": spreads, "rounds": rounds}


def save(path: Path, results: dict[str, Result], done: Sequence[str]) -> None:
    """Keep all times, and which benchmarks they are of, so that a run that was interrupted goes on."""
    times = {name: result.times for name, result in sorted(results.items())}
    path.write_text(json.dumps({"done": list(done), "times": times}, indent=1) + "\n")


def load(path: Path | None) -> tuple[dict[str, Result], list[str]]:
    """What an earlier run left."""
    if path is None or not path.exists():
        return {}, []
    kept = json.loads(path.read_text())
    return {name: Result(times) for name, times in kept["times"].items()}, kept["done"]


def main() -> int:
    """Measure, print, keep; 1 if a benchmark failed or a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("contestants", nargs="+", metavar="NAME=PYTHON")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--without", action="append", default=[], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--values", type=int, default=3)
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1)
    parser.add_argument("--priority", type=int, default=0, help="of nice; below 0 needs root")
    parser.add_argument("--goal", type=float, help="least geometric mean of the last contestant")
    parser.add_argument(
        "-o", "--output", type=Path, help="keep the times here; what is there is not measured again"
    )
    parser.add_argument("--record", action="store_true")
    words = parser.parse_args()
    contestants = [Contestant(*one.split("=", 1)) for one in words.contestants]
    arena = Arena(words.root, words.core, words.priority)
    results, done = load(words.output)
    failed: dict[str, str] = {}
    chosen = [one for one in benchmarks(words.only or ["*"]) if one.name not in words.without]
    for number, benchmark in enumerate(chosen, 1):
        print(f"{number}/{len(chosen)} {benchmark.name}", file=sys.stderr, flush=True)
        if benchmark.name in done:
            continue
        try:
            results |= measure(arena, benchmark, contestants, words.rounds, words.values)
            done.append(benchmark.name)
        except RuntimeError as error:
            failed[benchmark.name] = str(error)
        if words.output:
            save(words.output, results, done)
    if results:
        print(table(results, contestants))
    for name, why in failed.items():
        print(f"FAILED {name}: {why}")
    with contextlib.suppress(FileNotFoundError):
        (arena.outside / arena.answer).unlink()
    last = contestants[-1].name
    if words.record and results:
        recorded.save("interpreter", recorded_ratios(results, contestants[0].name, last))
    if not results or failed:
        return 1
    mean = geometric_mean([statistics.median(r.ratios(contestants[0].name, last)) for r in results.values()])
    return int(words.goal is not None and mean < words.goal)


if __name__ == "__main__":
    sys.exit(main())
