# SPDX-License-Identifier: Apache-2.0
"""What is different where an interpreter is compiled on Alpine Linux, against musl. Pure data.

Sources: Alpine's package database for names; musl's documentation of thread stacks (wiki, "functional differences
from glibc"); the official image's Dockerfiles for what is needed at all.
"""

from __future__ import annotations

from dataclasses import dataclass

STACK_FLAG = "-DTHREAD_STACK_SIZE=0x100000"
"""musl gives a thread 128 KiB, and CPython's limit of recursion wants more: deep recursion would be a crash."""

MISSING_MODULES = frozenset({"_dbm"})
"""Modules that need not be there: Alpine has no Berkeley DB, and its gdbm may come without the old interface."""


@dataclass(frozen=True, slots=True)
class ApkWish:
    """A package of Alpine's that is asked for, and why; ``since`` is the series from which it is needed."""

    name: str
    why: str
    since: tuple[int, int] = (0, 0)


BUILD = (
    ApkWish("gcc", "compiles and links"),
    ApkWish("libc-dev", "headers of musl"),
    ApkWish("linux-headers", "headers of the kernel, which are apart from musl's"),
    ApkWish("make", "runs CPython's build"),
    ApkWish("pkgconf", "configure asks it for libraries"),
    ApkWish("coreutils", "the recipe's scripts are written for GNU's tools"),
    ApkWish("findutils", "the same"),
    ApkWish("grep", "the same"),
    ApkWish("sed", "the same"),
    ApkWish("tar", "the same"),
    ApkWish("xz", "unpacks the source"),
    ApkWish("pax-utils", "scanelf tells which libraries the result needs"),
    ApkWish("bluez-dev", "headers for AF_BLUETOOTH in socket; nothing is linked"),
    ApkWish("bzip2-dev", "module bz2"),
    ApkWish("gdbm-dev", "module dbm.gnu"),
    ApkWish("libffi-dev", "module ctypes"),
    ApkWish("ncurses-dev", "modules curses and curses.panel"),
    ApkWish("openssl-dev", "modules ssl and hashlib"),
    ApkWish("readline-dev", "module readline"),
    ApkWish("sqlite-dev", "module sqlite3"),
    ApkWish("tcl-dev", "module tkinter"),
    ApkWish("tk", "the same: its stub library is there only"),
    ApkWish("tk-dev", "the same"),
    ApkWish("util-linux-dev", "module uuid"),
    ApkWish("xz-dev", "module lzma"),
    ApkWish("zlib-dev", "modules zlib and zipimport, and pip, whose wheel is compressed"),
    ApkWish("zstd-dev", "module compression.zstd", (3, 14)),
)
"""What is asked for where the interpreter is compiled."""

RUNTIME = (
    ApkWish("ca-certificates", "TLS with the public certificate authorities"),
    ApkWish("tzdata", "time zones for zoneinfo"),
)
"""What an image has besides what its interpreter needs."""

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
