# SPDX-License-Identifier: Apache-2.0
"""What ``diff`` says of two images. Field names and order are those of ``--json``; sizes are in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field

from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess


@dataclass(frozen=True, slots=True)
class DiffOptions:
    """What a comparison is asked for; ``platform`` is this machine's own, or the first, if none is named."""

    access: RegistryAccess = field(default_factory=RegistryAccess)
    platform: Platform | None = None


@dataclass(frozen=True, slots=True)
class ComparedImage:
    """One of the two. ``size`` of its layers as transferred, ``unpacked`` of all files that can be seen."""

    ref: str
    platform: str
    digest: Digest
    layers: int
    files: int
    size: int
    unpacked: int


@dataclass(frozen=True, slots=True)
class ChangedVersion:
    """A package; ``before`` or ``after`` is "" where it is not there. ``changelog`` has the lines that are new."""

    name: str
    source: str
    before: str
    after: str
    changelog: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """A setting of the configuration or a variable of the interpreter; "" where it is not set.

    Of a list of words, ``removed`` and ``added`` are those that changed.
    """

    name: str
    before: str
    after: str
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileState:
    """A path in one image; ``mode`` in octal, ``user`` as UID:GID."""

    kind: str
    mode: str
    user: str
    size: int


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A path that is not the same in both; ``null`` where it is not there."""

    path: str
    before: FileState | None
    after: FileState | None


@dataclass(frozen=True, slots=True)
class ChangedFiles:
    """The changes of one owner ("" for none): how many of each kind, by how much it grew, and all of them."""

    owner: str
    added: int
    removed: int
    changed: int
    growth: int
    files: tuple[ChangedFile, ...]


@dataclass(frozen=True, slots=True)
class ComparedLayer:
    """A layer of each, side by side; a size is ``null`` where there is none. ``same`` is said of the content."""

    comment: str
    before: int | None
    after: int | None
    same: bool


@dataclass(frozen=True, slots=True)
class ComparedInterpreter:
    """How one interpreter became another; names are of modules that can be imported."""

    before: str
    after: str
    variables: tuple[ChangedSetting, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What makes two images different. ``identical`` says that they are one manifest."""

    before: ComparedImage
    after: ComparedImage
    identical: bool
    packages: tuple[ChangedVersion, ...]
    python_packages: tuple[ChangedVersion, ...]
    configuration: tuple[ChangedSetting, ...]
    interpreters: tuple[ComparedInterpreter, ...]
    layers: tuple[ComparedLayer, ...]
    files: tuple[ChangedFiles, ...]
