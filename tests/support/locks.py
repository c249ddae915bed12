# SPDX-License-Identifier: Apache-2.0
"""A small archive in memory for locking and planning: every package the catalog asks for, and its libraries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from imagewright.archives.debian.packages import BinaryPackage
from imagewright.archives.debian.universe import Universe
from imagewright.catalog.model import Catalog
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import Settings, resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock, LockedArchive
from imagewright.model.platforms import parse_platform
from imagewright.planning.debian import DebianCandidates
from imagewright.planning.locking import LockInputs, make_lock

LIBRARIES = {
    "gcc": "gcc-14",
    "gcc-14": "libgcc-s1, binutils",
    "libbz2-dev": "libbz2-1.0",
    "libc6-dev": "libc6, linux-libc-dev",
    "libffi-dev": "libffi8",
    "libncurses-dev": "libncursesw6, libtinfo6",
    "libreadline-dev": "libreadline8, libncurses-dev",
    "libsqlite3-dev": "libsqlite3-0",
    "libssl-dev": "libssl3",
    "tk-dev": "libtk8.6, libx11-dev",
    "libx11-dev": "libx11-6",
    "libzstd-dev": "libzstd1",
    "zlib1g-dev": "zlib1g",
    "ca-certificates": "openssl",
    "openssl": "libssl3",
    "libreadline8": "libtinfo6, readline-common",
    "dash": "libc6",
    "apt": "libzstd1",
}
"""Package → its Depends. Every name is a package; those that begin with lib and are no -dev are libraries."""

ESSENTIAL = ("dash", "base-files")
REQUIRED = ("mawk",)


def universe(
    suite: str = "trixie",
    architecture: str = "amd64",
    *,
    versions: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    more: tuple[BinaryPackage, ...] = (),
) -> Universe:
    """All of it at version 1.0, but for ``versions``."""
    names = {*LIBRARIES, *ESSENTIAL, *REQUIRED, "curl"}
    for depends in LIBRARIES.values():
        names.update(depends.split(", "))
    catalog = shipped_catalog()
    names.update(wish.name for wish in catalog.toolchain)
    for variant in catalog.variants:
        names.update(wish.name for wish in (*variant.packages, *variant.base))
    names.update(("apt", "usr-is-merged", "procps", "ubuntu-keyring"))
    said = versions or {}
    packages = [
        package(name, said.get(name, "1.0"), suite, architecture=architecture)
        for name in sorted(names - set(without))
    ]
    return Universe([*packages, *more], architecture)


def candidates(
    suite: str = "trixie",
    architecture: str = "amd64",
    *,
    versions: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    more: tuple[BinaryPackage, ...] = (),
) -> DebianCandidates:
    """The same for locking."""
    return DebianCandidates(universe(suite, architecture, versions=versions, without=without, more=more))


def package(name: str, version: str = "1.0", suite: str = "trixie", **changes: object) -> BinaryPackage:
    """One package; its content follows from name and version."""
    fields: dict[str, object] = {
        "name": name,
        "version": version,
        "architecture": "amd64",
        "source": name,
        "source_version": version,
        "filename": f"pool/main/{name[0]}/{name}/{name}_{version}_amd64.deb",
        "size": 1000 + len(name),
        "sha256": Digest(hashlib.sha256(f"{name} {version} {suite}".encode()).hexdigest()),
        "essential": name in ESSENTIAL,
        "protected": False,
        "priority": "required" if name in (*ESSENTIAL, *REQUIRED) else "optional",
        "multi_arch": "",
        "section": _section(name),
        "archive": suite,
        "depends_text": LIBRARIES.get(name, ""),
    }
    return BinaryPackage(**{**fields, **changes})  # type: ignore[arg-type]


def _section(name: str) -> str:
    if name.endswith("-dev"):
        return "libdevel"
    return "libs" if name.startswith(("lib", "zlib")) else "utils"


def archives(
    suite: str = "trixie", date: str = "2026-09-12T07:55:41Z", architecture: str = "amd64"
) -> tuple[LockedArchive, ...]:
    """The states of a suite's archives."""
    found = shipped_catalog().by_suite[suite]
    return tuple(
        LockedArchive(
            name=found.lock_name(archive, architecture),
            mirror=found.mirror_of(archive, architecture),
            address=f"http://mirror.example/{found.mirror_of(archive, architecture)}",
            suite=archive.name,
            date=date,
            inrelease=Digest.of(f"{archive.name} {date}".encode()),
        )
        for archive in found.archives
    )


def definition(
    spec: str, *, settings: Settings | None = None, catalog: Catalog | None = None, platform: str = "amd64"
) -> ImageDefinition:
    """What a SPEC means."""
    return resolve(spec, catalog or shipped_catalog(), settings or resolve_settings(), parse_platform(platform))


def locked(
    *specs: str,
    previous: Lock | None = None,
    refresh_toolchain: bool = False,
    keep: bool = False,
    versions: Mapping[str, str] | None = None,
    without: tuple[str, ...] = (),
    more: tuple[BinaryPackage, ...] = (),
) -> Lock:
    """A lock of some images; the last three go to :func:`universe`."""

    def candidates_of(suite: str, architecture: str) -> DebianCandidates:
        return candidates(suite, architecture, versions=versions, without=without, more=more)

    definitions = [definition(spec) for spec in specs]
    suites = {one.name.suite for one in definitions} | {one.suite for one in (previous or Lock()).sets}
    inputs = LockInputs(candidates_of, tuple(archive for suite in sorted(suites) for archive in archives(suite)))
    return make_lock(
        definitions,
        shipped_catalog(),
        inputs,
        previous=previous,
        refresh_toolchain=refresh_toolchain,
        keep=keep,
    )
