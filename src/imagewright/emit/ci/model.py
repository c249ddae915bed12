# SPDX-License-Identifier: Apache-2.0
"""What a workflow is made from: images to build, the interpreters that they share, and how the jobs reach both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from imagewright.model.images import ImageDefinition

_T = TypeVar("_T")

_USUAL = "slim"
"""The variant that a compile job builds, where there is one: it needs the fewest packages."""


@dataclass(frozen=True, slots=True)
class Job:
    """One image on one platform, built by one job; ``name`` is for people."""

    name: str
    spec: str
    platform: str
    runner: str = ""


@dataclass(frozen=True, slots=True)
class Workflow:
    """Everything a workflow says.

    ``compiles`` has one job for each release, flavour, suite and platform, ``images`` one for each image.
    ``cache`` is the repository through which they share results; ``key`` the path of the private key that signs
    these ("" where anyone is believed); ``push`` where images are published ("": nowhere). ``install`` is a shell
    command that leaves the program at :data:`PROGRAM`; ``schedule`` when images are refreshed, as in crontab(5).
    ``words`` are further options of every build.
    """

    compiles: tuple[Job, ...]
    images: tuple[Job, ...]
    cache: str
    install: str
    key: str = ""
    push: str = ""
    branch: str = "main"
    schedule: str = "17 4 * * *"
    container: str = ""
    words: tuple[str, ...] = ()
    runners: tuple[tuple[str, str], ...] = field(default=())


PROGRAM = ".imagewright/bin/imagewright"


def compile_jobs(images: Sequence[tuple[ImageDefinition, Job]]) -> tuple[Job, ...]:
    """A job for each interpreter; it builds one image with it, and leaves the interpreter in the cache."""
    groups: dict[tuple[str, ...], list[tuple[ImageDefinition, Job]]] = {}
    for definition, job in images:
        name = definition.name
        groups.setdefault((f"{name.release}{name.flavour.value}", name.suite, job.platform), []).append(
            (definition, job)
        )
    return tuple(_compile(key, found) for key, found in groups.items())


def _compile(key: tuple[str, ...], found: Iterable[tuple[ImageDefinition, Job]]) -> Job:
    held = list(found)
    job = next((job for definition, job in held if definition.name.variant == _USUAL), held[0][1])
    return Job(" ".join(key), job.spec, job.platform, job.runner)


def in_parts(items: Sequence[_T], most: int) -> list[Sequence[_T]]:
    """A service allows a matrix of so many jobs; longer ones are cut."""
    return [items[begin : begin + most] for begin in range(0, len(items), most)]
