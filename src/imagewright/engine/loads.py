# SPDX-License-Identifier: Apache-2.0
"""What steps take: cores, memory, time. Estimates; they decide when steps begin, never what they give.

They rest on builds of 3.13.15 on two cores, in which memory was sampled over all processes of a build, each shared
page by its share (``bench/memory.py``): 487 MB at the peak of a whole release build, 300 MB at that of a compile
with link-time optimisation and a stored profile. How that divides among kinds of steps, and what one more process
adds, is rounded up by judgement, so that too much at once is less likely than too little. Nobody measured a
compile without a profile here; its memory follows from the official recipe's. Seconds are those of such builds,
rounded (``sysroot``, ``emulator`` and ``site`` guessed); they stand in until this store has seen the step itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from imagewright.engine.scheduling import Load, Task
from imagewright.model.plan import PythonWork, Step, StepKind, StepRecord

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
"""By kind, estimated; a compile depends on how it is optimised, see :func:`load_of`."""

_COMPILE = Load(cores=64, memory=100 * _MIB, per_job=100 * _MIB)
"""Without link-time optimisation."""

_COMPILE_LINKED = Load(cores=64, memory=150 * _MIB, per_job=150 * _MIB)
"""With link-time optimisation and a stored profile: seen 300 MB with two processes, half of it in ``lto1``."""

_COMPILE_INSTRUMENTED = Load(cores=64, memory=1100 * _MIB, per_job=150 * _MIB)
"""Without a stored profile. The link is one process; the official recipe peaks at 1.4 GB with two compilers."""

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
_COMPILE_SECONDS = 120.0
_COMPILE_SECONDS_LINKED = 285.0
_COMPILE_SECONDS_INSTRUMENTED = 600.0

Previous = Callable[[StepKind, str], StepRecord | None]


def load_of(step: Step) -> Load:
    """What a step takes."""
    return _compile_of(step)[0] if step.kind is StepKind.PYTHON else LOADS[step.kind]


def seconds_of(step: Step, previous: Previous) -> float:
    """How long a step will last: as long as a step of its kind and name did, else as long as such steps do."""
    record = previous(step.kind, step.name)
    if record is not None and record.seconds > 0:
        return record.seconds
    return _compile_of(step)[1] if step.kind is StepKind.PYTHON else SECONDS[step.kind]


def tasks_of(steps: Iterable[Step], previous: Previous) -> list[Task]:
    """Steps as the scheduler sees them, in their order."""
    return [
        Task(step.id, tuple(need for _, need in step.needs), load_of(step), seconds_of(step, previous))
        for step in steps
    ]


def _compile_of(step: Step) -> tuple[Load, float]:
    """What a compile takes follows from its compiler's arguments, and from whether it has a profile."""
    work = step.work
    scripts = work.scripts if isinstance(work, PythonWork) else ()
    texts = [text for script in scripts for text in (script.text, *dict(script.environment).values())]
    if not any("-flto" in text for text in texts):
        return _COMPILE, _COMPILE_SECONDS
    if isinstance(work, PythonWork) and work.profile is not None:
        return _COMPILE_LINKED, _COMPILE_SECONDS_LINKED
    return _COMPILE_INSTRUMENTED, _COMPILE_SECONDS_INSTRUMENTED
