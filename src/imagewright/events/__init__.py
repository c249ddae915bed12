# SPDX-License-Identifier: Apache-2.0
"""Progress as data. Rooms emit events into a sink; only :mod:`imagewright.cli` shows them.

What every command may say is here; what only builds or transfers say has a module each, so that a command does not
make types that it has no use for. :mod:`imagewright.events.kinds` has all of them, for those who show them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True)
class Note(Event):
    """Something a person may want to know."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned(Event):
    """Something a person should know; nothing failed."""

    text: str


Sink = Callable[[Event], None]


def discard(event: Event) -> None:
    """A sink for those who do not want to know."""
    del event
