# SPDX-License-Identifier: Apache-2.0
"""Every kind of event there is, for those who show them all."""

from __future__ import annotations

from imagewright.events import Event, Note, Warned
from imagewright.events.building import (
    BuildProgress,
    CheckFinished,
    FetchFinished,
    FetchProgress,
    FetchStarted,
    PlanReady,
    StepFailed,
    StepFinished,
    StepOutput,
    StepPhase,
    StepStarted,
)
from imagewright.events.transfers import Transfer, TransferFinished, TransferProgress, TransferStarted

__all__ = [
    "BuildProgress",
    "CheckFinished",
    "Event",
    "FetchFinished",
    "FetchProgress",
    "FetchStarted",
    "Note",
    "PlanReady",
    "StepFailed",
    "StepFinished",
    "StepOutput",
    "StepPhase",
    "StepStarted",
    "Transfer",
    "TransferFinished",
    "TransferProgress",
    "TransferStarted",
    "Warned",
]
