# SPDX-License-Identifier: Apache-2.0
"""Somebody's repository of images, taken over."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a repository says what it builds: ``versions.json`` (docker-library), or ``versions/*.env`` (infra7)."""

    DOCKER_LIBRARY = "docker-library"
    INFRA7 = "infra7"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that could not be carried over: in which file, at which line (from 1; 0: all of it), and what."""

    file: str
    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a repository: an ``imagewright.toml``, the ``images`` it names, and what is not in it."""

    kind: Kind
    configuration: str
    images: tuple[str, ...]
    remarks: tuple[Remark, ...]
