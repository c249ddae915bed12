# SPDX-License-Identifier: Apache-2.0
"""How fast interpreters are: measured beside the official configuration, by what decides an interpreter's bytes.

A record is about exactly one interpreter. Another flag, profile, compiler package or patch is another interpreter,
and without a record of its own an image says nothing of its speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagewright.catalog.reading import Table, parse_document
from imagewright.errors import Problems
from imagewright.model.digest import Digest

_RATIO = r"[0-9]{1,2}\.[0-9]{2,3}"


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement. ``ratio`` is the official configuration's time over this interpreter's, as geometric mean
    of ``benchmarks``; ``least`` that of the benchmark which gained least; both decimal numbers as recorded.
    ``measure`` names the programs with their version, ``date`` is ISO 8601.
    """

    interpreter: Digest
    name: str
    ratio: str
    least: str
    benchmarks: int
    measure: str
    date: str
    machine: str

    def __str__(self) -> str:
        """As images carry it: the number first, then what it means."""
        return (
            f"{self.ratio} times the official configuration (geometric mean of {self.benchmarks} benchmarks, "
            f"least {self.least}; {self.measure}, {self.machine}, {self.date})"
        )


def read_speeds(text: str, name: str) -> Mapping[Digest, Speed]:
    """Records by interpreter. Raises :class:`ConfigurationError` with all that is wrong."""
    problems = Problems()
    document = Table(parse_document(text, name), "", problems)
    found: dict[Digest, Speed] = {}
    for table in document.tables("speed"):
        speed = Speed(
            interpreter=table.digest("interpreter"),
            name=table.text("name"),
            ratio=table.text("ratio", pattern=_RATIO, of="a ratio such as 1.35"),
            least=table.text("least", pattern=_RATIO, of="a ratio such as 1.02"),
            benchmarks=table.integer("benchmarks", minimum=1, maximum=10_000),
            measure=table.text("measure"),
            date=table.text("date", pattern=r"[0-9]{4}-[0-9]{2}-[0-9]{2}", of="a date such as 2026-11-21"),
            machine=table.text("machine"),
        )
        table.finish()
        if speed.interpreter in found:
            table.wrong("interpreter", f"{speed.interpreter.short} is there twice")
        found[speed.interpreter] = speed
    document.finish()
    problems.raise_if_any(f"{name} is wrong")
    return found
