# SPDX-License-Identifier: Apache-2.0
"""Shows events: a live view on a terminal, lines elsewhere, JSON for programs, nothing on request."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from imagewright.cli.console import Console
    from imagewright.events import Event


class Progress(Enum):
    """How much is shown."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


class Shown(Protocol):
    """One way to show events. ``event`` may be called from any thread."""

    def event(self, event: Event) -> None:
        """Take one event."""
        ...

    def __enter__(self) -> Self:
        """Begin."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, and leave the terminal as it was."""
        ...


def choose(how: str, much: Progress, console: Console, clock: Callable[[], float]) -> Shown:
    """The display for ``--progress``; ``auto`` is live on a terminal and plain lines elsewhere."""
    if how == "json":
        from imagewright.cli.progress.lines import JsonLines

        return JsonLines(console, clock)
    if how == "none" or (how == "auto" and much is Progress.QUIET):
        from imagewright.cli.progress.nothing import Nothing

        return Nothing(console)
    if how == "auto" and console.live():
        from imagewright.cli.progress.live import LiveView

        return LiveView(console, clock, verbose=much is Progress.VERBOSE)
    from imagewright.cli.progress.lines import PlainLines

    return PlainLines(console, clock, verbose=much is Progress.VERBOSE)
