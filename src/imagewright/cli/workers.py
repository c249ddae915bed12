# SPDX-License-Identifier: Apache-2.0
"""Options about the workers of a schedule, which is asked for by any of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from imagewright.catalog.workers import MAXIMUM_CORES, MAXIMUM_MEMORY, MAXIMUM_WORKERS
from imagewright.errors import UsageError
from imagewright.model.options import WorkerOptions

F = TypeVar("F", bound=Callable[..., Any])

_NAMES = ("workers", "cores", "memory", "price", "fresh")
_MIB = 1 << 20


def worker_options(function: F) -> F:
    """On what a build is imagined; collected by :func:`asked_workers`."""
    decorators = (
        click.option(
            "--workers",
            type=click.IntRange(1, MAXIMUM_WORKERS),
            metavar="N",
            help="Also show when each step would run on N machines; [workers] says what they are.",
        ),
        click.option(
            "--cores", type=click.IntRange(1, MAXIMUM_CORES), metavar="C", help="Cores of each; this machine's."
        ),
        click.option(
            "--memory",
            type=click.IntRange(1, MAXIMUM_MEMORY),
            metavar="MIB",
            help="Memory of each in MiB; this machine's.",
        ),
        click.option("--price", type=click.FloatRange(0, 1e6), metavar="P", help="What an hour of one costs."),
        click.option("--fresh", is_flag=True, help="As if nothing were in the store."),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def asked_workers(words: Mapping[str, Any]) -> tuple[WorkerOptions | None, dict[str, Any]]:
    """What was said of workers (``None``: nothing), and the other words. Raises :class:`UsageError`."""
    said = {name: words[name] for name in _NAMES}
    rest = {name: value for name, value in words.items() if name not in _NAMES}
    if not said["fresh"] and all(said[name] is None for name in _NAMES if name != "fresh"):
        return None, rest
    if said["price"] is not None and not math.isfinite(said["price"]):
        raise UsageError(f"--price {said['price']} is no price")
    memory = said["memory"]
    options = WorkerOptions(
        count=said["workers"],
        cores=said["cores"],
        memory=None if memory is None else memory * _MIB,
        price=said["price"],
        fresh=said["fresh"],
    )
    return options, rest
