# SPDX-License-Identifier: Apache-2.0
"""Progress as data. Rooms emit events into a sink; only :mod:`imagewright.cli` shows them."""

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


@dataclass(frozen=True, slots=True)
class PlanReady(Event):
    """What will be done: names of the steps in order, and how many of them are already in the store."""

    steps: tuple[str, ...]
    cached: int


@dataclass(frozen=True, slots=True)
class BuildProgress(Event):
    """How far a build of several is: ``done`` and ``failed`` of ``images``, ``compiled`` of ``compiles``."""

    done: int
    failed: int
    images: int
    compiled: int
    compiles: int


@dataclass(frozen=True, slots=True)
class FetchStarted(Event):
    """Inputs are about to be fetched. ``size`` in bytes, of those that the store lacks."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class FetchProgress(Event):
    """``size`` bytes of ``total`` are here."""

    files: int
    size: int
    total_files: int
    total: int


@dataclass(frozen=True, slots=True)
class FetchFinished(Event):
    """All inputs are in the store. ``seconds`` of wall time."""

    files: int
    size: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TransferStarted(Event):
    """A blob is on its way to or from a registry. ``name`` is what a person reads, ``size`` in bytes."""

    blob: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class TransferProgress(Event):
    """``size`` bytes of ``total`` are there."""

    blob: str
    name: str
    size: int
    total: int


@dataclass(frozen=True, slots=True)
class TransferFinished(Event):
    """A blob is there. ``how``: uploaded, mounted, skipped (it was there), downloaded; ``seconds`` it took."""

    blob: str
    name: str
    size: int
    how: str
    seconds: float


Transfer = TransferStarted | TransferProgress | TransferFinished


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step starts. ``step`` is its id, ``name`` what a person reads; ``reason`` why it must run."""

    step: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class StepPhase(Event):
    """A step entered another phase: ``configure``, ``build``, …"""

    step: str
    name: str
    phase: str


@dataclass(frozen=True, slots=True)
class StepOutput(Event):
    """One line of a step's own output."""

    step: str
    name: str
    line: str


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """A step is done, or was found in the store (``cached``). ``seconds`` of wall time when it ran."""

    step: str
    name: str
    cached: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """A step failed; the error itself is raised."""

    step: str
    name: str
    seconds: float
    log: str


@dataclass(frozen=True, slots=True)
class CheckFinished(Event):
    """One acceptance check of an image ended."""

    check: str
    passed: bool
    detail: str
    seconds: float


Sink = Callable[[Event], None]


def discard(event: Event) -> None:
    """A sink for those who do not want to know."""
    del event
