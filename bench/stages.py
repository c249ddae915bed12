# SPDX-License-Identifier: Apache-2.0
"""Where a run's time goes: wall and processor time of each stage of any command.

``python bench/stages.py [--out=FILE] -- WORD…``: runs ``imagewright WORD…`` in this process and takes the clocks
at every event, so that the time between two events belongs to the stage that the first one began. With
``--jobs 1`` there is one stage at a time, and the processor time is that stage's own; with more, stages overlap
and only the sums mean something. Processor time is that of the tool (``tool``) and of what it ran and waited for
(``children``); on a machine that others use, it tells more than the wall time does. The table goes to standard
error, or to FILE.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from imagewright.cli.run import run
from imagewright.cli.session import default_application
from imagewright.events import Event, Sink
from imagewright.events.building import (
    CheckFinished,
    FetchFinished,
    FetchStarted,
    PlanReady,
    StepFinished,
    StepPhase,
    StepStarted,
)
from imagewright.events.transfers import TransferStarted
from imagewright.model.general import GlobalOptions

if TYPE_CHECKING:
    from imagewright.cli.usecases import Application

Clocks = tuple[float, float, float]
"""Seconds: wall, this process, its ended children."""


def clocks() -> Clocks:
    """The three clocks now."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return time.perf_counter(), own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


class Stages:
    """Adds up clocks by stage; a sink of events."""

    def __init__(self) -> None:
        self._stage = "start, lock, plan"
        self._last = clocks()
        self.found: dict[str, list[float]] = {}

    def enter(self, stage: str) -> None:
        """From now on time belongs to ``stage``."""
        now = clocks()
        spent = self.found.setdefault(self._stage, [0.0, 0.0, 0.0])
        for place, (before, after) in enumerate(zip(self._last, now, strict=True)):
            spent[place] += after - before
        self._stage, self._last = stage, now

    def __call__(self, event: Event) -> None:
        """Take the clocks where a stage begins or ends."""
        match event:
            case PlanReady():
                self.enter("between steps")
            case FetchStarted():
                self.enter("fetch")
            case StepStarted():
                self.enter(f"{event.name}: begin")
            case StepPhase():
                self.enter(f"{event.name}: {event.phase}")
            case StepFinished() if not event.cached:
                self.enter("between steps")
            case FetchFinished():
                self.enter("between steps")
            case CheckFinished():
                # It is told when it is over: what passed since the last one is its own.
                self._stage = f"check {event.check}"
                self.enter("between checks")
            case TransferStarted():
                self.enter("push or pull")
            case _:
                pass

    def table(self) -> list[str]:
        """All stages, the longest in processor time first."""
        self.enter("end")
        rows = sorted(self.found.items(), key=lambda row: -sum(row[1][1:]))
        lines = [f"{'stage':<52}{'wall':>9}{'tool':>9}{'children':>9}"]
        lines += [f"{name[:51]:<52}" + "".join(f"{value:>9.2f}" for value in spent) for name, spent in rows]
        sums = [sum(spent[place] for _, spent in rows) for place in range(3)]
        return [*lines, f"{'all':<52}" + "".join(f"{value:>9.2f}" for value in sums)]


class Watched:
    """An application whose use cases also tell ``stages``."""

    def __init__(self, options: GlobalOptions, stages: Stages) -> None:
        self._application = default_application(options)
        self._stages = stages

    def __getattr__(self, name: str) -> Callable[..., object]:
        method = getattr(self._application, name)

        def call(*arguments: object) -> object:
            *others, last = arguments
            return method(*others, self._both(last) if callable(last) else last)

        return call

    def _both(self, sink: Callable[[Event], None]) -> Sink:
        def tell(event: Event) -> None:
            self._stages(event)
            sink(event)

        return tell


def main() -> int:
    """Run, then print the table; the command's exit status."""
    words = sys.argv[1:]
    out: Path | None = None
    if words and words[0].startswith("--out="):
        out, words = Path(words[0].removeprefix("--out=")), words[1:]
    words = words[1:] if words[:1] == ["--"] else words
    stages = Stages()
    status = run(words, os.environ, make=lambda options: cast("Application", Watched(options, stages)))
    text = "\n".join(stages.table()) + "\n"
    if out is None:
        sys.stderr.write(text)
    else:
        out.write_text(text, encoding="utf-8")
    return status


if __name__ == "__main__":
    raise SystemExit(main())
