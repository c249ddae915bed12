# SPDX-License-Identifier: Apache-2.0
"""What holds for every command, and for everything that is written for others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ArchiveFormat(StrEnum):
    """How an image is written to a file or directory.

    ``oci-archive`` is an OCI image layout in a tar file that also holds Docker's ``manifest.json``, so that
    ``docker load``, ``podman load`` and ``skopeo`` all accept it; ``docker-archive`` holds only the latter.
    """

    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    OCI_DIR = "oci-dir"


@dataclass(frozen=True, slots=True)
class GlobalOptions:
    """What holds for every command. ``None`` means: not said, so the default or the file decides.

    ``mirrors`` are ``(name, URL)`` pairs in the order given; ``jobs`` 0 means as many as the machine has cores;
    ``allow_expired`` are suites whose archives may be past their Valid-Until.
    """

    store: Path | None = None
    config: Path | None = None
    lock: Path | None = None
    mirrors: tuple[tuple[str, str], ...] = ()
    allow_expired: tuple[str, ...] = ()
    offline: bool = False
    jobs: int = 0
