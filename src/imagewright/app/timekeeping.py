# SPDX-License-Identifier: Apache-2.0
"""Times of steps, remembered in the store: the last few of each, of so many steps. No identity knows of them."""

from __future__ import annotations

import json
import math

from imagewright.engine.timing import Guess, Key, Sample, expected, key_of
from imagewright.model.plan import Step, StepKind
from imagewright.model.ports import Clock
from imagewright.store.facts import Facts
from imagewright.store.store import Store

_SCOPE = "step-times"
_KEPT = 5
"""Times of one step."""

_STEPS = 4096
"""Steps of which there are times; then those are forgotten that were seen longest ago."""

_LONGEST = 30 * 86_400.0


class RememberedTimes:
    """See :class:`imagewright.engine.timing.StepTimes`. What cannot be read counts as not remembered."""

    def __init__(self, facts: Facts, clock: Clock) -> None:
        self._facts = facts
        self._clock = clock
        self._samples: dict[Key, tuple[Sample, ...]] = {}
        for name, value in facts.all().items():
            key, times = _key(name), _read(value)
            if key is not None and times:
                self._samples[key] = tuple(Sample(seconds, jobs) for seconds, jobs, _ in times)

    def expected(self, step: Step, jobs: int) -> Guess:
        """How long a step will last with so many processes."""
        return expected(step, jobs, self._samples)

    def note(self, step: Step, seconds: float, jobs: int) -> None:
        """Remember how long one lasted."""
        name = _name(key_of(step))
        before = _read(self._facts.get(name) or "[]")
        now = int(self._clock.now().timestamp())
        times = [*before, (round(seconds, 3), jobs, now)][-_KEPT:]
        self._facts.put(name, json.dumps(times, separators=(",", ":")))
        if not before:
            self._forget()

    def _forget(self) -> None:
        held = self._facts.all()
        if len(held) > _STEPS:
            newest = {name: max((when for *_, when in _read(value)), default=0) for name, value in held.items()}
            self._facts.remove(sorted(held, key=lambda name: (newest[name], name))[: len(held) - _STEPS])


def remembered_times(store: Store) -> RememberedTimes:
    """The times that a store remembers."""
    return RememberedTimes(store.facts(_SCOPE), store.clock)


def _name(key: Key) -> str:
    return "|".join((key.kind.value, key.effort, key.name))


def _key(name: str) -> Key | None:
    kind, _, rest = name.partition("|")
    effort, bar, step = rest.partition("|")
    return Key(StepKind(kind), effort, step) if bar and kind in set(StepKind) else None


def _read(value: str) -> list[tuple[float, int, int]]:
    """Seconds, processes, and when; nothing where the text is not that."""
    try:
        found = [(float(seconds), int(jobs), int(when)) for seconds, jobs, when in json.loads(value)]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []
    good = all(math.isfinite(seconds) and 0 < seconds < _LONGEST and jobs > 0 for seconds, jobs, _ in found)
    return found if good else []
