# SPDX-License-Identifier: Apache-2.0
"""What a step is and what it left, for those who need no plan: the store, and whatever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest


class StepKind(StrEnum):
    """The kinds of steps, in the order they usually run."""

    BASE = "base"
    BUILDROOT = "buildroot"
    SYSROOT = "sysroot"
    EMULATOR = "emulator"
    PYTHON = "python"
    RUNTIME = "runtime"
    SITE = "site"
    WINDOWS = "windows"
    IMAGE = "image"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What a finished step left in the store.

    ``outputs`` name blobs (``layer``, ``state``, ``debug``, ``manifest``, ``config`` …); ``facts`` are small
    JSON-able values as text (``diff_id``, ``epoch``, ``size``). ``seconds`` of wall time, ``finished`` seconds
    since the epoch, for people only: neither is part of any identity.
    """

    id: Digest
    kind: StepKind
    name: str
    outputs: tuple[tuple[str, Digest], ...]
    facts: tuple[tuple[str, str], ...]
    seconds: float
    finished: int

    def output(self, name: str) -> Digest:
        """The blob called ``name``. Raises ``KeyError``."""
        return dict(self.outputs)[name]

    def fact(self, name: str) -> str:
        """The fact called ``name``. Raises ``KeyError``."""
        return dict(self.facts)[name]
