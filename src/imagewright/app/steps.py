# SPDX-License-Identifier: Apache-2.0
"""Adapters for the engine: its ports, and a runner for each kind of step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from imagewright.app.world import World
from imagewright.engine.context import Outcome, StepContext, StepRunner
from imagewright.errors import OfflineError
from imagewright.events import Sink
from imagewright.model.plan import StepKind
from imagewright.model.ports import Fetcher, Ports
from imagewright.sandbox.runner import NamespaceSandbox
from imagewright.store.store import Store


class OfflineFetcher:
    """Refuses: what is not in the store cannot be had."""

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        """Raise :class:`OfflineError`."""
        from imagewright.archives.fetch import shown

        del maximum
        raise OfflineError(f"{shown(url)} is not in the store", why="--offline was given", hint="run once without")


class LazyFetcher:
    """The network, imported and set up when something is first fetched."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._real: Fetcher | None = None

    def stream(self, url: str, *, maximum: int) -> Iterator[bytes]:
        """See :class:`imagewright.model.ports.Fetcher`."""
        if self._real is None:
            from imagewright.app.network import make_fetcher

            self._real = make_fetcher(self._world)
        return self._real.stream(url, maximum=maximum)


def make_ports(world: World, store: Store) -> Ports:
    """Everything outside the pure core that a build uses."""
    return Ports(
        clock=world.clock,
        fetcher=OfflineFetcher() if world.options.offline else LazyFetcher(world),
        blobs=store.blobs,
        steps=store.steps,
        trees=store.trees,
        sandbox=NamespaceSandbox(),
        pieces=store.pieces,
        derived=store.derived,
    )


def make_runners(sink: Sink) -> Mapping[StepKind, StepRunner]:
    """How each kind of step is done. Imported here, where it is certain that some step will run."""
    from imagewright.app.checking import check_runner
    from imagewright.engine.steps.image import run_image
    from imagewright.engine.steps.python import run_python
    from imagewright.engine.steps.root import run_root
    from imagewright.engine.steps.runtime import run_runtime
    from imagewright.engine.steps.site import run_site
    from imagewright.engine.steps.unpacked import run_unpack
    from imagewright.engine.steps.windows import run_windows, run_windows_image
    from imagewright.model.plan import WindowsImageWork

    def check(context: StepContext) -> Outcome:
        return check_runner(context, sink)

    def image(context: StepContext) -> Outcome:
        windows = isinstance(context.step.work, WindowsImageWork)
        return run_windows_image(context) if windows else run_image(context)

    return {
        StepKind.BASE: run_root,
        StepKind.BUILDROOT: run_root,
        StepKind.SYSROOT: run_unpack,
        StepKind.EMULATOR: run_unpack,
        StepKind.PYTHON: run_python,
        StepKind.RUNTIME: run_runtime,
        StepKind.SITE: run_site,
        StepKind.WINDOWS: run_windows,
        StepKind.IMAGE: image,
        StepKind.CHECK: check,
    }
