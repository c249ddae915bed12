# SPDX-License-Identifier: Apache-2.0
"""What is told while images are planned, fetched, built and checked."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.events import Event


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
