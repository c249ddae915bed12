# SPDX-License-Identifier: Apache-2.0
"""What ``report`` says of an image's content. Field names and order are those of ``--json``; sizes in bytes."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest


@dataclass(frozen=True, slots=True)
class BinaryPackage:
    """An installed package. ``installed_size`` is what the package says of itself."""

    name: str
    version: str
    architecture: str
    installed_size: int


@dataclass(frozen=True, slots=True)
class SourcePackage:
    """Installed packages that were built from one source.

    ``licences`` are SPDX expressions from the copyright files (``copyright_files``); ``retrieve`` is the command
    that gets the source, ``path`` its place below an archive, ``urls`` that place in the archives that the image
    names.
    """

    name: str
    version: str
    packages: tuple[BinaryPackage, ...]
    licences: tuple[str, ...]
    copyright_files: tuple[str, ...]
    homepage: str
    retrieve: str
    path: str
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InstalledPython:
    """A Python package; ``path`` is where its metadata is, ``vendored`` are ``name==version`` that it holds."""

    name: str
    version: str
    licence: str
    homepage: str
    path: str
    vendored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A CPython in the image: ``path`` is its standard library's, ``version`` at least ``3.13``.

    ``variables`` are all of ``sysconfig``'s build-time variables, ``modules`` the names that can be imported.
    """

    path: str
    version: str
    variables: tuple[tuple[str, str], ...]
    modules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContentFile:
    """A file; ``owner`` is the package it belongs to, "" for none, ``layer`` its layer's number from 1 on."""

    path: str
    kind: str
    mode: str
    uid: int
    gid: int
    size: int
    layer: int
    owner: str


@dataclass(frozen=True, slots=True)
class OwnedFiles:
    """How much belongs to one package; ``owner`` is "" for what belongs to none."""

    owner: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class DirectorySize:
    """A directory with all that is below it."""

    path: str
    files: int
    size: int


@dataclass(frozen=True, slots=True)
class DirectoryNode:
    """A directory of a layer as a tree; its own files and what is small are added up in ``(files)``."""

    name: str
    size: int
    children: tuple[DirectoryNode, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerContent:
    """One layer: ``compressed`` and ``unpacked`` size, ``files`` in it; ``removed`` counts its whiteouts.

    ``comment`` is what the history says of it.
    """

    digest: Digest
    comment: str
    compressed: int
    unpacked: int
    files: int
    removed: int
    tree: DirectoryNode


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in one platform's image.

    ``size`` is of all files that can be seen, ``directories`` and ``links`` count the rest; ``privileged`` are
    files with the setuid or setgid bit, or with capabilities; ``users`` are owners as UID:GID.
    """

    platform: str
    digest: Digest
    distribution: str
    files: int
    directories: int
    links: int
    size: int
    sources: tuple[SourcePackage, ...]
    python_packages: tuple[InstalledPython, ...]
    interpreters: tuple[Interpreter, ...]
    privileged: tuple[ContentFile, ...]
    largest_files: tuple[ContentFile, ...]
    largest_directories: tuple[DirectorySize, ...]
    owners: tuple[OwnedFiles, ...]
    users: tuple[OwnedFiles, ...]
    layers: tuple[LayerContent, ...]
