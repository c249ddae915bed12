# SPDX-License-Identifier: Apache-2.0
"""The packages of a real Alpine Linux, packed again out of a root in which they are installed.

Files, scripts, triggers and relations are Alpine's own, by apk's database; the tests sign them. What that root
lacks comes from Debian: a compiler that links with musl, headers, time zones.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from support.alpine_world import MUSL, AlpineWorld, deb_files, suite_tables, tool_recipes
from support.apks import Node, Recipe

BRANCH = "v3.23"
SPEC = "3.13-alpine3.23"
HEADERS = {"openssl": "libssl-dev", "xz": "liblzma-dev", "util-linux": "uuid-dev", "zlib": "zlib1g-dev"}
"""Alpine's source packages whose libraries are there → Debian's packages with their headers."""

_LIBRARIES = {
    "openssl": ("libssl.so.3", "libcrypto.so.3"),
    "xz": ("liblzma.so.5",),
    "util-linux": ("libuuid.so.1",),
    "zlib": ("libz.so.1",),
}
_LEFT_OUT = frozenset({"linux-virt", "mkinitfs"})
_SCRIPT = re.compile(r"(.+)\.X1[0-9a-f]{40}\.([a-z-]+)")
_INCLUDE = "usr/include/x86_64-linux-musl"

_LINKED = {"musl": ("so:libc.so=1",)}
"""Debian's musl, which is linked with, is named otherwise; the loader takes itself for it (ldso/dynlink.c)."""

_LINKS = {"musl": {"lib/libc.so": Node(link="ld-musl-x86_64.so.1")}}

_NO_COMPRESSION = b"#undef OPENSSL_NO_COMP\n#define OPENSSL_NO_COMP\n"
"""Alpine's OpenSSL is configured without what Debian's headers say is there: ``COMP_get_type`` and its like."""

MODULES = ("_bz2", "_ctypes", "_curses", "_curses_panel", "_dbm", "_gdbm", "_sqlite3", "_tkinter", "readline")
"""Extension modules whose libraries that Alpine lacks."""


def real_world(root: Path, debs: Path) -> AlpineWorld:
    """An archive of what is installed in ``root``, and of what compiles CPython."""
    world = AlpineWorld(branch=BRANCH)
    for recipe in (*repacked(root), *tool_recipes(debs, shell="busybox-binsh"), *_development(debs)):
        world.add(recipe)
    zones = {
        path: node for path, node in deb_files(debs, "tzdata").items() if path.startswith("usr/share/zoneinfo/")
    }
    world.add(Recipe("tzdata", "2026a-r0", zones))
    world.write()
    return world


def repacked(root: Path) -> Iterator[Recipe]:
    """A package for each that apk's database names."""
    scripts = _scripts(root)
    for paragraph in (root / "lib/apk/db/installed").read_text().split("\n\n"):
        fields = {
            line[0]: line[2:] for line in paragraph.split("\n") if line[1:2] == ":" and line[0] not in "FMRaZ"
        }
        if not fields or fields["P"] in _LEFT_OUT:
            continue
        label = f"{fields['P']}-{fields['V']}"
        yield Recipe(
            fields["P"],
            fields["V"],
            _files(root, paragraph) | _LINKS.get(fields["P"], {}),
            depends=fields.get("D", "").split(),
            provides=(*fields.get("p", "").split(), *_LINKED.get(fields["P"], ())),
            install_if=fields.get("i", "").split(),
            replaces=fields.get("r", "").split(),
            triggers=_triggers(root).get(fields["C"], ()),
            scripts=scripts.get(label, {}),
            origin=fields.get("o", ""),
            priority=int(fields.get("k", 0)),
            built=int(fields.get("t", 0)),
        )


