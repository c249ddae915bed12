# SPDX-License-Identifier: Apache-2.0
"""``build --engine``: the same images by BuildKit or podman, from generated Dockerfiles and the store's files.

The engine gets everything as build contexts and no network; what it made is brought into the store, under the same
tags, and passes the same checks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewright.app.contexts import Context
from imagewright.errors import BuildError, MachineError
from imagewright.events import Sink
from imagewright.events.building import StepOutput
from imagewright.model.images import ImageDefinition
from imagewright.model.options import EngineName

_PASSED_ON = (
    "BUILDX_BUILDER",
    "CONTAINERS_CONF",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "HOME",
    "PATH",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
)
_HYBRID = "cgroups in hybrid mode not supported"
"""What crun says on machines that have both versions of cgroups."""

_SECONDS = 6 * 3600
_REMEMBERED = 40
"""Lines of an engine's output that an error tells."""


@dataclass(frozen=True, slots=True)
class Job:
    """One image to build: its Dockerfile's directory, its contexts, and the first of its tags."""

    definition: ImageDefinition
    directory: Path
    contexts: tuple[Context, ...]
    tag: str


class ForeignEngine(Protocol):
    """An engine that builds from Dockerfiles."""

    def build(self, jobs: Sequence[Job], bake: Path | None, place: Path) -> Mapping[str, Path]:
        """Build, and write an archive for each image, by its name, into ``place``. Raises :class:`BuildError`."""
        ...


class Program:
    """A client program of an engine; each line it says is an event."""

    def __init__(self, name: str, package: str, engine: EngineName, sink: Sink) -> None:
        if shutil.which(name) is None:
            raise MachineError(
                f"{name} is not installed",
                why=f"--engine {engine.value} lets it build",
                hint=f"install it ({package}), or build without --engine",
            )
        self._name = name
        self._engine = engine
        self._sink = sink

    def run(self, *words: str | Path) -> None:
        """Run it to its end. Raises :class:`BuildError` with its last lines."""
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        last: list[str] = []
        with subprocess.Popen(
            [self._name, *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "LC_ALL": "C.UTF-8", "BUILDKIT_PROGRESS": "plain"},
            text=True,
            errors="replace",
        ) as process:
            try:
                assert process.stdout is not None
                for line in process.stdout:
                    last = [*last[1 - _REMEMBERED :], line.rstrip("\n")]
                    self._sink(StepOutput("", self._engine.value, last[-1]))
                status = process.wait(_SECONDS)
            except BaseException:
                process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(20)
                process.kill()
                raise
        if status:
            raise BuildError(
                f"{self._name} {words[0]} ended with status {status}",
                why=next((line for line in reversed(last) if line.strip()), ""),
                hint=_hint(last),
                details={"output": last},
            )


def _hint(last: Iterable[str]) -> str:
    """What to do about failures that are not the Dockerfile's."""
    if any(_HYBRID in line for line in last):
        return 'install runc, and say runtime = "runc" below [engine] in containers.conf'
    return ""


class BuildKit:
    """A Docker Engine's own BuildKit, by buildx: all images from one bake file."""

    def __init__(self, sink: Sink) -> None:
        self._docker = Program("docker", "docker-cli, docker-buildx", EngineName.BUILDKIT, sink)

    def build(self, jobs: Sequence[Job], bake: Path | None, place: Path) -> Mapping[str, Path]:
        """See :class:`ForeignEngine`."""
        assert bake is not None
        for root in _roots(jobs):
            self._docker.run("load", "--input", root)
        self._docker.run("buildx", "bake", "--file", bake, "--progress", "plain")
        found = {}
        for job in jobs:
            archive = place / f"{job.definition.name}.tar"
            self._docker.run("save", "--output", archive, job.tag)
            found[str(job.definition.name)] = archive
        return found


class Podman:
    """podman, with buildah in it: one image after the other, whose common stages are in its cache."""

    def __init__(self, sink: Sink) -> None:
        self._podman = Program("podman", "podman", EngineName.PODMAN, sink)

    def build(self, jobs: Sequence[Job], bake: Path | None, place: Path) -> Mapping[str, Path]:
        """See :class:`ForeignEngine`."""
        del bake
        for root in _roots(jobs):
            self._podman.run("load", "--input", root)
        found = {}
        for job in jobs:
            contexts = [word for context in job.contexts for word in ("--build-context", _for_podman(context))]
            epoch = str(job.definition.release_epoch)
            self._podman.run(
                "build", "--layers", "--network=none", "--format=oci", "--identity-label=false",
                "--timestamp", epoch, *contexts,
                "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", "--target=image", "--tag", job.tag, job.directory,
            )  # fmt: skip
            archive = place / f"{job.definition.name}.tar"
            self._podman.run("save", "--format=docker-archive", "--output", archive, job.tag)
            found[str(job.definition.name)] = archive
        return found


def make_engine(name: EngineName, sink: Sink) -> ForeignEngine:
    """The engine of a name. Raises :class:`MachineError` where its client is not installed."""
    return BuildKit(sink) if name is EngineName.BUILDKIT else Podman(sink)


def _roots(jobs: Sequence[Job]) -> tuple[Path, ...]:
    return tuple(sorted({context.path for job in jobs for context in job.contexts if context.image}))


def _for_podman(context: Context) -> str:
    reference = f"docker-image://docker.io/{context.image}" if context.image else str(context.path)
    return f"{context.stage}={reference}"
