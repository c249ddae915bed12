# SPDX-License-Identifier: Apache-2.0
"""No progress at all, only warnings: what a script wants, and fast to load."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import TYPE_CHECKING, Self

from imagewright.events import Event, Warned

if TYPE_CHECKING:
    from imagewright.cli.console import Console


class Nothing:
    """Shows nothing but warnings."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace

    def event(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Warned):
            from imagewright.cli.console import glyphs_for
            from imagewright.cli.progress.wording import Wording

            line = Wording(self._console.paint_err(), glyphs_for(self._console.stderr)).warned(event)
            with self._lock:
                self._console.err([line])
