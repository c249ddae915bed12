# SPDX-License-Identifier: Apache-2.0
"""The end of every Dockerfile: what a container starts with, and the interpreter's parts as layers."""

from __future__ import annotations

import json
from collections.abc import Iterable

from imagewright.emit.dockerfiles import writing
from imagewright.model.images import ImageConfiguration, PythonPart


def environment(configuration: ImageConfiguration) -> str:
    """Environment and labels."""
    labels = writing.label(configuration.labels) if configuration.labels else ""
    return writing.env(configuration.environment) + labels


def parts(wanted: Iterable[PythonPart]) -> str:
    """Each part as a layer of its own."""
    return "".join(f"COPY --from=python /parts/{part}/ /\n" for part in wanted)


def execution(configuration: ImageConfiguration) -> str:
    """User, directory and command."""
    lines = []
    if configuration.user:
        lines.append(f"USER {configuration.user}\n")
    if configuration.working_directory:
        lines.append(f"WORKDIR {configuration.working_directory}\n")
    if configuration.entrypoint:
        lines.append(f"ENTRYPOINT {json.dumps(list(configuration.entrypoint))}\n")
    if configuration.command:
        lines.append(f"CMD {json.dumps(list(configuration.command))}\n")
    return "".join(lines)
