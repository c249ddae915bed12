# SPDX-License-Identifier: Apache-2.0
"""A small image as entries in memory: a Debian of four packages, an interpreter, pip, and what hides something."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from imagewright.describe.contents import Described
from imagewright.describe.scan import is_kept, scan
from imagewright.model.digest import Digest
from imagewright.model.tree import Content, Entry, EntryStream, Kind
from imagewright.oci.config import Config, Execution, History
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.toc import TocEntry, read_toc

Layer = Sequence[tuple[Entry, bytes]]

LIBRARY = "usr/local/lib/python3.13"
STATUS = """Package: libc6
Status: install ok installed
Section: libs
Installed-Size: 13000
Version: 2.41-12+deb13u4
Architecture: amd64
Source: glibc
Homepage: https://www.gnu.org/software/libc/libc.html

Package: libc-bin
Status: install ok installed
Section: libs
Installed-Size: 1500
Version: 2.41-12+deb13u4
Architecture: amd64
Source: glibc

Package: passwd
Status: install ok installed
Section: admin
Version: 1:4.17.4-2
Architecture: amd64
Source: shadow (1:4.17.4-2)

Package: firmware
Status: install ok installed
Section: non-free/kernel
Version: 20250410-2
Architecture: all
"""
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
License: LGPL-2.1+

Files: debian/*
License: Expat or GPL-2+
"""
SOURCES = """Types: deb
URIs: http://archive.example/debian
Suites: trixie trixie-updates
Components: main

Types: deb
URIs: http://archive.example/debian-security/
Suites: trixie-security
Components: main
"""
ENVIRONMENT = (("PYTHON_VERSION", "3.13.15"),)
SYSCONFIG = """# system configuration generated and used by the sysconfig module
build_time_vars = {'CC': 'gcc',
 'CONFIG_ARGS': "'--enable-shared' '--with-lto'",
 'Py_DEBUG': 0,
 'SOABI': 'cpython-313-x86_64-linux-gnu'}
"""
CHANGELOG = """glibc (2.41-12+deb13u4) trixie-security; urgency=medium

  * Fix an overflow (CVE-2026-0001).

 -- A Maintainer <a@example.org>  Mon, 02 Nov 2026 13:41:34 +0000

glibc (2.41-12+deb13u3) trixie; urgency=medium

  * An older change.

 -- A Maintainer <a@example.org>  Sun, 01 Feb 2026 10:00:00 +0000
"""


def file(
    path: str, content: str | bytes = b"", mode: int = 0o644, *, uid: int = 0, gid: int = 0
) -> tuple[Entry, bytes]:
    """A regular file."""
    data = content.encode() if isinstance(content, str) else content
    return Entry(path, Kind.FILE, mode, size=len(data), mtime=0, uid=uid, gid=gid), data


def directory(path: str) -> tuple[Entry, bytes]:
    """A directory."""
    return Entry(path, Kind.DIRECTORY, 0o755), b""


def link(path: str, target: str) -> tuple[Entry, bytes]:
    """A symbolic link."""
    return Entry(path, Kind.SYMLINK, 0o777, link=target), b""


def base(status: str = STATUS) -> Layer:
    """The lowest layer."""
    return (
        link("lib", "usr/lib"),
        directory("usr"),
        file("etc/apt/sources.list.d/debian.sources", SOURCES),
        file("etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'),
        file("usr/bin/passwd", b"x" * 1200, 0o4755),
        file("usr/bin/expiry", b"x" * 300, 0o2755, gid=42),
        file("usr/lib/libc.so.6", b"x" * 2000, 0o755),
        file("usr/share/doc/libc6/copyright", COPYRIGHT),
        file("usr/share/doc/libc6/changelog.Debian.gz", gzip.compress(CHANGELOG.encode(), mtime=0)),
        file("usr/share/doc/passwd/copyright", "This is free software.\n"),
        file("usr/share/old/gone", b"x" * 50),
        file("var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib/libc.so.6\n/usr/share/doc/libc6/copyright\n"),
        file("var/lib/dpkg/info/passwd.list", "/.\n/usr/bin/passwd\n/usr/bin/expiry\n"),
        file("var/lib/dpkg/status", status),
    )


def python(sysconfig: str = SYSCONFIG, *more: tuple[Entry, bytes]) -> Layer:
    """The interpreter's layer, which hides something of the lowest."""
    packages = f"{LIBRARY}/site-packages"
    return (
        file(f"{LIBRARY}/_sysconfigdata__linux_x86_64-linux-gnu.py", sysconfig),
        file(f"{LIBRARY}/abc.py", b"x" * 600),
        file(f"{LIBRARY}/json/__init__.py", b"x" * 90),
        file(f"{LIBRARY}/json/decoder.py", b"x" * 80),
        file(f"{LIBRARY}/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so", b"x" * 700, 0o755),
        file(f"{packages}/pip-26.2.1.dist-info/METADATA", "Name: pip\nVersion: 26.2.1\nLicense-Expression: MIT\n"),
        file(
            f"{packages}/pip-26.2.1.dist-info/RECORD",
            "pip/__init__.py,sha256=x,40\n../../../bin/pip,,\npip-26.2.1.dist-info/METADATA,,\npip-26.2.1.dist-info/RECORD,,\n",
        ),
        file(f"{packages}/pip/__init__.py", b"x" * 40),
        file("usr/local/bin/pip", b"x" * 20, 0o755),
        file("usr/share/old/.wh.gone"),
        *more,
    )


def described(*layers: Layer, environment: Iterable[tuple[str, str]] = ENVIRONMENT) -> Described:
    """The image of these layers, scanned."""
    descriptors = tuple(
        Descriptor(LAYER_GZIP, Digest.of(repr(layer).encode()), 1000 * number)
        for number, layer in enumerate(layers, start=1)
    )
    config = Config(
        Target("linux", "amd64"),
        tuple(each.digest for each in descriptors),
        Execution(environment=tuple(environment), command=("python3",)),
        tuple(History(comment=f"layer {number}") for number, _ in enumerate(layers, start=1)),
    )
    manifest = Manifest(Descriptor.of(CONFIG, config.encode()), descriptors)
    streams = map(table, layers)
    return Described("linux/amd64", Digest.of(manifest.encode()), manifest, config, scan(streams))


def table(layer: Iterable[tuple[Entry, bytes]]) -> Iterator[TocEntry]:
    """The table of contents of a layer."""
    return read_toc(entries(layer), is_kept)


def entries(layer: Iterable[tuple[Entry, bytes]]) -> EntryStream:
    """A layer as readers have it."""
    return ((entry, _content(entry, data)) for entry, data in layer)


def _content(entry: Entry, data: bytes) -> Content:
    return io.BytesIO(data) if entry.kind is Kind.FILE else None


def retimed(entry: Entry, mtime: int) -> Entry:
    """The same entry at another time."""
    return replace(entry, mtime=mtime)
