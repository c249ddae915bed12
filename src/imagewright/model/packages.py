# SPDX-License-Identifier: Apache-2.0
"""Binary packages, as a lock pins them."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import Digest


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One .deb, exactly.

    ``version`` as Debian writes it (epoch included); ``source`` and ``source_version`` name the source
    package; ``size`` in bytes; ``path`` is the pool path below the archive's address; ``archive`` names the
    :class:`imagewright.model.lock.LockedArchive` it came from; ``depends`` are the names of the packages of
    the same set that its Depends and Pre-Depends were resolved to, sorted; ``essential`` is Debian's
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

    def __str__(self) -> str:
        return f"{self.name}_{self.version}_{self.architecture}"
