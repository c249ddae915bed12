# SPDX-License-Identifier: Apache-2.0
"""Python packages for a lock: chosen from the indexes, brought into the store, and complete among themselves."""

from __future__ import annotations

from functools import cached_property

from imagewright.app.indexes import python_index
from imagewright.app.world import World
from imagewright.archives.download import FetchRequest, fetch_all
from imagewright.archives.pypi.index import SimpleIndex
from imagewright.archives.pypi.metadata import read_metadata
from imagewright.archives.pypi.wheels import WheelTarget, choose, unmet
from imagewright.catalog.requirements import marker_environment
from imagewright.errors import SolveError
from imagewright.events import Note, Sink
from imagewright.model.images import Flavour, ImageDefinition
from imagewright.model.lock import LockedWheel
from imagewright.model.ports import Ports

_CONNECTIONS = 8


class WheelLocker:
    """Chooses wheels for images. The indexes are asked when the first is wanted."""

    def __init__(self, world: World, ports: Ports, sink: Sink) -> None:
        self._world = world
        self._ports = ports
        self._sink = sink

    @cached_property
    def _index(self) -> SimpleIndex:
        return python_index(self._world, self._ports.fetcher)

    def __call__(self, definition: ImageDefinition, glibc: tuple[int, int]) -> tuple[LockedWheel, ...]:
        """The wheels of one image, sorted by project; all are in the store then.

        Raises :class:`SolveError` where none fits, or where one needs what is not among them.
        """
        requirements = definition.site.requirements
        if not requirements:
            return ()
        self._sink(Note(f"choosing {len(requirements)} Python packages for {definition.name}"))
        target = WheelTarget(definition.name.release, abi_of(definition), definition.platform.debian, glibc)
        chosen = [(each, choose(each, self._index.files(each.project), target)) for each in requirements]
        requests = [
            FetchRequest(
                one.file.filename,
                self._index.find(each.project, one.file.filename, one.file.sha256),
                one.file.size,
                one.file.sha256,
            )
            for each, one in chosen
            if one.file.sha256 is not None
        ]
        blobs = self._ports.blobs
        fetch_all(
            requests, blobs, self._ports.fetcher, jobs=_CONNECTIONS, sink=self._sink, clock=self._world.clock
        )
        wheels = tuple(
            LockedWheel(each.project, one.version, request.name, blobs.size(request.sha256), request.sha256)
            for (each, one), request in zip(chosen, requests, strict=True)
        )
        self._complete(definition, wheels)
        return wheels

    def _complete(self, definition: ImageDefinition, wheels: tuple[LockedWheel, ...]) -> None:
        """Nothing is installed that was not asked for, so everything that is needed must have been."""
        described = []
        for wheel in wheels:
            with self._ports.blobs.open(wheel.sha256) as file:
                metadata = read_metadata(file, wheel.filename)
            described.append((wheel.project, wheel.version, metadata.requires))
        missing = unmet(described, marker_environment(definition.platform, definition.name.release))
        if missing:
            raise SolveError(
                f"the Python packages of {definition.name} are not complete",
                why="; ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),  # noqa: PLR2004
                hint="name them too, each with its version and hashes, as pip-compile and uv do",
                details={"missing": list(missing)},
            )


def abi_of(definition: ImageDefinition) -> str:
    """The ABI tag of an image's interpreter (PEP 3149, PEP 703)."""
    digits = "".join(definition.series.split("."))
    if definition.name.flavour is Flavour.DEFAULT:
        return f"cp{digits}mu" if digits == "27" else f"cp{digits}"
    return f"cp{digits}{definition.name.flavour.value}"
