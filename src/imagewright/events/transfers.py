# SPDX-License-Identifier: Apache-2.0
"""What is told while blobs travel to and from registries."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.events import Event


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
