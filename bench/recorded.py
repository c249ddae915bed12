# SPDX-License-Identifier: Apache-2.0
"""Results as data: what a benchmark printed last, for plots and texts. ``results/NAME.json``."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def save(name: str, values: Mapping[str, Any]) -> Path:
    """Write a result with its day and the state of the machine; where it is."""
    machine = {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    document = {"date": datetime.now(UTC).date().isoformat(), "machine": machine, **values}
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return path


def load(name: str) -> dict[str, Any] | None:
    """A result that was written before; ``None`` if there is none."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """How many times as long theirs took, round by round, so that drift of the machine cancels out."""
    found = [their / our for our, their in zip(ours, theirs, strict=True)]
    return {"median": statistics.median(found), "least": min(found), "most": max(found)}


def shown(spread: Mapping[str, float]) -> str:
    """Median and range."""
    return f"{spread['median']:.2f} ({spread['least']:.2f} to {spread['most']:.2f})"
