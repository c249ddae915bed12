# SPDX-License-Identifier: Apache-2.0
"""An archive in Ubuntu's layout, made and signed for a test from real packages of Debian.

Ubuntu's packages cannot be had everywhere that tests run; what its archive does differently can be shown with
others: pockets with one codename, two components, zstd, no ``Valid-Until``, phased updates, a mirror for ports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from importlib import resources
from pathlib import Path

import pysequoia

from support.archive import SignedArchive, SigningKey
from support.debs import make_deb, repacked

CODENAME = "noble"
POCKETS = ("", "-updates", "-security")


@dataclass(frozen=True, slots=True)
class UbuntuArchive:
    """Three pockets below ``prefix``, whose files go into ``files`` (path → bytes) when written."""

    directory: Path
    files: dict[str, bytes]
    prefix: str = "ubuntu"
    key: SigningKey = field(default_factory=lambda: SigningKey.make("Test of Ubuntu <ubuntu@example.org>"))
    pockets: dict[str, SignedArchive] = field(default_factory=dict)

    def pocket(self, name: str) -> SignedArchive:
        """One pocket: ``""``, ``-updates`` or ``-security``."""
        return self.pockets.setdefault(name, SignedArchive(self.directory, self.key))

    def add(
        self,
        deb: Path,
        name: str,
        *,
        pocket: str = "",
        component: str = "main",
        phased: str = "",
        zstd: bool = False,
    ) -> None:
        """Add a .deb under a file name; ``phased`` is a percentage, ``zstd`` compresses it as Ubuntu does."""
        copy = self.directory / name
        copy.write_bytes(repacked(deb.read_bytes(), "zst") if zstd else deb.read_bytes())
        fields = {"Phased-Update-Percentage": phased} if phased else None
        self.pocket(pocket).add_deb(copy, component=component, fields=fields)
        copy.unlink()

    def add_keyring(self) -> None:
        """The package ubuntu-keyring, with this archive's key in it."""
        certificate = bytes(pysequoia.Cert.from_bytes(self.key.certificate.encode()))
        path = "usr/share/keyrings/ubuntu-archive-keyring.gpg"
        deb = make_deb(
            self.directory,
            "ubuntu-keyring",
            "2023.11.28.1",
            architecture="all",
            files={path: certificate},
            scripts={"md5sums": f"{hashlib.md5(certificate).hexdigest()}  {path}\n"},
            compression="zst",
        )
        self.pocket("").add_deb(deb)

    def write(
        self,
        *,
        codename: str = CODENAME,
        architectures: Sequence[str] = ("amd64",),
        date: datetime | None = None,
        signer: SigningKey | None = None,
        packages: bytes | None = None,
    ) -> None:
        """Sign what was added. ``packages`` replaces the index of the main pocket's main component."""
        for name in POCKETS:
            archive = self.pocket(name)
            archive.write(
                f"{codename}{name}",
                codename,
                directory=f"{codename}{name}",
                components=("main", "universe"),
                architectures=architectures,
                date=date,
                signers=None if signer is None else [signer],
                packages=packages if not name else None,
                list_all=False,
            )
            self.files.update({f"{self.prefix}/{path}": data for path, data in archive.files.items()})


def suite_table(fingerprint: str, codename: str = CODENAME) -> str:
    """The shipped catalog's table of a suite as ``imagewright.toml`` overrides it, with another key."""
    text = (resources.files("imagewright.catalog") / "data" / "suites.toml").read_text(encoding="utf-8")
    start = text.index(f'[[suite]]\nname = "{codename}"')
    table = text[start : text.index("[[suite]]", start + 1)]
    changed = table.replace("[[suite", "[[catalog.suite").replace(
        "F6ECB3762474EDA9D21B7022871920D1991BC93C", fingerprint
    )
    assert changed.count(fingerprint) == len(POCKETS)
    return changed
