# SPDX-License-Identifier: Apache-2.0
"""Binary packages, as a lock pins them, and the systems that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imagewright.model.digest import Digest


class PackageSystem(StrEnum):
    """Whose packages a root is made of: ``dpkg`` for Debian and Ubuntu, ``apk`` for Alpine.

    What differs is behind :class:`imagewright.planning.candidates.Candidates` where locks are made, and behind
    :class:`imagewright.engine.systems.RootSystem` where roots are.
    """

    DPKG = "dpkg"
    APK = "apk"


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One .deb or .apk, exactly.

    ``version`` as the distribution writes it; ``source`` and ``source_version`` name the source
    package; ``size`` in bytes; ``path`` is the path below the archive's address; ``archive`` names the
    :class:`imagewright.model.lock.LockedArchive` it came from; ``depends`` are the names of the packages of
    the same set that its dependencies were resolved to, sorted; ``essential`` is Debian's
    Essential flag.
    """

    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    size: int
    sha256: Digest
    path: str
    archive: str
    depends: tuple[str, ...] = ()
    essential: bool = False

    @property
    def system(self) -> PackageSystem:
        """Whose package it is, as its file's name says."""
        return PackageSystem.APK if self.path.endswith(".apk") else PackageSystem.DPKG

    def __str__(self) -> str:
        return f"{self.name}_{self.version}_{self.architecture}"
