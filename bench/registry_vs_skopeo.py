# SPDX-License-Identifier: Apache-2.0
"""Push and pull, side by side with skopeo: the same image, the same kind of registry, in turns.

``PYTHONPATH=tests python bench/registry_vs_skopeo.py [--rounds N] [--sizes 50,400] [--layers N] [--program FILE]``
needs the packages ``docker-registry`` and ``skopeo``. Images are made of bytes that do not compress: nothing but
the way to the registry is measured. Every push goes into a registry that was empty and never seen before: skopeo
remembers where blobs are, and would mount them. Whole processes are measured, starting included: wall time, the
processor's time, and the largest memory (``ru_maxrss``). Goals: at most 1.0 of skopeo's time, under 150 MB.

What is measured is the program that pip installs, beside this interpreter or ``--program``: half of a small
transfer is the interpreter's own work, and one that was built without profiles takes longer than a distribution's.
Its modules have bytecode, as pip leaves them, also where the environment forbids to write it; one round before
those that count makes it.
"""

from __future__ import annotations

import argparse
import gzip
import multiprocessing
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import CONFIG, INDEX, LAYER_GZIP, MANIFEST, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from peers.registries import real_registry

GOAL = 1.0
GOAL_MEMORY = 150
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Run:
    """One process: seconds of wall time, seconds of processor time, MB of memory at its peak."""

    wall: float
    processor: float
    memory: float


