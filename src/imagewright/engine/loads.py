# SPDX-License-Identifier: Apache-2.0
"""What steps take: cores, memory, time. Estimates; they decide when steps begin, never what they give.

They rest on builds of 3.13.15 on two cores, in which memory was sampled over all processes of a build, each shared
page by its share (``bench/memory.py``): 487 MB at the peak of a whole release build, 300 MB at that of a compile
with link-time optimisation and a stored profile. How that divides among kinds of steps, and what one more process
adds, is rounded up by judgement, so that too much at once is less likely than too little. Nobody measured a
compile without a profile here; its memory follows from the official recipe's. Seconds are those of such builds,
rounded (``sysroot``, ``emulator`` and ``site`` guessed); they stand in until this store has seen such a step
(:mod:`imagewright.engine.timing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from imagewright.engine.scheduling import Load, Task
from imagewright.model.plan import PythonWork, Step, StepKind

_MIB = 1 << 20

LOADS = {
    StepKind.BASE: Load(cores=4, memory=150 * _MIB, per_job=50 * _MIB),
    StepKind.BUILDROOT: Load(cores=4, memory=200 * _MIB, per_job=50 * _MIB),
    StepKind.SYSROOT: Load(cores=4, memory=150 * _MIB, per_job=50 * _MIB),
    StepKind.EMULATOR: Load(cores=1, memory=100 * _MIB, per_job=50 * _MIB),
    StepKind.RUNTIME: Load(cores=4, memory=150 * _MIB, per_job=50 * _MIB),
    StepKind.SITE: Load(cores=1, memory=200 * _MIB, per_job=20 * _MIB),
    StepKind.WINDOWS: Load(cores=1, memory=100 * _MIB, per_job=20 * _MIB),
    StepKind.IMAGE: Load(cores=4, memory=50 * _MIB, per_job=50 * _MIB),
    StepKind.CHECK: Load(cores=4, memory=150 * _MIB, per_job=100 * _MIB),
}
"""By kind, estimated; a compile depends on how it is optimised, see :data:`COMPILES`."""

SECONDS = {
    StepKind.BASE: 14.0,
    StepKind.BUILDROOT: 28.0,
    StepKind.SYSROOT: 8.0,
    StepKind.EMULATOR: 12.0,
    StepKind.RUNTIME: 6.0,
    StepKind.SITE: 5.0,
    StepKind.WINDOWS: 5.0,
    StepKind.IMAGE: 1.0,
    StepKind.CHECK: 20.0,
}
SERIAL = {
    StepKind.BASE: 0.7,
    StepKind.BUILDROOT: 0.7,
    StepKind.SYSROOT: 0.7,
    StepKind.EMULATOR: 1.0,
    StepKind.RUNTIME: 0.7,
    StepKind.SITE: 1.0,
    StepKind.WINDOWS: 1.0,
    StepKind.IMAGE: 0.5,
    StepKind.CHECK: 0.3,
}
"""The part of a step's time with one process that more of them do not shorten; estimated."""

EMULATED = 3.0
EMULATED_COMPILE = 10.0
"""How many times as long a step lasts whose programs are emulated: a compile as measured, the others guessed."""


@dataclass(frozen=True, slots=True)
class Compile:
    """What compiling an interpreter takes; ``seconds`` with two processes, ``serial`` as in :data:`SERIAL`."""

    effort: str
    load: Load
    seconds: float
    serial: float


COMPILES = (
    Compile("plain", Load(cores=64, memory=100 * _MIB, per_job=100 * _MIB), 120.0, 0.3),
    # Seen 300 MB with two processes, half of it in lto1; configuring, training's replay and installing are serial.
    Compile("linked", Load(cores=64, memory=150 * _MIB, per_job=150 * _MIB), 285.0, 0.3),
    # The link is one process; the official recipe peaks at 1.4 GB with two compilers. Training takes one core.
    Compile("trained", Load(cores=64, memory=1100 * _MIB, per_job=150 * _MIB), 600.0, 0.5),
)
"""Without link-time optimisation; with it, and a stored profile; with it, and training first."""

_PLAIN, _LINKED, _TRAINED = COMPILES


def load_of(step: Step) -> Load:
    """What a step takes."""
    return compile_of(step).load if step.kind is StepKind.PYTHON else LOADS[step.kind]


def seconds_of(step: Step) -> float:
    """How long such steps last, with two processes."""
    compiles = step.kind is StepKind.PYTHON
    seconds = compile_of(step).seconds if compiles else SECONDS[step.kind]
    return seconds * (EMULATED_COMPILE if compiles else EMULATED) if is_emulated(step) else seconds


def serial_of(step: Step) -> float:
    """The part of a step's time with one process that more of them do not shorten."""
    return compile_of(step).serial if step.kind is StepKind.PYTHON else SERIAL[step.kind]


def effort_of(step: Step) -> str:
    """What makes steps of one kind take different times: how hard a compile optimises, and an emulator."""
    words = [compile_of(step).effort] if step.kind is StepKind.PYTHON else []
    return "-".join([*words, *(["emulated"] if is_emulated(step) else [])])


def is_emulated(step: Step) -> bool:
    """Whether programs of another processor run in it."""
    return any(role == "emulator" for role, _ in step.needs)


def tasks_of(steps: Iterable[Step], seconds: Callable[[Step], float]) -> list[Task]:
    """Steps as the scheduler sees them, in their order; ``seconds`` says how long each will last."""
    return [Task(step.id, tuple(need for _, need in step.needs), load_of(step), seconds(step)) for step in steps]


def compile_of(step: Step) -> Compile:
    """What a compile takes follows from its compiler's arguments, and from whether it has a profile."""
    work = step.work
    scripts = work.scripts if isinstance(work, PythonWork) else ()
    # The scripts' texts name the flag whether or not it is used.
    if not any("-flto" in value.split() for script in scripts for _, value in script.environment):
        return _PLAIN
    return _LINKED if isinstance(work, PythonWork) and work.profile is not None else _TRAINED
