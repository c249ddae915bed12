# SPDX-License-Identifier: Apache-2.0
"""What is different where an interpreter is compiled on Alpine Linux, against musl. Pure data.

Sources: Alpine's package database for names; musl's documentation of thread stacks (wiki, "functional differences
from glibc"); the official image's Dockerfiles for what is needed at all.
"""

from __future__ import annotations

from imagewright.model.platforms import PLATFORMS

STACK_FLAG = "-DTHREAD_STACK_SIZE=0x100000"
"""musl gives a thread 128 KiB, and CPython's limit of recursion wants more: deep recursion would be a crash."""

ARCHITECTURES = {
    "amd64": ("x86_64", "x86_64-alpine-linux-musl"),
    "arm32v6": ("armhf", "armv6-alpine-linux-musleabihf"),
    "arm32v7": ("armv7", "armv7-alpine-linux-musleabihf"),
    "arm64v8": ("aarch64", "aarch64-alpine-linux-musl"),
    "i386": ("x86", "i586-alpine-linux-musl"),
    "ppc64le": ("ppc64le", "powerpc64le-alpine-linux-musl"),
    "riscv64": ("riscv64", "riscv64-alpine-linux-musl"),
    "s390x": ("s390x", "s390x-alpine-linux-musl"),
}
"""The library's name of a platform → Alpine's, and the triplet of Alpine's gcc."""


def architecture_of(debian: str) -> str:
    """Alpine's name of one of Debian's architectures. Raises ``KeyError`` for one that Alpine has not."""
    return _BY_DEBIAN[debian]


_BY_DEBIAN = {
    platform.debian: ARCHITECTURES[platform.library][0]
    for platform in PLATFORMS
    if platform.debian and platform.library in ARCHITECTURES
}
