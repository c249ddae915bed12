# SPDX-License-Identifier: Apache-2.0
"""What changed between two locks, for people and for ``--json``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from imagewright.model.lock import Lock, LockedProfile, LockedSource, PackageSet
from imagewright.model.results import LockChange

_K = TypeVar("_K")


def diff_locks(old: Lock, new: Lock) -> tuple[LockChange, ...]:
    """Every change: configuration, sources, profiles, wheels, archives, then packages set by set; sorted in each.

    A package whose version stayed but whose content changed is told with its digest; so is a source.
    """
    return (
        *_configuration(old, new),
        *_sources(old, new),
        *_profiles(old, new),
        *_wheels(old, new),
        *_windows(old, new),
        *_archives(old, new),
        *_packages(old, new),
    )


def locked_packages(lock: Lock) -> int:
    """How many distinct packages a lock holds."""
    return len({package.sha256 for found in lock.sets for package in found.packages})


def _configuration(old: Lock, new: Lock) -> Iterator[LockChange]:
    before = {name: digest.short for name, digest in old.configuration}
    after = {name: digest.short for name, digest in new.configuration}
    for name, have, now in _changes(before, after):
        yield LockChange("configuration", name, name, have, now)


def _sources(old: Lock, new: Lock) -> Iterator[LockChange]:
    before = {source.release: source.sha256.short for source in old.sources}
    after = {source.release: source.sha256.short for source in new.sources}
    for release, have, now in _changes(before, after):
        yield LockChange("source", release, "", have, now)
    for (release, project), have, now in _changes(_by_wheel(old.sources), _by_wheel(new.sources)):
        yield LockChange("wheel", project, release, have, now)


def _profiles(old: Lock, new: Lock) -> Iterator[LockChange]:
    for key, have, now in _changes(_by_build(old.profiles), _by_build(new.profiles)):
        release, suite, architecture, flavour = key
        yield LockChange("profile", f"{release}{flavour}", f"{suite} {architecture}", have, now)


def _windows(old: Lock, new: Lock) -> Iterator[LockChange]:
    before, after = _distributed(old), _distributed(new)
    for (kind, name), have, now in _changes(before, after):
        yield LockChange(kind, name, "", have, now)


def _distributed(lock: Lock) -> dict[tuple[str, str], str]:
    found = {("distribution", one.release): one.sha256.short for one in lock.distributions}
    found |= {("pip", one.release): f"{one.pip.version} ({one.pip.sha256.short})" for one in lock.distributions}
    return found | {("windows", one.suite): f"{one.os_version} ({one.digest.short})" for one in lock.bases}


def _by_wheel(sources: Iterable[LockedSource]) -> dict[tuple[str, str], str]:
    return {
        (source.release, wheel.project): f"{wheel.version} ({wheel.sha256.short})"
        for source in sources
        for wheel in source.wheels
    }


def _wheels(old: Lock, new: Lock) -> Iterator[LockChange]:
    before = {(found.target, wheel.project): wheel for found in old.wheels for wheel in found.wheels}
    after = {(found.target, wheel.project): wheel for found in new.wheels for wheel in found.wheels}
    for key in sorted(before.keys() | after.keys()):
        one, other = before.get(key), after.get(key)
        have, now = (None if each is None else (each.version, each.sha256.short) for each in (one, other))
        if have != now:
            target, project = key
            yield LockChange("wheel", project, target, *_versions(have, now))


def _by_build(profiles: Iterable[LockedProfile]) -> dict[tuple[str, str, str, str], str]:
    return {
        (one.release, one.suite, one.architecture, one.flavour): f"{one.compiler} ({one.sha256.short})"
        for one in profiles
    }


def _archives(old: Lock, new: Lock) -> Iterator[LockChange]:
    before = {archive.name: f"{archive.date} ({archive.inrelease.short})" for archive in old.archives}
    after = {archive.name: f"{archive.date} ({archive.inrelease.short})" for archive in new.archives}
    for name, have, now in _changes(before, after):
        yield LockChange("archive", name, "", have, now)


def _packages(old: Lock, new: Lock) -> Iterator[LockChange]:
    before = {_place(found): found for found in old.sets}
    after = {_place(found): found for found in new.sets}
    for place in sorted(before.keys() | after.keys()):
        have, now = _contents(before.get(place)), _contents(after.get(place))
        for name in sorted(have.keys() | now.keys()):
            if have.get(name) != now.get(name):
                yield LockChange("package", name, place, *_versions(have.get(name), now.get(name)))


def _place(found: PackageSet) -> str:
    return f"{found.role.value} {found.key} {found.suite} {found.architecture}"


def _contents(found: PackageSet | None) -> dict[str, tuple[str, str]]:
    packages = () if found is None else found.packages
    return {package.name: (package.version, package.sha256.short) for package in packages}


def _versions(have: tuple[str, str] | None, now: tuple[str, str] | None) -> tuple[str | None, str | None]:
    if have is not None and now is not None and have[0] == now[0]:
        return f"{have[0]} ({have[1]})", f"{now[0]} ({now[1]})"
    return (have[0] if have else None), (now[0] if now else None)


def _changes(before: Mapping[_K, str], after: Mapping[_K, str]) -> Iterator[tuple[_K, str | None, str | None]]:
    for key in sorted(before.keys() | after.keys(), key=str):
        if before.get(key) != after.get(key):
            yield key, before.get(key), after.get(key)
