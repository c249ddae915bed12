# SPDX-License-Identifier: Apache-2.0
"""Kills builds with ``kill -9`` at random moments, and looks whether anything was harmed.

``python bench/kill_rounds.py [--rounds N] [--seed S] [--store DIR] [--lock FILE] [--kinds base,fetch,…]
[--signals KILL,INT] [--json]``

A first build gives the digest to compare with. Each round takes the next kind of step, makes the store forget
that step and what follows from it (for ``fetch``: some of the inputs), starts a build, waits until the step runs,
then a random part of its usual duration, and kills the program alone: everything it started must die by itself.
Then

- no process is left that it started or that sees the store, and no mount;
- ``store fsck`` finds nothing;
- the same build, run again, succeeds and gives the same digest.

With ``--signals`` other than KILL (the default), the program must also end with 130 and leave nothing unfinished.

The exit status is 1 if any round failed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagewright.model.digest import Digest
from imagewright.model.lock import Role
from imagewright.model.plan import StepKind
from imagewright.planning.lockfile import read_lock
from imagewright.store.store import Store

FETCH = "fetch"
KINDS = (*(kind.value for kind in StepKind), FETCH)
FOLLOWS: dict[str, tuple[str, ...]] = {
    "base": ("base", "runtime", "image", "check"),
    "buildroot": ("buildroot", "python", "runtime", "image", "check"),
    "python": ("python", "runtime", "image", "check"),
    "runtime": ("runtime", "image", "check"),
    "image": ("image", "check"),
    "check": ("check",),
    FETCH: ("base", "runtime", "image", "check"),
}
"""What must be forgotten so that a step of that kind runs again: it, and all that stand on it."""
INTERRUPTED = 130
_SHORT = 0.5
"""Seconds; a step shorter than this is not waited for."""
_WHOLE = 1.5
"""Seconds that a build with only such steps about takes."""
_LAST_BREATH = 10.0
"""Seconds in which descendants of a killed build must be gone."""


class BenchClock:
    """The machine's clock, as the store wants it."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds."""
        return time.monotonic()


@dataclass(frozen=True)
class Place:
    """Where the rounds happen."""

    store: Path
    lock: Path
    spec: str
    profile: str

    def command(self, *words: str) -> list[str]:
        """The program on this store."""
        return [sys.executable, "-m", "imagewright", f"--store={self.store}", f"--lock={self.lock}", *words]

    def build(self) -> list[str]:
        """The build that is killed and run again."""
        return self.command("build", self.spec, "--profile", self.profile, "--json", "--progress", "json")

    def answer(self, command: list[str]) -> Any:
        """Run to the end; the JSON answer. Raises ``AssertionError`` with what it said if it fails."""
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, f"status {ended.returncode}: {ended.stdout[-2000:]} {ended.stderr[-2000:]}"
        return json.loads(ended.stdout)


