# SPDX-License-Identifier: Apache-2.0
"""What a person adds to an image of their own: packages of Python, a user, certificates, a locale, patches."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest


class Installers(StrEnum):
    """What installs Python packages in an image.

    ``ensurepip`` is the pip that CPython brings; ``pinned`` a pip of its own version, named in the lock; ``uv`` is
    uv in its place; ``none`` leaves out every one.
    """

    NONE = "none"
    ENSUREPIP = "ensurepip"
    PINNED = "pinned"
    UV = "uv"


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file that stands beside the configuration: ``path`` as it is written there, ``size`` in bytes."""

    path: str
    size: int
    sha256: Digest

    @property
    def name(self) -> str:
        """Its own name, without directories."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Account:
    """A user (passwd(5)) with a group of the same name; what a container runs as.

    No ``shell`` means what is usual in the image: ``/bin/sh``, or ``/sbin/nologin`` where there is none.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True, slots=True)
class Requirement:
    """One Python package that is wanted: its normalised name (PEP 503) and what is allowed of it.

    No ``version`` means the newest one there is when the lock is made; ``hashes`` are the SHA-256 of the files
    that are allowed, all of them where there is none. ``where`` says who asked, for errors.
    """

    project: str
    version: str
    hashes: tuple[Digest, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """Everything of a person's own in an image, beside what its variant has."""

    installers: Installers = Installers.ENSUREPIP
    requirements: tuple[Requirement, ...] = ()
    account: Account | None = None
    locale: str = ""
    certificates: tuple[LocalFile, ...] = ()
    patches: tuple[LocalFile, ...] = ()
