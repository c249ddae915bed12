# SPDX-License-Identifier: Apache-2.0
"""What commands that write for others answer, and what they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imagewright.model.platforms import Platform


@dataclass(frozen=True, slots=True)
class LibraryOptions:
    """What of a manifest is asked for: ``git`` is where its Dockerfiles are, ``repository`` the address written.

    ``catalog`` is another, whole catalog; ``only`` and ``platforms`` narrow it.
    """

    git: Path = Path()
    repository: str = ""
    maintainers: tuple[str, ...] = ()
    catalog: Path | None = None
    platforms: tuple[Platform, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LibrarySource:
    """Where the Dockerfile for an architecture is: ``file`` in ``directory`` of ``repository`` at ``commit``."""

    architecture: str
    repository: str
    fetch: str
    commit: str
    directory: str
    file: str
    builder: str


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One image of a manifest; ``line`` is where it begins."""

    line: int
    tags: tuple[str, ...]
    shared_tags: tuple[str, ...]
    constraints: tuple[str, ...]
    sources: tuple[LibrarySource, ...]


@dataclass(frozen=True, slots=True)
class LibraryManifest:
    """A manifest: ``text`` is the file itself.

    ``missing`` are images without a Dockerfile, which are not in it.
    """

    maintainers: tuple[str, ...]
    entries: tuple[LibraryEntry, ...]
    text: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenOver:
    """A catalog made from a manifest, as TOML; ``differences`` are where its tags are not the manifest's."""

    catalog: str
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadmeOptions:
    """How a README is wanted: ``style`` is "" where the configuration decides.

    Links get their commits from a manifest (``library``) or a repository (``git``); without either they lead to
    the newest.
    """

    style: str = ""
    library: Path | None = None
    git: Path | None = None
    catalog: Path | None = None
    platforms: tuple[Platform, ...] = ()
    only: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readme:
    """A README of the repository ``name``: its ``text``, how many ``bytes`` it has, how it was ``shortened``."""

    name: str
    style: str
    text: str
    bytes: int
    shortened: tuple[str, ...]
