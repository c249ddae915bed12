# SPDX-License-Identifier: Apache-2.0
"""``[workers]``: the machines that a schedule is about, and what they cost. They change nothing that is built."""

from __future__ import annotations

import math

from imagewright.catalog.reading import Table
from imagewright.model.schedules import Workers

WORKERS_KEYS = (
    ("count", "number", "1", "How many machines alike; `plan --workers`."),
    ("cores", "number", "this machine's", "Processes that each runs at once; `plan --cores`."),
    ("memory", "number", "this machine's", "Memory of each, in MiB; `plan --memory`."),
    ("price", "number", "none", "What one of them costs for an hour; `plan --price`."),
    ("currency", "text", "none", "What that is counted in."),
)

EXAMPLE_WORKERS = """\
[workers]                       # for imagewright plan --workers: what a build farm would take, and cost
count = 4
cores = 8
memory = 16384                  # MiB
price = 0.34                    # for an hour of one of them
currency = "EUR"
"""

MAXIMUM_WORKERS = 1000
MAXIMUM_CORES = 4096
MAXIMUM_MEMORY = 1 << 26
"""In MiB."""

_MAXIMUM_PRICE = 1e6
_CURRENCY = r"[A-Za-z€$£¥]{1,8}"
_MIB = 1 << 20


def read_workers(table: Table) -> Workers:
    """The table of a configuration; what is wrong goes into its problems."""
    inner = table.table("workers")
    if inner is None:
        return Workers()
    found = Workers(
        count=inner.integer("count", 1, minimum=1, maximum=MAXIMUM_WORKERS),
        cores=inner.integer("cores", 0, minimum=1, maximum=MAXIMUM_CORES),
        memory=inner.integer("memory", 0, minimum=1, maximum=MAXIMUM_MEMORY) * _MIB,
        price=_price(inner),
        currency=inner.text("currency", "", pattern=_CURRENCY, of="a currency, such as EUR"),
    )
    inner.finish()
    return found


def _price(table: Table) -> float | None:
    if not table.said("price"):
        return None
    value = table.note("price")
    if isinstance(value, bool) or not isinstance(value, int | float):
        table.wrong("price", "must be a number, such as 0.34")
        return None
    if not math.isfinite(value) or not 0 <= value <= _MAXIMUM_PRICE:
        table.wrong("price", f"{value} is not between 0 and {_MAXIMUM_PRICE:.0f}")
        return None
    return float(value)
