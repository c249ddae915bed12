# SPDX-License-Identifier: Apache-2.0
"""Progress of pushes, pulls and copies, as events."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from imagewright.events.transfers import TransferFinished, TransferProgress, TransferStarted

if TYPE_CHECKING:
    from imagewright.events import Sink
    from imagewright.model.digest import Digest
    from imagewright.model.ports import Clock
    from imagewright.registry.upload import Way

_STEP = 1 << 20
"""Bytes between two notes of progress of one blob."""


class Transfers:
    """Turns a publisher's progress into events; from any thread."""

    def __init__(self, sink: Sink, names: dict[Digest, str], clock: Clock) -> None:
        self._sink = sink
        self._names = names
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: dict[Digest, float] = {}
        self._told: dict[Digest, int] = {}

    def progress(self, digest: Digest, there: int, total: int, way: Way | None) -> None:
        """See :data:`imagewright.registry.publish.Progress`."""
        self.note(digest, there, total, "" if way is None else way.value)

    def note(self, digest: Digest, there: int, total: int, how: str) -> None:
        """``how`` is empty while it is on its way."""
        name = self._names.get(digest, f"blob {digest.short}")
        with self._lock:
            now = self._clock.monotonic()
            first = digest not in self._begun
            begun = self._begun.setdefault(digest, now)
            due = there - self._told.get(digest, 0) >= _STEP
            if due:
                self._told[digest] = there
        if how:
            self._sink(TransferFinished(str(digest), name, total, how, now - begun))
            return
        if first:
            self._sink(TransferStarted(str(digest), name, total))
        if due:
            self._sink(TransferProgress(str(digest), name, there, total))
