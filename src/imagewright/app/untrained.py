# SPDX-License-Identifier: Apache-2.0
"""Interpreters of the release profile that are about to be compiled without a trained profile."""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.engine.executor import find
from imagewright.events import Sink, Warned
from imagewright.model.images import Flavour, ImageDefinition, Profile
from imagewright.model.plan import Plan, PythonWork
from imagewright.model.ports import Ports


def warn_untrained(plan: Plan, definitions: Iterable[ImageDefinition], ports: Ports, sink: Sink) -> None:
    """Say once for each such interpreter that it will be slower than it could be, and what to do first.

    ``definitions`` are those of the plan's images, in order. A build does not train by itself: it would give other
    bytes to everybody who builds (docs/adr/0002-profiles-are-inputs.md). Debug builds are not optimised anyway.
    """
    steps = {step.id: step for step in plan.steps}
    warned: set[str] = set()
    for definition, image in zip(definitions, plan.images, strict=True):
        for step in (steps[each] for each in image.steps):
            work = step.work
            if not isinstance(work, PythonWork) or work.profile is not None or step.name in warned:
                continue
            wants = definition.profile is Profile.RELEASE and definition.name.flavour is not Flavour.DEBUG
            if wants and find(step, ports) is None:
                warned.add(step.name)
                sink(
                    Warned(
                        f"no trained profile fits {step.name}: it will be optimised, but slower than it could be;"
                        f" `imagewright train {definition.name}` makes one, which the lock then names"
                    )
                )
