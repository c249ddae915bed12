# SPDX-License-Identifier: Apache-2.0
"""Questions to locked packages that need no solver."""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagewright.model.lock import PackageSet
from imagewright.model.packages import LockedPackage

_COMPILER = re.compile(r"gcc-\d+", re.ASCII)


def closure(packages: Iterable[LockedPackage], names: Iterable[str]) -> tuple[LockedPackage, ...]:
    """The packages of a set that ``names`` and all they depend on come to, by name.

    Names that are not in the set count for nothing.
    """
    by_name = {package.name: package for package in packages}
    queue, seen = [name for name in names if name in by_name], set[str]()
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += [need for need in by_name[name].depends if need in by_name]
    return tuple(package for name, package in sorted(by_name.items()) if name in seen)


def compiler_of(buildroot: PackageSet) -> str:
    """The compiler in a build root, as profiles name it: ``gcc-14 14.2.0-19``; "" if there is none."""
    found = (package for package in buildroot.packages if _COMPILER.fullmatch(package.name))
    return next((f"{package.name} {package.version}" for package in found), "")
