# SPDX-License-Identifier: Apache-2.0
"""What is asked for and what is answered where Dockerfiles are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imagewright.model.options import Selection
from imagewright.model.results import LeftOut


@dataclass(frozen=True, slots=True)
class DockerfileOptions:
    """How Dockerfiles are wanted.

    ``bases`` are pairs of a base image as it would be named (``debian:trixie-slim``) and the reference that is
    meant. Without platforms in ``selection``, all that the image is published for. ``check`` only compares.
    """

    selection: Selection = field(default_factory=Selection)
    classic: bool = False
    bases: tuple[tuple[str, str], ...] = ()
    check: bool = False


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The Dockerfile of one image; ``directory`` is where a tree has it, ``platforms`` those it is for.

    ``pinned`` says whether every package's version is said. ``beside`` are names of files that must lie beside it.
    """

    image: str
    directory: str
    platforms: tuple[str, ...]
    pinned: bool
    text: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LintFinding:
    """Something in a Dockerfile (``path`` in its tree) that is against a ``rule``, at a ``line`` from 1."""

    path: str
    line: int
    rule: str
    message: str


@dataclass(frozen=True, slots=True)
class DockerfileTree:
    """A tree of Dockerfiles: every file by its path in it.

    ``changed`` and ``removed`` are those that were, or with ``check`` would be, written and removed;
    ``difference`` is how, as a unified diff. ``left_out`` are images without one, with reasons. ``findings`` are
    what ``check`` finds against our rules in the Dockerfiles that lie there, or, where one is missing, would.
    """

    root: Path
    files: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]
    difference: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    findings: tuple[LintFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class BakeOptions:
    """How a bake file is wanted: for which kind of builder, repository of tags, repository of caches.

    ``tree`` is the directory of the Dockerfiles; ``contexts`` one to fill with everything that the builds read, so
    that they need no network.
    """

    selection: Selection = field(default_factory=Selection)
    driver: str = "docker-container"
    repository: str = ""
    cache: str = ""
    tree: str = "."
    contexts: Path | None = None


@dataclass(frozen=True, slots=True)
class BakeFile:
    """A bake file: its ``text`` (JSON), its targets, and images that it leaves out.

    ``load`` are archives that the engine must load before (``docker load``), where its builder is its own.
    """

    text: str
    targets: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
    load: tuple[Path, ...] = ()
