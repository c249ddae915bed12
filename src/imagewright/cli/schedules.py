# SPDX-License-Identifier: Apache-2.0
"""A schedule as text: its figures, when what runs, and what it all waits for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagewright.cli.console import Paint
from imagewright.cli.text import count, duration, fitted, size
from imagewright.model.digest import Digest
from imagewright.model.schedules import Schedule, ScheduledStep, Source

_LABEL = 14
_ROWS = 40
"""Steps up to which each has a line of its own; of more, each core of each worker has one."""

_LANES = 48
"""Cores that are shown; of more, the first."""

_NAMES = 34
_SIGNS = {
    "base": "b",
    "buildroot": "r",
    "sysroot": "s",
    "emulator": "e",
    "python": "P",
    "runtime": "u",
    "site": "w",
    "windows": "W",
    "image": "i",
    "check": "c",
}
_MARKS = {Source.RECORDED: " ", Source.SIMILAR: "~", Source.ASSUMED: "?"}
_PATH_SHOWN = 8


def told(schedule: Schedule, paint: Paint, width: int) -> list[str]:
    """Everything about a schedule, in lines of at most ``width`` columns."""
    if not schedule.steps:
        return [_row("wall time", "nothing is to be done", paint)]
    shown = _steps if len(schedule.steps) <= _ROWS else _lanes
    return [*_figures(schedule, paint), "", *shown(schedule, paint, width), "", *_path(schedule, paint, width)]


def _figures(schedule: Schedule, paint: Paint) -> list[str]:
    cores = f"{count(schedule.workers, 'worker')} of {count(schedule.cores, 'core')}, {size(schedule.memory)}"
    cost = f"{schedule.worker_hours:.2f} worker-hours"
    if schedule.cost is not None:
        cost += f", {schedule.cost:.2f} {schedule.currency}".rstrip()
    lines = [
        _row("wall time", f"{duration(schedule.seconds)} on {cores}", paint),
        _row("no less than", f"{duration(schedule.bound)}, in whatever order", paint),
        _row("utilisation", f"{schedule.utilisation:.0%}", paint),
        _row("cost", cost, paint),
    ]
    if schedule.estimates:
        of = f"{schedule.estimates} of {count(len(schedule.steps), 'step')}"
        lines.append(_row("estimated", f"{of} (~ from steps like it, ? assumed)", paint))
    return lines


def _steps(schedule: Schedule, paint: Paint, width: int) -> list[str]:
    """A line for each step, worker by worker: its bar, thick on the critical path."""
    names = min(_NAMES, max(len(step.name) for step in schedule.steps))
    room = max(10, width - names - 16)
    lines: list[str] = []
    for worker, steps in _by_worker(schedule.steps):
        lines.append(paint("bold", f"worker {worker + 1}"))
        for step in steps:
            begin, end = _columns(step, schedule, room)
            bar = " " * begin + ("█" if step.critical else "▒") * (end - begin)
            mark = _MARKS[step.source]
            name = f"  {fitted(step.name, names):<{names}}"
            figures = f" {mark}{duration(step.end - step.begin):>11} "
            painted = paint("cyan" if step.critical else "dim", bar)
            lines.append(f"{name}{figures}{painted}".rstrip())
    return lines


def _lanes(schedule: Schedule, paint: Paint, width: int) -> list[str]:
    """A line for each core that is ever used, with a letter for each kind of step."""
    label = 8
    room = max(10, width - label)
    lines: list[str] = []
    for worker, steps in _by_worker(schedule.steps):
        lanes = [["·"] * room for _ in range(schedule.cores)]
        for step, taken in _placed(steps, schedule.cores):
            begin, end = _columns(step, schedule, room)
            for core in taken:
                lanes[core][begin:end] = _SIGNS[step.kind] * (end - begin)
        for number, lane in enumerate(lanes):
            head = f"{worker + 1}.{number + 1}"
            lines.append(f"{paint('dim', f'{head:<{label}}')}{''.join(lane)}")
    more = [f"… and {count(len(lines) - _LANES, 'core')} more"] if len(lines) > _LANES else []
    kinds = dict.fromkeys(step.kind for step in schedule.steps)
    legend = "  ".join(f"{_SIGNS[kind]} {kind}" for kind in _SIGNS if kind in kinds)
    return [*lines[:_LANES], *more, paint("dim", fitted(legend, width))]


def _placed(steps: Iterable[ScheduledStep], cores: int) -> Iterable[tuple[ScheduledStep, list[int]]]:
    """Which cores a step takes: the first that are free when it begins."""
    free = [0.0] * cores
    for step in steps:
        taken = [lane for lane in range(cores) if free[lane] <= step.begin][: step.jobs]
        for lane in taken:
            free[lane] = step.end
        yield step, taken


def _columns(step: ScheduledStep, schedule: Schedule, room: int) -> tuple[int, int]:
    """From where to where its bar reaches; every step has at least one column."""
    whole = schedule.seconds or 1.0
    begin = min(room - 1, int(step.begin / whole * room))
    return begin, min(room, max(begin + 1, round(step.end / whole * room)))


def _path(schedule: Schedule, paint: Paint, width: int) -> list[str]:
    """The steps that nothing but faster steps would shorten."""
    by_id: dict[Digest, ScheduledStep] = {step.id: step for step in schedule.steps}
    path = [by_id[one] for one in schedule.critical_path]
    lines = [_row("critical path", f"{duration(schedule.critical_seconds)}, each step on a worker alone", paint)]
    lines += [fitted(f"{'':{_LABEL}}{step.name}", width) for step in path[:_PATH_SHOWN]]
    if len(path) > _PATH_SHOWN:
        lines.append(f"{'':{_LABEL}}… and {len(path) - _PATH_SHOWN} more")
    return lines


def _by_worker(steps: Iterable[ScheduledStep]) -> Sequence[tuple[int, list[ScheduledStep]]]:
    found: dict[int, list[ScheduledStep]] = {}
    for step in steps:
        found.setdefault(step.worker, []).append(step)
    return sorted(found.items())


def _row(label: str, value: str, paint: Paint) -> str:
    return f"{paint('dim', f'{label:<{_LABEL}}')}{value}"
