# SPDX-License-Identifier: Apache-2.0
"""What a build would take on so many workers, from the times that the store remembers."""

from __future__ import annotations

from dataclasses import replace

from imagewright.app.building import Builder
from imagewright.app.machine import available_memory
from imagewright.app.timekeeping import remembered_times
from imagewright.app.world import World
from imagewright.engine.simulation import forecast
from imagewright.events import discard
from imagewright.model.options import Selection, WorkerOptions
from imagewright.model.results import PlanView
from imagewright.model.schedules import Workers
from imagewright.store.store import Store


def forecast_plan(
    world: World, store: Store, specs: tuple[str, ...], wanted: Selection, asked: WorkerOptions
) -> PlanView:
    """What a build would do, and when; with ``asked.fresh`` as if nothing were in the store."""
    builder = Builder(world, store, discard)
    plan, view = builder.planned(specs, wanted)
    steps = plan.steps if asked.fresh else builder.running(plan)
    workers = _completed(asked, world)
    return replace(view, schedule=forecast(steps, remembered_times(store).expected, workers))


def _completed(asked: WorkerOptions, world: World) -> Workers:
    """Workers as the command line says, else the configuration; what nobody said is as this machine has it."""
    said = world.settings().workers
    return Workers(
        count=asked.count or said.count,
        cores=asked.cores or said.cores or world.jobs,
        memory=asked.memory or said.memory or available_memory(),
        price=said.price if asked.price is None else asked.price,
        currency=said.currency,
    )
