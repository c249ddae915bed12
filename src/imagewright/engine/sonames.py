# SPDX-License-Identifier: Apache-2.0
"""Which packages an interpreter needs: from the sonames in its ELF files to packages, without a solver."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO

from imagewright.archives.debian.deb import open_deb
from imagewright.errors import BuildError
from imagewright.model.packages import LockedPackage
from imagewright.model.tree import Kind
from imagewright.recipes.roots import closure

Opener = Callable[[LockedPackage], BinaryIO]

# Directories the dynamic loader searches on Debian (ld.so(8), and /etc/ld.so.conf.d of libc6).
_LIBRARY = re.compile(r"(?:usr/)?lib(?:32|64|x32)?/(?:[a-z0-9_]+-linux-[a-z0-9_]+/)?([^/]+\.so(?:\.[^/]+)?)")


def provides_soname(
    packages: Iterable[LockedPackage], open_package: Opener, *, wanted: Iterable[str] = ()
) -> dict[str, str]:
    """Soname → the package that has it.

    What a package's ``shlibs`` say comes first, which is quick to read. Names in ``wanted`` that nobody's
    ``shlibs`` mention are looked for among the library files of the packages. Where two have one, the first by
    name counts.
    """
    ordered = sorted(packages, key=lambda package: package.name)
    found: dict[str, str] = {}
    for package in ordered:
        with open_package(package) as file:
            for soname in open_deb(file, str(package)).control.sonames:
                found.setdefault(soname, package.name)
    missing = set(wanted) - found.keys()
    for package in ordered:
        if not missing:
            break
        with open_package(package) as file:
            for soname in sorted(missing & _libraries(file, package)):
                found[soname] = package.name
                missing.discard(soname)
    return found


def _libraries(file: BinaryIO, package: LockedPackage) -> set[str]:
    """Names of a package's files and links in the loader's directories; a soname is one of them (Policy 8.1)."""
    matches = (
        _LIBRARY.fullmatch(entry.path)
        for entry, _ in open_deb(file, str(package)).entries()
        if entry.kind is not Kind.DIRECTORY
    )
    return {match[1] for match in matches if match}


def pick_runtime(
    needs: Mapping[str, str],
    base: Iterable[LockedPackage],
    candidates: Iterable[LockedPackage],
    wanted: Iterable[str],
    providers: Mapping[str, str],
) -> tuple[LockedPackage, ...]:
    """The candidates an image gets, sorted by name: those with the needed sonames, the wanted ones, and all they
    depend on, as far as ``base`` lacks them.

    ``needs`` maps each soname to a file that needs it, ``providers`` each to its package. Raises
    :class:`BuildError` naming file and soname if nobody has it, or the name if a wanted package is no candidate.
    """
    there = {package.name for package in base}
    by_name = {package.name: package for package in candidates if package.name not in there}
    names: list[str] = []
    for soname, file in sorted(needs.items()):
        provider = providers.get(soname)
        if provider is None or (provider not in there and provider not in by_name):
            raise BuildError(
                f"{file} needs {soname}, which no package of the image has",
                why=f"{provider} has it, but is not in the lock"
                if provider
                else "no locked package has that library",
                hint="add the package with that library to the runtime packages and lock again",
                details={"file": file, "soname": soname},
            )
        names.append(provider)
    for name in wanted:
        if name not in there and name not in by_name:
            raise BuildError(f"{name} is wanted in the image, but is not in the lock", hint="lock again")
        names.append(name)
    return tuple(by_name[name] for name in sorted(closure(names, by_name)))