def _files(root: Path, paragraph: str) -> dict[str, Node]:
    found: dict[str, Node] = {}
    directory = ""
    for line in paragraph.split("\n"):
        if line.startswith("F:"):
            directory = line[2:]
        if line[:2] in {"F:", "R:"}:
            path = directory if line.startswith("F:") else f"{directory}/{line[2:]}".lstrip("/")
            place = root / path
            if path and (place.exists() or place.is_symlink()):
                found[path] = _node(place)
        elif line.startswith("M:") and directory in found:  # what the disk's reader does not tell: the sticky bit
            uid, gid, mode = line[2:].split(":")[:3]
            found[directory] = replace(found[directory], uid=int(uid), gid=int(gid), mode=int(mode, 8))
    return found


def _node(path: Path) -> Node:
    info = path.lstat()
    if path.is_symlink():
        return Node(link=str(path.readlink()))
    content = None if path.is_dir() else path.read_bytes()
    return Node(content, mode=info.st_mode & 0o7777, uid=info.st_uid, gid=info.st_gid)


def _scripts(root: Path) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    with tarfile.open(root / "lib/apk/db/scripts.tar.gz") as archive:
        for member in archive:
            match, file = _SCRIPT.fullmatch(member.name), archive.extractfile(member)
            assert match is not None
            assert file is not None
            found.setdefault(match[1], {})[match[2]] = file.read().decode()
    return found


def _triggers(root: Path) -> dict[str, tuple[str, ...]]:
    lines = (line.split() for line in (root / "lib/apk/db/triggers").read_text().splitlines())
    return {words[0]: tuple(words[1:]) for words in lines}


def _development(debs: Path) -> Iterator[Recipe]:
    """Headers, and the names by which the linker asks for libraries."""
    for name, deb in HEADERS.items():
        files = {
            path.replace("usr/include/x86_64-linux-gnu/", "usr/include/").replace("usr/include", _INCLUDE, 1): node
            for path, node in deb_files(debs, deb).items()
            if path.startswith("usr/include/")
        }
        for library in _LIBRARIES[name]:
            files[f"{MUSL}/{library.partition('.so')[0]}.so"] = Node(link=f"/usr/lib/{library}")
        if name == "openssl":
            configured = files[f"{_INCLUDE}/openssl/configuration.h"]
            files[f"{_INCLUDE}/openssl/configuration.h"] = replace(
                configured, data=(configured.data or b"") + _NO_COMPRESSION
            )
            # CPython's configure looks for headers at this place alone.
            files["usr/include/openssl"] = Node(link="x86_64-linux-musl/openssl")
        yield Recipe(f"{name}-dev", "1-r0", files, depends=[f"so:{library}" for library in _LIBRARIES[name]])


_BASE = """\
foundation = [
  { name = "alpine-baselayout", why = "directories, users and groups" },
  { name = "busybox", why = "the shell and the common programs" },
]
base = [
  { name = "alpine-keys", why = "whom apk believes" },
  { name = "alpine-release", why = "the distribution's name and version" },
  { name = "apk-tools", why = "installs packages in images derived from this one" },
  { name = "musl-utils", why = "ldd, getconf and the like" },
]
"""


def configuration(url: str) -> str:
    """``imagewright.toml``: the catalog's own suite, but for who signs, and a list of what compiles."""
    names = "dash gcc make coreutils findutils grep sed tar xz musl-dev openssl-dev xz-dev util-linux-dev zlib-dev"
    build = "".join(f'  {{ name = "{name}", why = "builds" }},\n' for name in names.split())
    absent = ", ".join(f'"{name}"' for name in MODULES)
    return f"""{suite_tables(url, BRANCH, _BASE)}
[[catalog.variant]]
name = "alpine"
word = "alpine"
title = "on Alpine Linux"
distributions = ["alpine"]
slim = true
absent_modules = [{absent}]
packages = [
  {{ name = "ca-certificates", why = "TLS with the public certificate authorities" }},
  {{ name = "tzdata", why = "time zones for zoneinfo" }},
]
build = [
{build}]
"""