def run(command: Sequence[str | Path]) -> Run:
    """Run to the end. Raises ``SystemExit`` if it fails."""
    words = [os.fspath(word) for word in command]
    # With bytecode, which an environment may forbid to write, and this directory holds.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = f"{tempfile.gettempdir()}/bench-bytecode-{os.getuid()}"
    nothing = os.open(os.devnull, os.O_RDWR)
    begun = time.perf_counter()
    actions = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, nothing, 1)]
    pid = os.posix_spawnp(words[0], words, environment, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - begun
    os.close(nothing)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def make_layout(directory: Path, size: int, layers: int) -> None:
    """An OCI layout with one image: ``size`` bytes in layers, the first one as large as all others together."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def keep(media_type: str, content: bytes) -> Descriptor:
        found = Descriptor.of(media_type, content)
        (blobs / found.digest.hex).write_bytes(content)
        return found

    chance = random.Random(size)
    shares = [size // 2, *[size // 2 // (layers - 1)] * (layers - 1)]
    plain = [chance.randbytes(share) for share in shares]
    packed = [keep(LAYER_GZIP, gzip.compress(content, 0, mtime=0)) for content in plain]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(content)) for content in plain]},
    }
    manifest = keep(MANIFEST, Manifest(keep(CONFIG, canonical_json(config)), tuple(packed)).encode())
    entry = Descriptor(
        MANIFEST,
        manifest.digest,
        manifest.size,
        annotations=(("org.opencontainers.image.ref.name", "x"),),
        platform=Target("linux", "amd64"),
    )
    (directory / "index.json").write_bytes(Index((entry,), media_type=INDEX).encode())
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


class Contestants:
    """Who pushes and pulls, with a directory to work in."""

    def __init__(self, directory: Path, program: Path) -> None:
        self._directory = directory
        self._program = program
        self._count = 0

    def _fresh(self) -> Path:
        self._count += 1
        return self._directory / f"target{self._count}"

    @contextmanager
    def _registry(self) -> Iterator[str]:
        directory = self._fresh()
        directory.mkdir()
        with real_registry(directory) as running:
            yield running.host
        shutil.rmtree(directory)

    def push(self, who: str, layout: Path) -> Run:
        """Into an empty registry."""
        with self._registry() as host:
            return run(self._push(who, layout, host))

    def _push(self, who: str, layout: Path, host: str) -> list[str | Path]:
        if who == "skopeo":
            return [
                "skopeo",
                "copy",
                "--quiet",
                "--dest-tls-verify=false",
                f"oci:{layout}:x",
                f"docker://{host}/a/b:x",
            ]
        words = [f"--store={self._directory}/none", "copy", "--quiet", f"oci:{layout}:x", f"{host}/a/b:x"]
        return [self._program, *words]

    def pull(self, who: str, host: str) -> Run:
        """Into an empty layout; imagewright into an empty store, which it then keeps verified."""
        target = self._fresh()
        if who == "skopeo":
            done = run(["skopeo", "copy", "--quiet", "--src-tls-verify=false", f"docker://{host}/a/b:x",
                        f"oci:{target}:x"])  # fmt: skip
        else:
            done = run([self._program, f"--store={target}", "pull", "--quiet", f"{host}/a/b:x"])
        shutil.rmtree(target)
        return done

    @contextmanager
    def filled(self, layout: Path) -> Iterator[str]:
        """A registry that has the image."""
        with self._registry() as host:
            run(self._push("skopeo", layout, host))
            yield host


def measure(contestants: Contestants, layout: Path, rounds: int) -> dict[str, list[tuple[Run, Run]]]:
    """Pairs of runs, ours first, begun in turns by one and the other."""
    found: dict[str, list[tuple[Run, Run]]] = {"push": [], "pull": []}
    with contestants.filled(layout) as host:
        for who in ("imagewright", "skopeo"):  # once without measuring: bytecode and files come into memory
            contestants.push(who, layout)
            contestants.pull(who, host)
        for number in range(rounds):
            order = ("imagewright", "skopeo") if number % 2 else ("skopeo", "imagewright")
            pushes = {who: contestants.push(who, layout) for who in order}
            pulls = {who: contestants.pull(who, host) for who in order}
            for what, runs in (("push", pushes), ("pull", pulls)):
                found[what].append((runs["imagewright"], runs["skopeo"]))
    return found


def main() -> int:
    """Measure, and print a line for each size and direction; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default="50,400", help="MB of the images")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument(
        "--program",
        type=Path,
        default=Path(sys.executable).with_name("imagewright"),
        help="our command, installed",
    )
    words = parser.parse_args()
    met = True
    with tempfile.TemporaryDirectory(prefix="bench-registry-") as temporary:
        contestants = Contestants(Path(temporary), words.program)
        for size in map(int, words.sizes.split(",")):
            layout = Path(temporary) / f"layout{size}"
            # In a process of its own: a large one leaves its peak of memory to those it starts.
            maker = multiprocessing.get_context("spawn").Process(
                target=make_layout, args=(layout, size * _MIB, words.layers)
            )
            maker.start()
            maker.join()
            for what, pairs in measure(contestants, layout, words.rounds).items():
                met &= report(f"{what} {size} MB", pairs)
            shutil.rmtree(layout)
    print(f"load of the machine {os.getloadavg()[0]:.0f}; goals {'met' if met else 'MISSED'}")
    return 0 if met else 1


def report(what: str, pairs: Sequence[tuple[Run, Run]]) -> bool:
    """One line; whether the goals are met."""
    ratios = sorted(ours.wall / theirs.wall for ours, theirs in pairs)
    processor = statistics.median(ours.processor / theirs.processor for ours, theirs in pairs)
    memory = max(ours.memory for ours, _ in pairs)
    theirs = max(skopeo.memory for _, skopeo in pairs)
    wall = statistics.median(ours.wall for ours, _ in pairs), statistics.median(run.wall for _, run in pairs)
    ratio = statistics.median(ratios)
    print(
        f"{what:12} {wall[0]:6.2f} s to {wall[1]:6.2f} s: {ratio:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}),"
        f" processor {processor:.2f}, memory {memory:.0f} MB to {theirs:.0f} MB",
        flush=True,
    )
    return ratio <= GOAL and memory < GOAL_MEMORY


if __name__ == "__main__":
    sys.exit(main())
