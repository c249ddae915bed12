# SPDX-License-Identifier: Apache-2.0
"""What a failure takes with it: the steps that need it, and those that only they were wanted for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagewright.model.digest import Digest
from imagewright.model.plan import Step


class Fate:
    """Follows the failures of one run. ``steps`` come in an order in which each is after all it needs."""

    def __init__(self, steps: Sequence[Step], targets: Iterable[Digest]) -> None:
        self.failures: dict[Digest, Exception] = {}
        self.skipped: dict[Digest, Digest] = {}
        self._steps = steps
        self._targets = tuple(targets)

    def fail(self, step: Digest, error: Exception, *, everything: bool = False) -> frozenset[Digest]:
        """A step failed: what need not begin any more. With ``everything``, all the rest."""
        self.failures[step] = error
        self.skipped.pop(step, None)
        for other in self._steps:
            if other.id in self.failures or other.id in self.skipped:
                continue
            cause = next((self._cause(need) for _, need in other.needs if self._cause(need)), None)
            if cause is not None:
                self.skipped[other.id] = cause
        if everything:
            first = next(iter(self.failures))
            for other in self._steps:
                if other.id not in self.failures:
                    self.skipped.setdefault(other.id, first)
        needed = self._needed()
        return frozenset(other.id for other in self._steps if other.id not in needed)

    def _cause(self, step: Digest) -> Digest | None:
        return step if step in self.failures else self.skipped.get(step)

    def _needed(self) -> set[Digest]:
        """The steps that a target which can still be reached needs."""
        found = {target for target in self._targets if self._cause(target) is None}
        for step in reversed(self._steps):
            if step.id in found:
                found.update(need for _, need in step.needs)
        return found
