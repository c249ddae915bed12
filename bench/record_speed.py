# SPDX-License-Identifier: Apache-2.0
"""Write down how fast an interpreter is: from then on its images say so.

``python bench/record_speed.py SPEC --ratio 1.36 --least 1.01 --benchmarks 97 --measure "pyperformance 1.13.0"
--machine "2 cores of …" [--date 2026-11-21] [--lock FILE] [--store DIR] [--config FILE] [--profile P]``: plans
SPEC (whose lock must be there), and puts the record into the catalog under what decides the bytes of its
interpreter. The record is found again only for exactly this interpreter: after another flag, profile or compiler
package there is none. ``--forget`` takes it out. ``--show`` only prints the identity.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import tomli_w

from imagewright.app.building import Builder
from imagewright.app.world import make_world
from imagewright.catalog import shipped
from imagewright.catalog.speeds import Speed, read_speeds
from imagewright.events import discard
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Profile
from imagewright.model.options import Selection
from imagewright.model.plan import PythonWork
from imagewright.planning.identity import compile_identity

DATA = Path(shipped.__file__).with_name("data") / shipped.SPEEDS


def interpreter(words: argparse.Namespace) -> tuple[str, Digest]:
    """Name and identity of the interpreter of an image. Raises ``SystemExit`` unless it is one."""
    world = make_world(GlobalOptions(store=words.store, config=words.config, lock=words.lock))
    selection = Selection(profile=Profile(words.profile))
    with world.read_store() as store:
        plan, _, _ = Builder(world, store, discard).laid_out((words.spec,), selection)
    found = [(step.name, step.work) for step in plan.steps if isinstance(step.work, PythonWork)]
    if len(found) != 1:
        raise SystemExit(f"{words.spec} has {len(found)} interpreters")
    name, work = found[0]
    return name, compile_identity(work)


def written(speeds: Mapping[Digest, Speed]) -> str:
    """The document: its comment as it was, then all records by name."""
    head = [line for line in DATA.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    records = [
        {
            "interpreter": speed.interpreter.hex,
            "name": speed.name,
            "ratio": speed.ratio,
            "least": speed.least,
            "benchmarks": speed.benchmarks,
            "measure": speed.measure,
            "date": speed.date,
            "machine": speed.machine,
        }
        for speed in sorted(speeds.values(), key=lambda speed: (speed.name, speed.interpreter))
    ]
    return "\n".join(head) + "\n" + "".join(f"\n[[speed]]\n{tomli_w.dumps(record)}" for record in records)


def main() -> int:
    """Write the record; 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec")
    parser.add_argument("--ratio")
    parser.add_argument("--least")
    parser.add_argument("--benchmarks", type=int)
    parser.add_argument("--measure")
    parser.add_argument("--machine")
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat())
    parser.add_argument("--profile", default="release")
    parser.add_argument("--forget", action="store_true")
    parser.add_argument("--show", action="store_true")
    for name in ("store", "lock", "config"):
        parser.add_argument(f"--{name}", type=Path)
    words = parser.parse_args()
    name, identity = interpreter(words)
    print(f"{name} is {identity}")
    if words.show:
        return 0
    speeds = {key: speed for key, speed in shipped.shipped_speeds().items() if key != identity}
    if not words.forget:
        needed = (words.ratio, words.least, words.benchmarks, words.measure, words.machine)
        if not all(needed):
            parser.error("--ratio, --least, --benchmarks, --measure and --machine belong to a record")
        ratio, least, benchmarks, measure, machine = needed
        speeds[identity] = Speed(identity, name, ratio, least, benchmarks, measure, words.date, machine)
    text = written(speeds)
    read_speeds(text, str(DATA))  # what could not be read is not written
    DATA.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