@dataclass
class Round:
    """One round: what was aimed at, when it was hit, and what was wrong afterwards."""

    number: int
    kind: str
    signal: str
    delay: float = 0.0
    phase: str = ""
    killed: bool = False
    processes: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def forget(place: Place, kind: str, chance: random.Random) -> None:
    """Make the store forget what a step of ``kind`` left, so that the next build does it again."""
    with Store.open(place.store, clock=BenchClock()) as store:
        gone = [record for record, _ in store.steps.all() if record.kind in FOLLOWS[kind]]
        store.steps.remove([record.id for record in gone])
        for record in gone:
            tree = store.layout.tree(record.id)
            if record.kind == kind and tree.exists():
                store.session.discard(tree)
        if kind == FETCH:
            inputs = inputs_of(place.lock)
            for digest in chance.sample(inputs, max(1, len(inputs) // 2)):
                store.session.discard(store.layout.blob(digest))


def inputs_of(lock: Path) -> list[Digest]:
    """Every package that the lock's base roots are made from."""
    sets = read_lock(lock.read_text(encoding="utf-8")).sets
    return sorted({package.sha256 for one in sets if one.role is Role.BASE for package in one.packages})


def descendants(pid: int) -> dict[int, str]:
    """Everything below ``pid``: process id and when it began, since ids are used again."""
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        one = todo.pop()
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                for word in (task / "children").read_text().split():
                    found[int(word)] = began(int(word))
                    todo.append(int(word))
    return found


def began(pid: int) -> str:
    """When a process began (proc(5), stat field 22); "" if there is none, or only its remains."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def users_of(store: Path) -> set[int]:
    """Processes other than this one that name the store, or have it mounted."""
    word = os.fsencode(store)
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if word in (entry / "cmdline").read_bytes() or word in (entry / "mountinfo").read_bytes():
                    found.add(int(entry.name))
    return found


def described(pid: int) -> str:
    """What a process is, for a person who must find out why it is there."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return f"{pid} (gone now)"
    return f"{pid} in state {state[0]}, child of {state[1]}: {words[:200]}"


class Watch:
    """Reads a build's events in a thread, and knows when the step aimed at has begun."""

    def __init__(self, process: subprocess.Popen[str], kind: str) -> None:
        self._process = process
        self._kind = kind
        self.began = threading.Event()
        self.phase = ""
        self.tail: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.tail = [*self.tail[-20:], line]
            with contextlib.suppress(ValueError):
                self._take(json.loads(line))
        self.began.set()  # it ended; nobody should wait any longer

    def _take(self, event: dict[str, Any]) -> None:
        kind = event.get("event")
        if self._kind == FETCH:
            hit = kind in {"fetch-started", "fetch-progress"}
        else:
            hit = kind == "step-started" and str(event["name"]).split()[0] == self._kind
        if hit:
            self.began.set()
        if kind == "step-phase" and str(event["name"]).split()[0] == self._kind:
            self.phase = str(event["phase"])


def kill_once(place: Place, this: Round, usual: float, chance: random.Random) -> None:
    """Start a build, kill it within the step, and wait until everything below it is gone."""
    process = subprocess.Popen(
        place.build(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    watch = Watch(process, this.kind)
    # A step that takes no time is not to be hit by aiming: then any moment of the run will do.
    assert usual < _SHORT or watch.began.wait(600), f"the step never began: {''.join(watch.tail)}"
    this.delay = chance.uniform(0, usual if usual >= _SHORT else _WHOLE)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(this.delay)
    this.killed = process.poll() is None
    below = descendants(process.pid)
    process.send_signal(signal.Signals[f"SIG{this.signal}"])
    process.wait(_LAST_BREATH if this.killed else None)
    this.problems += politeness(place, process.returncode) if this.killed and this.signal != "KILL" else []
    this.phase, this.processes = watch.phase, len(below)
    end = time.monotonic() + _LAST_BREATH
    while left := {pid for pid, start in below.items() if start and began(pid) == start} | users_of(place.store):
        if time.monotonic() > end:
            this.problems.append(f"{len(left)} processes outlived it: {'; '.join(sorted(map(described, left)))}")
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return
        time.sleep(0.05)


def politeness(place: Place, status: int) -> list[str]:
    """What a program that was asked to stop, and could tidy up, did not do."""
    problems = [] if status == INTERRUPTED else [f"it ended with {status}"]
    left = [path.name for path in (place.store / "work").iterdir() if path.is_dir()]
    return [*problems, *(f"it left work/{name}" for name in left)]


def mounts(store: Path) -> list[str]:
    """Mounts of the store's files that this process sees; there should be none."""
    return [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(store) in line]


def play(place: Place, this: Round, digest: str, usual: float, chance: random.Random) -> float:
    """One round; how long the build that repaired everything took for the step aimed at."""
    begun = time.monotonic()
    seconds = usual
    try:
        forget(place, this.kind, chance)
        kill_once(place, this, usual, chance)
        this.problems += [f"a mount was left: {mount}" for mount in mounts(place.store)]
        found = place.answer(place.command("store", "fsck", "--json"))
        this.problems += [f"fsck: {problem}" for problem in found["problems"]]
        (image,) = place.answer(place.build())
        if image["digest"] != digest:
            this.problems.append(f"another digest: {image['digest']}")
        ran = [step["seconds"] for step in image["steps"] if step["name"].split()[0] == this.kind]
        seconds = max(ran, default=usual)
    except AssertionError as error:
        this.problems.append(" ".join(str(error).split()))
    this.seconds = time.monotonic() - begun
    return seconds


def rounds(place: Place, words: argparse.Namespace, show: Callable[[Round], None]) -> Iterator[Round]:
    """All rounds, one after the other."""
    chance = random.Random(words.seed)
    (image,) = place.answer(place.build())
    digest = image["digest"]
    usual = dict.fromkeys(KINDS, 3.0)
    usual |= {step["name"].split()[0]: step["seconds"] for step in image["steps"] if not step["cached"]}
    kinds, signals = words.kinds.split(","), words.signals.split(",")
    for number in range(words.rounds):
        # Every kind with one signal, then every kind with the next.
        this = Round(number + 1, kinds[number % len(kinds)], signals[number // len(kinds) % len(signals)])
        usual[this.kind] = play(place, this, digest, usual[this.kind], chance)
        show(this)
        yield this


def line(this: Round) -> str:
    """One round in one line."""
    where = f"{this.kind} {this.phase}".strip()
    hit = (
        f"{this.signal:<4} after {this.delay:6.2f} s, {this.processes} below it"
        if this.killed
        else "had ended before"
    )
    return f"{this.number:>4}  {where:<26} {hit:<42} {this.seconds:6.1f} s  {'; '.join(this.problems) or 'clean'}"


def main() -> int:
    """Play the rounds and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--spec", default="3.13-slim-trixie")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--signals", default="KILL")
    parser.add_argument("--store", type=Path)
    parser.add_argument("--lock", type=Path)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="imagewright-kill-", dir="/var/tmp") as directory:
        store, lock = words.store or Path(directory) / "store", words.lock or Path(directory) / "imagewright.lock"
        place = Place(store, lock, words.spec, words.profile)
        if not words.json:
            print(f"seed {words.seed}", flush=True)
        played = list(rounds(place, words, lambda this: None if words.json else print(line(this), flush=True)))
    harmed = [this for this in played if this.problems]
    if words.json:
        print(json.dumps([asdict(this) for this in played], indent=2))
    else:
        killed = sum(1 for this in played if this.killed)
        print(f"{len(played)} rounds, {killed} killed in time, {len(harmed)} with problems")
    return int(bool(harmed))


if __name__ == "__main__":
    raise SystemExit(main())
