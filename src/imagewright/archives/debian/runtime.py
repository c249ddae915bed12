# SPDX-License-Identifier: Apache-2.0
"""Which packages an interpreter may turn out to need at run time, guessed before it is compiled.

What it links with comes through the -dev packages it is built with, and a -dev package depends on the package
with the shared library, directly or through other -dev packages (Policy 8.4). That is more than is needed; which
candidates an image gets follows from its ELF files.
"""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.solver import Solution, solve
from imagewright.archives.debian.universe import Universe

_DEVELOPMENT_SECTION = "libdevel"
_LIBRARY_SECTIONS = frozenset({"libs", "oldlibs"})


def runtime_candidates(
    universe: Universe,
    build_packages: Iterable[str],
    base: Iterable[BinaryPackage],
    *,
    wanted: Iterable[str] = (),
) -> Solution:
    """Libraries that the -dev packages among ``build_packages`` bring, and ``wanted``, with all they depend on.

    ``build_packages`` are the wanted build dependencies, as for :func:`solve`; ``base`` is left out of the result.
    ``roots`` of the result are the libraries and what was wanted. Raises ``SolveError``.
    """
    installed = tuple(base)
    buildroot = solve(universe, build_packages)
    return solve(universe, [*wanted, *libraries(buildroot)], installed=installed)


def libraries(buildroot: Solution) -> tuple[str, ...]:
    """Names of the shared-library packages that the -dev packages asked for lead to, sorted."""
    packages = {package.name: package for package in buildroot.packages}
    queue = [name for name in buildroot.roots if is_development(packages[name])]
    seen: set[str] = set()
    found: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        for dependency in buildroot.edges[name]:
            if is_development(packages[dependency]):
                queue.append(dependency)
            elif is_library(packages[dependency]):
                found.add(dependency)
    return tuple(sorted(found))


def is_development(package: BinaryPackage) -> bool:
    """Whether it is a package to build with: headers and links to libraries."""
    return package.name.endswith("-dev") or _section(package) == _DEVELOPMENT_SECTION


def is_library(package: BinaryPackage) -> bool:
    """Whether it may hold a shared library: section libs, compiled, and usable by its own architecture only."""
    compiled = package.architecture != "all" and package.multi_arch != "foreign"
    return compiled and _section(package) in _LIBRARY_SECTIONS


def _section(package: BinaryPackage) -> str:
    """Without the archive area (``contrib/libs``)."""
    return package.section.rpartition("/")[2]
