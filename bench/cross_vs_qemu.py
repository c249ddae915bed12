# SPDX-License-Identifier: Apache-2.0
"""Compiling for another processor: the suite's cross compiler beside its own compiler under qemu-user.

``python bench/cross_vs_qemu.py --store DIR --lock FILE [--config FILE] [--platform P] [--objects N] [--rounds N]``

A whole interpreter takes an hour under emulation, so a defined part is compiled in both ways: the first N of a
list of CPython's object files, from one source that was configured once (across), with the flags of the quick
profile, one file after the other; both ways in turns, once in each round. What counts is processor time, which a
busy machine changes little. Build roots, sysroot and emulator are made first where the store lacks them.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median

from imagewright.app.building import Builder
from imagewright.app.choosing import choose
from imagewright.app.locks import ensure_locked
from imagewright.app.steps import make_ports
from imagewright.app.world import World, make_world
from imagewright.engine.foreign import sandbox_for
from imagewright.engine.materialise import part_tree, tree_of
from imagewright.engine.parts import parts_left
from imagewright.events import Event
from imagewright.events.building import StepFinished
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Foreign, Profile, PythonPart
from imagewright.model.options import Selection
from imagewright.model.plan import PythonWork, Step, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.sandboxing import Bind, OverlayRoot, SandboxRequest
from imagewright.store.store import Store

GOAL = 8.0

NAMES = (
    "boolobject capsule cellobject classobject complexobject descrobject enumobject floatobject iterobject"
    " listobject memoryobject moduleobject namespaceobject rangeobject setobject sliceobject tupleobject"
)
OBJECTS = tuple(f"Objects/{name}.o" for name in NAMES.split())

SCRIPT = """
cd /usr/src/python
rm -f {objects}
make -j1 CFLAGS_NODIST="$IW_CFLAGS" {objects} > /dev/null
times
"""


def show(event: Event) -> None:
    """Name what was made first."""
    if isinstance(event, StepFinished) and not event.cached:
        print(f"made {event.name} in {event.seconds:.0f} s", flush=True)


def processor_time(text: str) -> float:
    """Seconds of user and system time, from the last line of the shell's ``times``: those of its children."""
    return sum(60 * int(minutes) + float(rest) for minutes, rest in re.findall(r"(\d+)m([\d.]+)s", text)[-2:])


class Way:
    """One way of compiling: its step, and everything that the step needs, in the store."""

    def __init__(self, world: World, store: Store, selection: Selection, spec: str) -> None:
        builder, ports = Builder(world, store, show), make_ports(world, store)
        self.ports = ports
        definitions = choose(world, (spec,), selection).definitions
        lock = ensure_locked(world, store, ports, definitions, show)
        plan = builder._plan(definitions, lock)  # noqa: SLF001 - the part of a build that is wanted has no name
        target = definitions[0].platform.debian
        pythons = [one for one in plan.steps if isinstance(one.work, PythonWork)]
        self.step: Step = next(one for one in pythons if one.name.endswith(f" {target}"))
        needs = [need for _, need in self.step.needs]
        run = builder._execute(plan, lock, needs, keep_failed=False)  # noqa: SLF001 - the same
        run.raise_first()
        self.needs: Mapping[str, StepRecord] = {role: run.records[need] for role, need in self.step.needs}

    def run(self, script: str, environment: dict[str, str], upper: Path, binds: tuple[Bind, ...]) -> str:
        """Run a script where the step's own scripts would run; what it printed."""
        trees = [tree_of(self.needs["buildroot"], self.ports)]
        if "interpreter" in self.needs:
            native = self.needs["interpreter"]
            trees[:0] = [
                part_tree(native, part, self.ports) for part in parts_left(native, {PythonPart.INTERPRETER})
            ]
        if "sysroot" in self.needs:
            trees.append(tree_of(self.needs["sysroot"], self.ports))
        inner = upper.with_name(f"{upper.name}-work")
        for directory in (upper, inner):
            directory.mkdir(exist_ok=True)
        assert isinstance(self.step.work, PythonWork)
        sandbox = sandbox_for(self.needs, self.step.work.architecture, self.ports)
        request = SandboxRequest(
            root=OverlayRoot(tuple(trees), upper, inner),
            argv=("/bin/sh", "-ec", script),
            environment=tuple(environment.items()),
            binds=binds,
            tmpfs=("/tmp",),
        )
        printed = bytearray()
        result = sandbox.run(request, printed.extend)
        if result.status:
            raise SystemExit(printed.decode(errors="replace")[-2000:])
        return printed.decode(errors="replace")


def main() -> int:
    """Measure and print; 1 if the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spec", default="3.13-slim-trixie")
    parser.add_argument("--platform", default="linux/arm64")
    parser.add_argument("--objects", type=int, default=len(OBJECTS))
    parser.add_argument("--rounds", type=int, default=3)
    for name in ("store", "lock", "config"):
        parser.add_argument(f"--{name}", type=Path)
    words = parser.parse_args()
    world = make_world(GlobalOptions(store=words.store, lock=words.lock, config=words.config))
    objects = " ".join(OBJECTS[: words.objects])
    asked = Selection(platforms=(parse_platform(words.platform),), profile=Profile.QUICK)
    with world.open_store() as store:
        ports = make_ports(world, store)
        across, emulated = (Way(world, store, replace(asked, foreign=way), words.spec) for way in Foreign)
        work = across.step.work
        assert isinstance(work, PythonWork)
        scripts = {script.name: script for script in work.scripts}
        flags = dict(scripts["python-compile"].environment)
        with ports.trees.workspace("cross-vs-qemu") as space:
            source = (Bind(ports.blobs.path(work.source.sha256), f"/inputs/{work.source.filename}"),)
            for name in ("python-cross", "python-prepare"):
                across.run(scripts[name].text, dict(scripts[name].environment), space / "across", source)
            shared = (Bind(space / "across/usr/src/python", "/usr/src/python", writable=True),)
            plain = {**flags, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
            text = SCRIPT.format(objects=objects)
            cross_tools = shared + _tools(space)
            rounds = []
            for number in range(words.rounds):
                one = processor_time(across.run(text, flags, space / "first", cross_tools))
                other = processor_time(emulated.run(text, plain, space / "second", shared))
                rounds.append((one, other))
                print(f"round {number + 1}: {one:.1f} s and {other:.1f} s, {other / one:.1f} times", flush=True)
    ones, others = zip(*rounds, strict=True)
    ratios = [other / one for one, other in rounds]
    ratio = median(ratios)
    print(
        f"{len(objects.split())} object files for {words.platform}, seconds of processor time, medians of rounds:"
    )
    print(f"cross compiler {median(ones):.1f}, its own compiler under qemu-user {median(others):.1f}")
    print(f"{ratio:.1f} times, {min(ratios):.1f} to {max(ratios):.1f}")
    print(f"goal: {GOAL:.0f} times: {'met' if ratio >= GOAL else 'MISSED'}")
    return int(ratio < GOAL)


def _tools(space: Path) -> tuple[Bind, ...]:
    """The cross tools' plain names, as ``python-cross`` made them."""
    return (Bind(space / "across/cross", "/cross"),)


if __name__ == "__main__":
    raise SystemExit(main())
