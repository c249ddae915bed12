# SPDX-License-Identifier: Apache-2.0
"""Steps that only unpack: an emulator, and what an interpreter is compiled against."""

from __future__ import annotations

from imagewright.model.lock import PackageSet
from imagewright.model.plan import UnpackWork
from imagewright.model.processors import emulator_program
from imagewright.recipes.cross import SYSROOT_EXCLUDE, SYSROOT_INCLUDE


def emulator_work(found: PackageSet, architecture: str) -> UnpackWork:
    """Unpack of the emulators' package the one for ``architecture`` (Debian's name); all are half a gigabyte."""
    programs = tuple(f"/{name}" for name in emulator_program(architecture))
    return UnpackWork(
        suite=found.suite,
        architecture=found.architecture,
        packages=found.packages,
        exclude=("/usr/bin/*", "/usr/lib/*", "/usr/libexec/*", "/usr/share/*"),
        include=programs,
    )


def sysroot_work(found: PackageSet) -> UnpackWork:
    """Unpack headers and libraries, and nothing that could be taken for a program of the machine."""
    return UnpackWork(found.suite, found.architecture, found.packages, SYSROOT_EXCLUDE, SYSROOT_INCLUDE)
