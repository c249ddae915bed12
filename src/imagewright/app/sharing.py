# SPDX-License-Identifier: Apache-2.0
"""Whether this build shares finished steps with other machines; the registry's side is imported only then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from imagewright.app.world import World
from imagewright.errors import UsageError
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.options import CacheOptions
from imagewright.model.plan import Plan, Step, StepRecord
from imagewright.model.ports import Ports
from imagewright.store.store import Store

if TYPE_CHECKING:
    from imagewright.app.caching import SharedSteps


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a build does with the cache; nothing where there is none."""

    cache: SharedSteps | None
    read: bool
    write: bool
    sink: Sink

    def bring(self, plan: Plan, targets: Iterable[Digest], ports: Ports) -> None:
        """Bring what saves work into the store."""
        if self.cache is None or not self.read:
            return
        from imagewright.engine.caching import bring_finished

        came = bring_finished(plan, targets, ports, self.cache)
        if came:
            names = ", ".join(step.name for step in came)
            self.sink(Note(f"from {self.cache.where}, not made here: {names}"))

    def bring_profiles(self, missing: Sequence[Step]) -> None:
        """Bring trained profiles that compiles need."""
        if self.cache is not None and self.read:
            self.cache.bring_profiles(missing)

    def keep(self, plan: Plan, records: Iterable[StepRecord]) -> None:
        """Leave there what was finished."""
        if self.cache is not None and self.write:
            self.cache.keep(plan, records)


def make_sharing(world: World, store: Store, options: CacheOptions, sink: Sink) -> Sharing:
    """What configuration and command line say. Raises :class:`ConfigurationError` and :class:`UsageError`."""
    chosen = world.settings().cache
    where = options.repository or chosen.repository or ""
    if options.off and (options.write or options.repository):
        raise UsageError("--no-cache uses none, and the other words name one", hint="say either")
    if options.write and not where:
        raise UsageError("--cache-write has no place to write to", hint="name it: --cache REPOSITORY")
    read = chosen.read is not False
    write = options.write or bool(chosen.write)
    if not where or options.off or world.options.offline or not (read or write):
        return Sharing(None, read=False, write=False, sink=sink)
    from imagewright.app.caching import shared_steps

    return Sharing(shared_steps(world, store, where, sink, read=read, write=write), read, write, sink)
