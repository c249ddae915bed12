# SPDX-License-Identifier: Apache-2.0
"""Progress on a terminal: what is done scrolls by as lines, what runs is redrawn below them.

Rich is imported when something first takes time, so that a build whose every step is in the store never
pays for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from imagewright.cli.console import Console, glyphs_for
from imagewright.cli.progress.wording import Wording
from imagewright.cli.text import count, one_line, size, stopwatch
from imagewright.events import kinds as events

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text

_FRAMES_PER_SECOND = 8
_RUNNING_SHOWN = 12
"""Lines for steps that run; the display stays lower than any terminal however many cores there are."""
_MARGIN = 15
"""Columns before the words of a line: its mark and its time."""
_BESIDE_BAR = 70
"""Columns that everything but the bar takes."""
_BAR = range(10, 31)
"""Columns that a bar may have; where there is room for fewer there is none."""


@dataclass(slots=True)
class _Running:
    name: str
    begun: float
    phase: str = ""


@dataclass(slots=True)
class _Fetching:
    begun: float
    files: int
    size: int
    done_files: int = 0
    done_size: int = 0


class LiveView:
    """One line per running step with its phase and time, and bars for what is fetched and for all images."""

    def __init__(
        self, console: Console, clock: Callable[[], float], *, verbose: bool, rich: RichConsole | None = None
    ) -> None:
        self._console = console
        self._clock = clock
        self._verbose = verbose
        self._wording = Wording(console.paint_err(), glyphs_for(console.stderr))
        self._rich = rich
        self._live: Live | None = None
        self._running: dict[str, _Running] = {}
        self._fetching: _Fetching | None = None
        self._progress_of_all: events.BuildProgress | None = None
        self._begun = clock()
        self._lock = threading.RLock()
        self._said = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace
        with self._lock:
            self._running.clear()
            self._fetching = self._progress_of_all = None
        live, self._live = self._live, None
        if live is not None:
            live.stop()
        if self._said:
            self._console.err([""])  # a little air before the result

    def event(self, event: events.Event) -> None:
        """Take one event."""
        with self._lock:
            if self._transfer(event) if isinstance(event, events.Transfer) else self._take(event):
                self._say(self._wording.line(event))

    def _take(self, event: events.Event) -> bool:
        """Note what ``event`` changes below; whether it also becomes a line above."""
        match event:
            case events.FetchStarted():
                self._fetching = _Fetching(self._clock(), event.files, event.size)
            case events.FetchProgress():
                self._progress(event)
            case events.BuildProgress():
                self._progress_of_all = event
            case events.StepStarted():
                self._running[event.step] = _Running(event.name, self._clock())
            case events.StepPhase():
                if event.step in self._running:
                    self._running[event.step].phase = event.phase
            case events.FetchFinished():
                self._fetching = None
                return True
            case events.StepFinished() | events.StepFailed():
                self._running.pop(event.step, None)
                return True
            case events.StepOutput() | events.PlanReady():
                return self._verbose
            case events.CheckFinished(passed=True):
                return self._verbose
            case _:
                return True
        self._start()
        return False

    def _transfer(self, event: events.Transfer) -> bool:
        """A blob is shown like a step that runs; whether it is there now."""
        if isinstance(event, events.TransferFinished):
            self._running.pop(event.blob, None)
            return True
        running = self._running.setdefault(event.blob, _Running(event.name, self._clock()))
        if isinstance(event, events.TransferProgress):
            running.phase = f"{size(event.size)} of {size(event.total)}"
        self._start()
        return False

    def _progress(self, event: events.FetchProgress) -> None:
        if self._fetching is None:
            self._fetching = _Fetching(self._clock(), event.total_files, event.total)
        self._fetching.done_files, self._fetching.done_size = event.files, event.size
        self._fetching.files, self._fetching.size = event.total_files, event.total

    def _say(self, line: str) -> None:
        self._said = True
        if self._live is None:
            self._console.err([line])
            return
        self._live.console.print(self._fitted(line, self._live.console.width))

    @staticmethod
    def _fitted(line: str, width: int) -> Text | Table:
        """A line that is said; what does not fit goes on below its words, not below its mark."""
        from rich.table import Table
        from rich.text import Text

        text = Text.from_ansi(line)
        if text.cell_len <= width or width < 2 * _MARGIN:
            return text
        margin, words = text.divide([_MARGIN])
        columns = Table.grid(padding=0)
        columns.add_column(width=_MARGIN, no_wrap=True)
        columns.add_column(overflow="fold")
        columns.add_row(margin, words)
        return columns

    def _start(self) -> None:
        if self._live is not None:
            return
        from rich.console import Console as RichConsole
        from rich.live import Live

        if self._rich is None:
            colour = None if self._wording.paint.enabled else True
            self._rich = RichConsole(file=self._console.stderr, no_color=colour, highlight=False, soft_wrap=False)
        self._live = Live(
            get_renderable=self.render,
            console=self._rich,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            vertical_overflow="crop",
        )
        self._live.start()

    def render(self) -> Group:
        """What is below the lines just now."""
        from rich.console import Group

        with self._lock:
            running = list(self._running.values())
            lines = [self._running_line(step) for step in running[:_RUNNING_SHOWN]]
            hidden = len(running) - _RUNNING_SHOWN
            if hidden > 0:
                lines.append(self._text(self._wording.paint("dim", f"{'':>{_MARGIN}}… {hidden} more")))
            if self._fetching is not None:
                lines.insert(0, self._fetching_line(self._fetching))
            if self._progress_of_all is not None:
                lines.append(self._overall_line(self._progress_of_all))
            return Group(*lines)

    def _text(self, ansi: str) -> Text:
        from rich.text import Text

        return Text.from_ansi(ansi, no_wrap=True, overflow="ellipsis")

    def _running_line(self, step: _Running) -> Text:
        paint, glyphs = self._wording.paint, self._wording.glyphs
        phase = paint("dim", f"  {one_line(step.phase)}") if step.phase else ""
        time = stopwatch(self._clock() - step.begun)
        return self._text(f"{paint('cyan', glyphs.running)} {time:>11}  {step.name}{phase}")

    def _overall_line(self, progress: events.BuildProgress) -> Text:
        time = stopwatch(self._clock() - self._begun)
        bar = self._bar((progress.done + progress.failed) / progress.images) if progress.images else ""
        return self._text(f"{self._wording.glyphs.dot} {time:>11}  {bar}{self._wording.progress(progress)}")

    def _bar(self, share: float) -> str:
        """A bar of which a share is full, with the space after it; "" where there is no room for one."""
        paint, glyphs = self._wording.paint, self._wording.glyphs
        room = min(self._console.width() - _BESIDE_BAR, _BAR[-1])
        if room not in _BAR:
            return ""
        full = int(share * room)
        return f"{paint('cyan', glyphs.full * full)}{paint('dim', glyphs.empty * (room - full))}  "

    def _fetching_line(self, fetching: _Fetching) -> Text:
        paint, glyphs = self._wording.paint, self._wording.glyphs
        seconds = self._clock() - fetching.begun
        share = min(1.0, fetching.done_size / fetching.size) if fetching.size else 0.0
        bar = self._bar(share)
        speed = f"  {size(int(fetching.done_size / seconds))}/s" if seconds > 1 else ""
        words = f"{size(fetching.done_size)} of {size(fetching.size)}"
        files = f"{fetching.done_files} of {count(fetching.files, 'file')}"
        line = f"{paint('cyan', glyphs.running)} {stopwatch(seconds):>11}  {bar}{words}"
        return self._text(f"{line}{paint('dim', f'  {files}{speed}')}")
