# SPDX-License-Identifier: Apache-2.0
"""What a person asks for, after the words were read and before anything was looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from imagewright.model.general import ArchiveFormat
from imagewright.model.images import Bytecode, Compression, Foreign, Profile
from imagewright.model.platforms import Platform


class EngineName(StrEnum):
    """Who builds: we ourselves, or an engine that gets generated Dockerfiles."""

    NATIVE = "native"
    BUILDKIT = "buildkit"
    PODMAN = "podman"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which builds of an image are meant. ``None`` means: not said, so configuration or catalog decide.

    No ``platforms`` means this machine's own. With ``everything`` all images of the catalog are meant, narrowed by
    the patterns ``only`` (:func:`imagewright.catalog.selecting.offered`).
    """

    platforms: tuple[Platform, ...] = ()
    profile: Profile | None = None
    bytecode: Bytecode | None = None
    frame_pointers: bool | None = None
    compression: Compression | None = None
    foreign: Foreign | None = None
    everything: bool = False
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """What the command line says of the cache that machines share; "" and false mean: not said.

    ``off`` uses none, whatever the configuration says.
    """

    repository: str = ""
    write: bool = False
    off: bool = False


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How to build. ``output`` is where images are written beside the store, if anywhere; with ``separate`` it
    is a directory with a file for each.

    ``keep_failed`` keeps the root of a step that failed, for a look inside; with ``fail_fast`` nothing new begins
    after the first failure.
    """

    selection: Selection = field(default_factory=Selection)
    output: Path | None = None
    format: ArchiveFormat = ArchiveFormat.OCI_ARCHIVE
    keep_failed: bool = False
    fail_fast: bool = False
    separate: bool = False
    cache: CacheOptions = field(default_factory=CacheOptions)
    engine: EngineName = EngineName.NATIVE


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """What ``plan`` is asked of workers; ``None`` means: not said, so the configuration decides.

    ``memory`` in bytes; ``fresh``: as if nothing were in the store.
    """

    count: int | None = None
    cores: int | None = None
    memory: int | None = None
    price: float | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class LockOptions:
    """How to lock. ``toolchain`` also brings build roots up to date; Python is then compiled anew."""

    selection: Selection = field(default_factory=Selection)
    toolchain: bool = False


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run a command in an image. ``environment`` adds to the image's own; ``user`` is ``uid[:gid]``."""

    selection: Selection = field(default_factory=Selection)
    environment: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How to train. ``output`` is where a copy of the profile is written beside the store, if anywhere."""

    selection: Selection = field(default_factory=Selection)
    output: Path | None = None


@dataclass(frozen=True, slots=True)
class UpdateOptions:
    """What to update. No ``series`` means all; ``accept`` names releases to take without evidence.

    ``prereleases`` also in series that have a final release; ``releases`` and ``packages`` say which half is done.
    """

    series: tuple[str, ...] = ()
    dry_run: bool = False
    accept: tuple[str, ...] = ()
    prereleases: bool = False
    releases: bool = True
    packages: bool = True
    toolchain: bool = False


@dataclass(frozen=True, slots=True)
class TagOptions:
    """What ``tags`` lists: of another ``catalog``, for any of ``platforms``, narrowed by patterns ``only``."""

    catalog: Path | None = None
    platforms: tuple[Platform, ...] = ()
    only: tuple[str, ...] = ()
