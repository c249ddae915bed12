# SPDX-License-Identifier: Apache-2.0
"""The first configuration of a project."""

from __future__ import annotations

from imagewright.app.world import CONFIGURATION, World
from imagewright.catalog.shipped import first_configuration
from imagewright.errors import MachineError, UsageError
from imagewright.model.results import Started


def start(world: World) -> Started:
    """Write a small configuration where there is none. Raises :class:`UsageError` where there is one already."""
    path = world.directory / (world.options.config.name if world.options.config else CONFIGURATION)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(first_configuration())
        path.chmod(0o666 & ~world.umask)
    except FileExistsError:
        raise UsageError(
            f"{path} is there already", why="it is never overwritten", hint="name another file with --config FILE"
        ) from None
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error)) from error
    return Started(path)
