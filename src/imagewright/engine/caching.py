# SPDX-License-Identifier: Apache-2.0
"""Which finished steps are worth bringing from elsewhere: those that a build reaches, and nothing below them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from imagewright.engine.executor import find, select
from imagewright.model.digest import Digest
from imagewright.model.plan import Plan, Step, StepKind
from imagewright.model.ports import Ports


class RemoteSteps(Protocol):
    """Finished steps that other machines left. What fails is told by the adapter, and is then not there."""

    kinds: Collection[StepKind]

    def look(self, steps: Sequence[Step]) -> Collection[Digest]:
        """Which of these steps can be had."""
        ...

    def bring(self, steps: Sequence[Step]) -> Collection[Digest]:
        """Bring results into the store; which of the steps came."""
        ...


def bring_finished(plan: Plan, targets: Iterable[Digest], ports: Ports, remote: RemoteSteps) -> tuple[Step, ...]:
    """Bring what saves work: the steps that came.

    Where one that was promised does not come, what lies below it is looked at again.
    """
    wanted = tuple(targets)
    missing = [step for step in select(plan, wanted, ports).missing if step.kind in remote.kinds]
    if not missing:
        return ()
    promised = set(remote.look(missing))
    by_id = {step.id: step for step in plan.steps}
    came: list[Step] = []
    while True:
        lacking = reached(by_id, wanted, ports, promised)
        needed = [step for step in plan.steps if step.id in promised and step.id in lacking]
        if not needed:
            return tuple(came)
        there = set(remote.bring(needed))
        came += [step for step in needed if step.id in there]
        promised -= {step.id for step in needed}


def reached(
    by_id: Mapping[Digest, Step], targets: Iterable[Digest], ports: Ports, promised: Collection[Digest]
) -> tuple[Digest, ...]:
    """Steps that lack a result, from the targets down to those that are promised."""
    found: dict[Digest, None] = {}
    todo = list(targets)
    while todo:
        step = todo.pop()
        if step in found or find(by_id[step], ports) is not None:
            continue
        found[step] = None
        if step not in promised:
            todo.extend(need for _, need in by_id[step].needs)
    return tuple(found)
