# SPDX-License-Identifier: Apache-2.0
"""Progress where nothing can be redrawn: lines for people, lines for programs, nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from imagewright.cli.console import Console, glyphs_for
from imagewright.cli.documents import event_line
from imagewright.cli.progress.wording import Wording
from imagewright.events import kinds as events

_EVERY = 10.0
"""Seconds between lines while fetching: enough for a log, and no silence that a CI system takes for death."""


class _Shown:
    """What the displays of this module share: one lock, and nothing to restore."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace

    def _write(self, line: str) -> None:
        with self._lock:
            self._console.err([line])


class JsonLines(_Shown):
    """One JSON object per event and line."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        super().__init__(console)
        self._clock = clock
        self._begun = clock()

    def event(self, event: events.Event) -> None:
        """Take one event."""
        self._write(event_line(event, self._clock() - self._begun))


class PlainLines(_Shown):
    """One line when something begins or ends; phases too, so that a log says what takes its time."""

    def __init__(self, console: Console, clock: Callable[[], float], *, verbose: bool) -> None:
        super().__init__(console)
        self._clock = clock
        self._verbose = verbose
        self._said = clock()
        self._wording = Wording(console.paint_err(), glyphs_for(console.stderr))
        self._phases: dict[str, str] = {}

    def event(self, event: events.Event) -> None:
        """Take one event."""
        line = self._line(event)
        if line:
            self._write(line)

    def _line(self, event: events.Event) -> str:
        match event:
            case events.StepOutput() if not self._verbose:
                return ""
            case events.StepPhase():
                if self._phases.get(event.step) == event.phase:
                    return ""
                self._phases[event.step] = event.phase
            case events.FetchStarted():
                self._said = self._clock()
            case events.FetchProgress():
                if self._clock() - self._said < _EVERY:
                    return ""
                self._said = self._clock()
            case events.TransferStarted() | events.TransferProgress() if not self._verbose:
                return ""
            case events.PlanReady() | events.CheckFinished(passed=True) if not self._verbose:
                return ""
            case _:
                pass
        return self._wording.line(event)
