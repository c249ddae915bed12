# SPDX-License-Identifier: Apache-2.0
"""The newest version of every package in a suite's archives, and in its security archive."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imagewright.app.apks import ApkArchives
from imagewright.app.archives import Archives, mirrors_of
from imagewright.app.world import World
from imagewright.archives.debian.acquire import ArchiveIndex
from imagewright.events import Sink
from imagewright.model.packages import PackageSystem
from imagewright.model.ports import Ports
from imagewright.planning.outdated import Newest, Versions, is_security
from imagewright.store.store import Store


def security_versions(
    world: World, store: Store, ports: Ports, suite: str, architecture: str, sink: Sink
) -> Versions:
    """By package name, the newest version in the security archives of a suite."""
    indexes = _archives(world, store, ports, sink).of_suite(
        suite,
        architecture,
        only=tuple(one.name for one in world.catalog.by_suite[suite].archives if is_security(one.name)),
    )
    newest = Newest()
    _read(newest, indexes, None)
    return newest.security


def newest_versions(
    world: World, store: Store, ports: Ports, suite: str, architecture: str, names: Collection[str], sink: Sink
) -> Newest:
    """The newest versions of some packages in all archives of a suite."""
    if world.catalog.by_suite[suite].system is PackageSystem.APK:
        newest = Newest(system=PackageSystem.APK)
        for apks in ApkArchives(world, store, ports, mirrors_of(world), sink).of_suite(suite, architecture):
            for apk in apks.packages():
                if apk.name in names:
                    newest.add(apk.name, apk.version, apks.archive.suite)
        return newest
    newest = Newest()
    _read(newest, _archives(world, store, ports, sink).of_suite(suite, architecture), names)
    return newest


def _archives(world: World, store: Store, ports: Ports, sink: Sink) -> Archives:
    return Archives(world, store, ports, mirrors_of(world), sink)


def _read(newest: Newest, indexes: Iterable[ArchiveIndex], names: Collection[str] | None) -> None:
    for index in indexes:
        for package in index.packages(names):
            if names is None or package.name in names:
                newest.add(package.name, package.version, index.archive.suite)
