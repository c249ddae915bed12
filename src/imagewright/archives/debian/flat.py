# SPDX-License-Identifier: Apache-2.0
"""The index of a directory with packages, as apt reads it (sources.list(5), "flat repository format")."""

from __future__ import annotations

from imagewright.archives.debian.deb import Control
from imagewright.model.packages import LockedPackage

INDEX = "Packages"


def file_name(package: LockedPackage) -> str:
    """The file of a package in such a directory: its epoch's colon is escaped, as apt itself does."""
    return f"{package.name}_{package.version.replace(':', '%3a')}_{package.architecture}.deb"


def stanza(package: LockedPackage, control: Control) -> str:
    """The paragraph of one package: its own control data, where it is, and what it must be."""
    text = control.text.strip("\n")
    place = f"Filename: ./{file_name(package)}\nSize: {package.size}\nSHA256: {package.sha256.hex}\n"
    return f"{text}\n{place}\n"
