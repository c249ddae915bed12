# SPDX-License-Identifier: Apache-2.0
"""One table of platforms with every name each of them has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform: OCI names, and what Debian, GNU and the official-images library call it.

    ``debian`` is dpkg's architecture, ``gnu`` its GNU type (DEB_HOST_GNU_TYPE, what compilers and configure
    scripts say), ``multiarch`` the directory of its libraries (DEB_HOST_MULTIARCH); they differ on i386 only.
    ``library`` is the library-manifest name (``arm32v7``). Windows has neither Debian nor GNU names, Debian no
    ARMv6.
    """

    os: str
    architecture: str
    variant: str
    debian: str
    gnu: str
    multiarch: str
    library: str
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.os, self.architecture, self.variant) if self.variant else (self.os, self.architecture)
        return "/".join(parts)

    @property
    def repository(self) -> str:
        """What the repository of this platform alone is called: ``arm64v8/python``, ``winamd64/python``."""
        return f"win{self.architecture}" if self.os == "windows" else self.library

    @property
    def names(self) -> frozenset[str]:
        """Every name that means this platform and no other."""
        found = {str(self), self.library, self.debian, *self.aliases}
        if self.architecture != "arm":  # its bare name does not say which of the three
            found.add(f"{self.os}/{self.architecture}")
            if self.os == "linux":
                found.add(self.architecture)
        return frozenset(found - {""})


def _linux(
    architecture: str,
    debian: str,
    gnu: str,
    library: str,
    *,
    variant: str = "",
    multiarch: str = "",
    also: str = "",
) -> Platform:
    return Platform("linux", architecture, variant, debian, gnu, multiarch or gnu, library, tuple(also.split()))


PLATFORMS: tuple[Platform, ...] = (
    _linux("amd64", "amd64", "x86_64-linux-gnu", "amd64", also="x86_64 x86 x86-64"),
    _linux("arm", "armel", "arm-linux-gnueabi", "arm32v5", variant="v5"),
    _linux("arm", "", "arm-linux-gnueabihf", "arm32v6", variant="v6"),
    _linux("arm", "armhf", "arm-linux-gnueabihf", "arm32v7", variant="v7"),
    _linux("arm64", "arm64", "aarch64-linux-gnu", "arm64v8", variant="v8", also="aarch64"),
    _linux("386", "i386", "i686-linux-gnu", "i386", multiarch="i386-linux-gnu", also="i686"),
    _linux("mips64le", "mips64el", "mips64el-linux-gnuabi64", "mips64le"),
    _linux("ppc64le", "ppc64el", "powerpc64le-linux-gnu", "ppc64le"),
    _linux("riscv64", "riscv64", "riscv64-linux-gnu", "riscv64"),
    _linux("s390x", "s390x", "s390x-linux-gnu", "s390x"),
    Platform("windows", "amd64", "", "", "", "", "windows-amd64", ("winamd64",)),
)
"""In the order in which library manifests list them."""

_BY_NAME = {name: platform for platform in PLATFORMS for name in platform.names}


def parse_platform(text: str) -> Platform:
    """Find a platform by any of its names: ``linux/arm64``, ``linux/arm/v7``, ``arm64v8``, ``ppc64el``…

    Raises ``ValueError`` naming the platforms there are.
    """
    found = _BY_NAME.get(text.strip().lower())
    if found is None:
        known = ", ".join(str(platform) for platform in PLATFORMS)
        raise ValueError(f"unknown platform {text!r}; known are {known}")
    return found


def in_order(platforms: Iterable[Platform]) -> tuple[Platform, ...]:
    """The platforms in the table's order, each once."""
    chosen = set(platforms)
    return tuple(platform for platform in PLATFORMS if platform in chosen)
