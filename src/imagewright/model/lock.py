# SPDX-License-Identifier: Apache-2.0
"""What exactly goes in: the content of ``imagewright.lock``. Reading and writing it is in planning."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest
from imagewright.model.packages import LockedPackage


@dataclass(frozen=True, slots=True)
class LockedArchive:
    """The state of one archive that packages were taken from.

    ``name`` is unique in the lock (``trixie``, ``trixie-updates``, ``trixie-security``); ``mirror`` is the
    mirror's role (``debian``, ``debian-security``) and ``address`` the URL the lock was made with; ``date``
    is the Release's Date in ISO 8601 UTC and ``inrelease`` the digest of the InRelease file.
    """

    name: str
    mirror: str
    address: str
    suite: str
    date: str
    inrelease: Digest


class Role(StrEnum):
    """What a set of packages is for."""

    BASE = "base"
    BUILDROOT = "buildroot"
    RUNTIME = "runtime"
    SYSROOT = "sysroot"
    EMULATOR = "emulator"


@dataclass(frozen=True, slots=True)
class PackageSet:
    """A closed set of packages, sorted by name.

    ``roots`` are the names that were asked for. For ``runtime`` the set holds every candidate that the
    interpreter may turn out to need, with their dependencies that ``base`` lacks; which of them an image
    gets follows from its ELF files. ``key`` tells sets of one role apart (``slim``, ``3.13``).
    """

    role: Role
    suite: str
    architecture: str
    key: str
    roots: tuple[str, ...]
    packages: tuple[LockedPackage, ...]


@dataclass(frozen=True, slots=True)
class LockedWheel:
    """One wheel from a Python package index: ``project`` is its name there, ``size`` in bytes."""

    project: str
    version: str
    filename: str
    size: int
    sha256: Digest


@dataclass(frozen=True, slots=True)
class WheelSet:
    """The Python packages of one target (:class:`Lock`), sorted by project."""

    target: str
    wheels: tuple[LockedWheel, ...]


@dataclass(frozen=True, slots=True)
class LockedSource:
    """One CPython source archive: ``size`` in bytes; ``urls`` are tried in order.

    A URL may start with ``{debian}`` (any mirror's role in braces), which stands for that mirror's address.
    ``signature_urls`` hold a detached OpenPGP signature by the key ``fingerprint``, where one is published.
    ``wheels`` are installed with it, besides what it bundles; sorted by file name.
    """

    release: str
    filename: str
    size: int
    sha256: Digest
    urls: tuple[str, ...]
    signature_urls: tuple[str, ...] = ()
    fingerprint: str = ""
    wheels: tuple[LockedWheel, ...] = ()


@dataclass(frozen=True, slots=True)
class LockedDistribution:
    """A release as it is distributed for Windows: ``size`` in bytes, ``pip`` what is installed with it.

    ``url`` may start with a mirror's role in braces. Where ``identity`` (as ``issuer`` knows it, OIDC) is said, it
    signed the file, and a Sigstore bundle is at that address with ``.sigstore`` behind it.
    """

    release: str
    filename: str
    size: int
    sha256: Digest
    url: str
    pip: LockedWheel
    identity: str = ""
    issuer: str = ""


@dataclass(frozen=True, slots=True)
class LockedBase:
    """The image that images of a suite of Windows stand on: its manifest, ``size`` in bytes.

    ``repository`` is where it was found, ``os_version`` the version of Windows that it is (``10.0.26100.4652``).
    """

    suite: str
    repository: str
    digest: Digest
    size: int
    os_version: str


@dataclass(frozen=True, slots=True)
class LockedProfile:
    """A stored PGO profile. ``origin`` is ``catalog:<file name>`` for a shipped one, else ``store``.

    ``compiler`` is the package version it was trained with, e.g. ``gcc-14 14.2.0-19``.
    """

    release: str
    suite: str
    architecture: str
    flavour: str
    compiler: str
    size: int
    sha256: Digest
    origin: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The whole lock; every tuple is sorted. ``configuration`` maps a target to its checksum.

    A target is what a set was solved for, e.g. ``3.13-slim-trixie linux/amd64``.
    """

    configuration: tuple[tuple[str, Digest], ...] = ()
    archives: tuple[LockedArchive, ...] = ()
    sets: tuple[PackageSet, ...] = ()
    sources: tuple[LockedSource, ...] = ()
    profiles: tuple[LockedProfile, ...] = ()
    wheels: tuple[WheelSet, ...] = ()
    distributions: tuple[LockedDistribution, ...] = ()
    bases: tuple[LockedBase, ...] = ()
