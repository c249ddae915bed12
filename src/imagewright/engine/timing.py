# SPDX-License-Identifier: Apache-2.0
"""How long steps last, by what was seen of them before. Pure; who remembers is the composition root's choice.

A step is known by its kind, its name and, of a compile, how hard it optimises: the same interpreter takes minutes
more with link-time optimisation than without. What nobody saw is estimated from what is most like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Protocol

from imagewright.engine.loads import effort_of, load_of, seconds_of, serial_of
from imagewright.model.plan import Step, StepKind
from imagewright.model.schedules import Source


@dataclass(frozen=True, slots=True)
class Sample:
    """How long a step lasted once: ``seconds`` of wall time with so many processes (0: nobody knows)."""

    seconds: float
    jobs: int


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What steps that take equally long have in common."""

    kind: StepKind
    effort: str
    name: str


@dataclass(frozen=True, slots=True)
class Guess:
    """How long a step will last (seconds), and what that rests on."""

    seconds: float
    source: Source


class StepTimes(Protocol):
    """What is remembered of the times of steps."""

    def expected(self, step: Step, jobs: int) -> Guess:
        """How long a step will last with so many processes."""
        ...

    def note(self, step: Step, seconds: float, jobs: int) -> None:
        """Remember how long one lasted. Called from any thread."""
        ...


def key_of(step: Step) -> Key:
    """What a step's time is remembered under."""
    return Key(step.kind, effort_of(step), step.name)


def expected(step: Step, jobs: int, samples: Mapping[Key, tuple[Sample, ...]]) -> Guess:
    """A guess from samples: of the step itself, else of those most like it, else what such steps take elsewhere.

    Of several, the median counts: a machine that was busy once does not spoil it.
    """
    width = max(1, min(jobs, load_of(step).cores))
    key = key_of(step)
    own = samples.get(key, ())
    if own:
        return Guess(_scaled(step, own, width), Source.RECORDED)
    like = _like(key, samples)
    if like:
        return Guess(_scaled(step, like, width), Source.SIMILAR)
    return Guess(_scaled(step, (Sample(seconds_of(step), _ASSUMED_ON),), width), Source.ASSUMED)


_ASSUMED_ON = 2
"""Processes with which the times in :mod:`imagewright.engine.loads` were seen."""


def _like(key: Key, samples: Mapping[Key, tuple[Sample, ...]]) -> tuple[Sample, ...]:
    """Samples of the same kind and effort whose names have the most words in common with this one's.

    Names are words of release, suite and architecture: ``python 3.13.15 trixie amd64``.
    """
    words = set(key.name.split())
    found: dict[int, list[Sample]] = {}
    for other in sorted(samples):
        if (other.kind, other.effort) == (key.kind, key.effort):
            found.setdefault(len(words & set(other.name.split())), []).extend(samples[other])
    return tuple(found[max(found)]) if found else ()


def _scaled(step: Step, samples: tuple[Sample, ...], width: int) -> float:
    """Seconds with ``width`` processes: as seen with just as many, else by Amdahl's law from the others."""
    most = load_of(step).cores
    widths = [(sample.seconds, width if sample.jobs < 1 else min(sample.jobs, most)) for sample in samples]
    same = [seconds for seconds, jobs in widths if jobs == width]
    if same:
        return median(same)
    serial = serial_of(step)
    return median(seconds * _share(serial, width) / _share(serial, jobs) for seconds, jobs in widths)


def _share(serial: float, width: int) -> float:
    """The part of the time with one process that is left with ``width`` (G. Amdahl, AFIPS 1967)."""
    return serial + (1 - serial) / width
