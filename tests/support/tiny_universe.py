# SPDX-License-Identifier: Apache-2.0
"""Universes of a few packages, written like control files, for tests of the solver."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from imagewright.archives.debian.packages import BinaryPackage, PackageStanza, package_stanzas
from imagewright.archives.debian.universe import Universe


def packages(text: str, archive: str = "stable", architecture: str = "amd64") -> list[BinaryPackage]:
    """Packages from lines ``name version; Field: value; …``; blank lines are skipped."""
    return [stanza.read() for stanza in stanzas(text, archive, architecture)]


def stanzas(text: str, archive: str = "stable", architecture: str = "amd64") -> list[PackageStanza]:
    """The same, not read yet."""
    return list(package_stanzas([index(text, architecture)], archive))


def index(text: str, architecture: str = "amd64") -> bytes:
    """A Packages index of such lines."""
    stanzas = [_stanza(line.strip(), architecture) for line in text.splitlines() if line.strip()]
    return "\n\n".join(stanzas).encode()


def universe(*sources: str | Iterable[BinaryPackage], architecture: str = "amd64") -> Universe:
    """A universe from texts (see :func:`packages`) and packages."""
    found: list[BinaryPackage] = []
    for source in sources:
        found += packages(source) if isinstance(source, str) else source
    return Universe(found, architecture)


def _stanza(line: str, architecture: str) -> str:
    head, *fields = (part.strip() for part in line.split(";"))
    name, version = head.split()
    given = {field.partition(":")[0].lower() for field in fields}
    defaults = {
        "Architecture": architecture,
        "Priority": "optional",
        "Section": "misc",
        "Filename": f"pool/main/{name}_{version.replace(':', '%3a')}.deb",
        "Size": "1",
        "SHA256": hashlib.sha256(line.encode()).hexdigest(),
    }
    rest = [f"{field}: {value}" for field, value in defaults.items() if field.lower() not in given]
    return "\n".join([f"Package: {name}", f"Version: {version}", *fields, *rest, ""])
