# SPDX-License-Identifier: Apache-2.0
"""Trained profiles that ship with the catalog: what each was trained for, and which one fits a build.

``data/profiles`` holds ``NAME.tar.xz`` and ``NAME.toml`` beside it. A profile fits a build of the same release,
suite, architecture and flavour, with the same major version of the same compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.catalog.reading import Table, parse_document
from imagewright.errors import Problems
from imagewright.model.lock import LockedProfile

_COMPILER = re.compile(r"(?P<name>[a-z]+(?:-\d+)?) (?P<version>[0-9][A-Za-z0-9.+:~-]*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShippedProfile:
    """A profile, and how it was made: for people, not part of any identity."""

    locked: LockedProfile
    notes: tuple[tuple[str, str], ...]


def read_profile(text: str, name: str) -> ShippedProfile:
    """Read ``NAME.toml``; the profile itself is ``NAME.tar.xz``. Raises :class:`ConfigurationError`."""
    problems = Problems()
    table = Table(parse_document(text, name), "", problems)
    locked = LockedProfile(
        release=table.text("release"),
        suite=table.text("suite"),
        architecture=table.text("architecture"),
        flavour=table.text("flavour", ""),
        compiler=table.text("compiler", pattern=_COMPILER.pattern, of="a compiler such as gcc-14 14.2.0-19"),
        size=table.integer("size", minimum=1, maximum=1 << 30),
        sha256=table.digest("sha256"),
        origin=f"catalog:{name.removesuffix('.toml')}.tar.xz",
    )
    known = {"release", "suite", "architecture", "flavour", "compiler", "size", "sha256"}
    notes = tuple((key, str(table.note(key))) for key in table.written() if key not in known)
    problems.raise_if_any(f"the profile {name} is wrong")
    return ShippedProfile(locked, notes)


def compiler_major(compiler: str) -> str:
    """The major version a profile depends on: ``gcc-14`` of ``gcc-14 14.2.0-19`` or of ``gcc-14``."""
    match = _COMPILER.fullmatch(compiler)
    if match is None:
        return compiler
    name, version = match["name"], match["version"].rpartition(":")[2]
    return name if "-" in name else f"{name}-{version.partition('.')[0]}"


def fitting_profile(
    profiles: Iterable[LockedProfile], *, release: str, suite: str, architecture: str, flavour: str, compiler: str
) -> LockedProfile | None:
    """The first profile that fits a build, if there is one."""
    wanted = (release, suite, architecture, flavour, compiler_major(compiler))
    for profile in profiles:
        has = (profile.release, profile.suite, profile.architecture, profile.flavour)
        if (*has, compiler_major(profile.compiler)) == wanted:
            return profile
    return None
