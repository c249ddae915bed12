# SPDX-License-Identifier: Apache-2.0
"""One table of platforms with every name each of them has."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Platform:
    """One platform: OCI names, and what Debian, GNU and the official-images library call it.

    ``library`` is the library-manifest name (``arm32v7``). Windows has neither Debian nor GNU names.
    """

    os: str
    architecture: str
    variant: str
    debian: str
    gnu: str
    library: str
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.os, self.architecture, self.variant) if self.variant else (self.os, self.architecture)
        return "/".join(parts)


PLATFORMS: tuple[Platform, ...] = (
    Platform("linux", "amd64", "", "amd64", "x86_64-linux-gnu", "amd64", ("x86_64", "x86")),
    Platform("linux", "arm", "v5", "armel", "arm-linux-gnueabi", "arm32v5"),
    Platform("linux", "arm", "v6", "", "arm-linux-gnueabihf", "arm32v6"),
    Platform("linux", "arm", "v7", "armhf", "arm-linux-gnueabihf", "arm32v7"),
    Platform("linux", "arm64", "v8", "arm64", "aarch64-linux-gnu", "arm64v8", ("aarch64",)),
    Platform("linux", "386", "", "i386", "i386-linux-gnu", "i386"),
    Platform("linux", "mips64le", "", "mips64el", "mips64el-linux-gnuabi64", "mips64le"),
    Platform("linux", "ppc64le", "", "ppc64el", "powerpc64le-linux-gnu", "ppc64le"),
    Platform("linux", "riscv64", "", "riscv64", "riscv64-linux-gnu", "riscv64"),
    Platform("linux", "s390x", "", "s390x", "s390x-linux-gnu", "s390x"),
    Platform("windows", "amd64", "", "", "", "windows-amd64", ("winamd64",)),
)


def parse_platform(text: str) -> Platform:
    """Find a platform by any of its names: ``linux/arm64``, ``linux/arm/v7``, ``arm64v8``, ``ppc64el``…

    Raises ``ValueError`` naming the platforms there are.
    """
    wanted = text.strip().lower()
    for platform in PLATFORMS:
        names = {
            str(platform),
            f"{platform.os}/{platform.architecture}" if platform.architecture != "arm" else "",
            platform.library,
            platform.debian,
            *platform.aliases,
        }
        if platform.os == "linux" and platform.architecture != "arm":
            names.add(platform.architecture)
        if wanted in names - {""}:
            return platform
    known = ", ".join(str(platform) for platform in PLATFORMS)
    raise ValueError(f"unknown platform {text!r}; known are {known}")
