# SPDX-License-Identifier: Apache-2.0
"""When the steps of a build would run on so many workers; what that takes, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest


class Source(StrEnum):
    """What the time of a step rests on: this store saw that step, or steps like it, or it is assumed."""

    RECORDED = "recorded"
    SIMILAR = "similar"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class Workers:
    """Who builds: ``count`` machines alike, each with so many ``cores`` and so much ``memory`` (bytes; 0: as this
    machine). ``price`` is one hour's of one of them, ``currency`` its name.
    """

    count: int = 1
    cores: int = 0
    memory: int = 0
    price: float | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class ScheduledStep:
    """One step: on which worker (from 0), from when to when (seconds), with how many processes.

    ``again`` are steps whose result does not travel and that were made on another worker: they are done again
    first, in this one's time. ``critical``: on the critical path.
    """

    id: Digest
    name: str
    kind: str
    worker: int
    begin: float
    end: float
    jobs: int
    source: Source
    critical: bool = False
    again: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """A simulated build. ``seconds`` is its wall time, ``critical_seconds`` that of the longest chain of steps,
    each as fast as one worker alone does it, and ``bound`` what no order of steps could beat.

    ``utilisation`` is the part of all cores' time that is used; ``worker_hours`` what is held, a worker being
    given back when it has no more to do; ``cost`` is at the price of an hour. ``estimates`` counts steps whose
    time this store did not see.
    """

    workers: int
    cores: int
    memory: int
    seconds: float
    critical_seconds: float
    bound: float
    utilisation: float
    worker_hours: float
    cost: float | None
    currency: str
    estimates: int
    critical_path: tuple[Digest, ...]
    steps: tuple[ScheduledStep, ...]
