# SPDX-License-Identifier: Apache-2.0
"""What is different where an interpreter is compiled on Alpine Linux, against musl. Pure data.

Sources: Alpine's package database for names; musl's documentation of thread stacks (wiki, "functional differences
from glibc", "Thread stack size"); the official image's Dockerfiles for what is needed at all.
"""

from __future__ import annotations

from imagewright.model.platforms import PLATFORMS

STACK_SIZE = 8 << 20
"""Bytes of a thread's stack: what CPython's own limits of recursion are made for, and the most that musl heeds.

musl gives a thread 128 KiB where glibc gives it 8 MiB, as `ulimit -s` says. CPython counts on the latter: 3.12
and 3.13 stop recursion in C code after 10,000 calls (Py_C_RECURSION_LIMIT), and 3.14, which asks glibc where a
stack ends and cannot ask musl, takes several MB for granted (Py_C_STACK_SIZE). The official images have 1 MiB,
enough for recursion in Python; with it, endless recursion in C in a thread is a crash and no RecursionError. A
stack that is not used costs addresses and no memory.
"""

STACK_FLAG = f"-DTHREAD_STACK_SIZE={STACK_SIZE:#x}"
"""For threads that Python starts: the preprocessor's name is Python/thread_pthread.h's."""

STACK_LINKING = f"-Wl,-z,stack-size={STACK_SIZE:#x}"
"""For threads that libraries start and that call Python: musl takes the size from the program's PT_GNU_STACK."""

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
