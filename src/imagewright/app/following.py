# SPDX-License-Identifier: Apache-2.0
"""How far a build of many images is, worked out from the events of its steps."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from imagewright.engine.executor import Selection
from imagewright.engine.fate import Fate
from imagewright.errors import BuildError, ImagewrightError
from imagewright.events import Event, Sink
from imagewright.events.building import BuildProgress, StepFailed, StepFinished
from imagewright.model.digest import Digest
from imagewright.model.plan import Plan, StepKind


def follow_images(
    plan: Plan, selection: Selection, refused: Mapping[Digest, ImagewrightError], sink: Sink
) -> Sink:
    """A sink that adds :class:`BuildProgress` to a build of several images, whenever that changes.

    ``refused`` are the steps that are known to fail before anything begins.
    """
    if len(plan.images) < 2:  # noqa: PLR2004 - one image needs no overview
        return sink
    return _Follower(plan, selection, refused, sink).event


class _Follower:
    def __init__(
        self, plan: Plan, selection: Selection, refused: Mapping[Digest, ImagewrightError], sink: Sink
    ) -> None:
        self._sink = sink
        self._plan = plan
        self._fate = Fate(selection.missing, selection.targets)
        for step, error in refused.items():
            self._fate.fail(step, error)
        self._open = {step.id for step in selection.missing}
        self._compiles = {step.id for step in selection.missing if step.kind is StepKind.PYTHON}
        self._guard = threading.Lock()
        self._told = self._progress()
        sink(self._told)

    def event(self, event: Event) -> None:
        """Take one event, from any thread."""
        self._sink(event)
        if not isinstance(event, StepFinished | StepFailed):
            return
        step = Digest.parse(event.step)
        with self._guard:
            if step not in self._open:
                return
            if isinstance(event, StepFailed):
                self._fate.fail(step, BuildError(event.name))
            else:
                self._open.discard(step)
            progress = self._progress()
            changed = progress != self._told
            self._told = progress
        if changed:
            self._sink(progress)

    def _progress(self) -> BuildProgress:
        lost = self._fate.failures.keys() | self._fate.skipped.keys()
        images = self._plan.images
        failed = sum(image.image in lost or image.check in lost for image in images)
        done = sum(not {image.image, image.check} & (self._open | lost) for image in images)
        compiled = len(self._compiles - self._open)
        return BuildProgress(done, failed, len(images), compiled, len(self._compiles))
