# SPDX-License-Identifier: Apache-2.0
"""Which packages an interpreter needs: from the sonames in its ELF files to the packages that have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagewright.archives.debian.deb import parse_shlibs, parse_symbols, read_control
from imagewright.errors import BuildError
from imagewright.model.packages import LockedPackage
from imagewright.model.ports import BlobStore
from imagewright.recipes.roots import closure

_LARGEST = 16 << 20
"""Characters of one file of dpkg's database."""


@dataclass(frozen=True, slots=True)
class RuntimePackages:
    """What is added to a base: ``packages`` sorted by name, of which ``automatic`` are there for others only."""

    packages: tuple[LockedPackage, ...]
    automatic: tuple[LockedPackage, ...]


def choose(
    needs: Mapping[str, str],
    base: frozenset[str],
    candidates: Iterable[tuple[LockedPackage, frozenset[str]]],
    wanted: Iterable[str],
) -> RuntimePackages:
    """Choose from ``candidates`` (each with its sonames) what ``needs`` and ``wanted`` come to.

    ``needs`` maps a soname to the file that needs it; ``base`` are the sonames that are there already. Of several
    packages with one soname the first by name is taken. Raises :class:`BuildError` naming file and soname where
    nobody has it.
    """
    offers = sorted(candidates, key=lambda offer: offer[0].name)
    by_name = {package.name: package for package, _ in offers}
    asked = {name for name in wanted if name in by_name}
    for soname, file in needs.items():
        if soname in base:
            continue
        provider = next((package.name for package, sonames in offers if soname in sonames), None)
        if provider is None:
            raise BuildError(
                f"{file} needs {soname}, which no package of the lock has",
                why="the interpreter was linked with a library that none of the build's -dev packages leads to",
                hint="name the package that has it under `packages` in imagewright.toml, and lock again",
            )
        asked.add(provider)
    names = closure(asked, by_name)
    return RuntimePackages(
        packages=tuple(by_name[name] for name in sorted(names)),
        automatic=tuple(by_name[name] for name in sorted(names - asked)),
    )


def installed_sonames(root: Path) -> frozenset[str]:
    """The sonames of the packages installed in a root, from dpkg's database."""
    found: set[str] = set()
    info = root / "var/lib/dpkg/info"
    for pattern, parse in (("*.shlibs", parse_shlibs), ("*.symbols", parse_symbols)):
        for path in sorted(info.glob(pattern)):
            with path.open(encoding="utf-8", errors="surrogateescape") as file:
                found |= parse(file.read(_LARGEST).splitlines())
    return frozenset(found)


def package_sonames(
    packages: Iterable[LockedPackage], blobs: BlobStore
) -> list[tuple[LockedPackage, frozenset[str]]]:
    """Each package with the sonames that its own control data gives it."""
    found = []
    for package in packages:
        with blobs.open(package.sha256) as file:
            found.append((package, read_control(file, str(package)).sonames))
    return found
