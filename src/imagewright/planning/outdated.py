# SPDX-License-Identifier: Apache-2.0
"""What is behind: packages of an image against the archive, its release against the catalog; the cost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from imagewright.archives.alpine.version import compare as compare_apk
from imagewright.archives.debian.deb822 import MalformedError, read_stanzas
from imagewright.archives.debian.version import compare
from imagewright.catalog.model import Catalog
from imagewright.catalog.versions import release_key, series_of
from imagewright.errors import VerificationError
from imagewright.model.images import ImageName
from imagewright.model.lock import Lock, PackageSet
from imagewright.model.packages import PackageSystem
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.results import (
    ChangedPackage,
    OutdatedPackage,
    OutdatedRelease,
    Rebuild,
    RebuildStep,
)
from imagewright.planning.explain import Explanation

MAXIMUM_STATUS = 64 << 20
"""Bytes of a package database; the full variant's has about 500 kB."""

Versions = Mapping[str, str]
"""Versions by package name."""

_COMPARE: Mapping[PackageSystem, Callable[[str, str], int]] = {
    PackageSystem.DPKG: compare,
    PackageSystem.APK: compare_apk,
}
_INSTALLED = frozenset({"install ok installed", "hold ok installed", ""})
_WANTED = frozenset({"package", "version", "status"})


def is_security(archive: str) -> bool:
    """Whether an archive's name in a lock says that it holds security updates (``trixie-security``)."""
    return archive.removesuffix("-ports").endswith("-security")


@dataclass(slots=True)
class Newest:
    """The newest version of each package: ``all`` archives together, and in the ``security`` archive."""

    all: dict[str, str] = field(default_factory=dict)
    security: dict[str, str] = field(default_factory=dict)
    system: PackageSystem = PackageSystem.DPKG

    def add(self, name: str, version: str, archive: str) -> None:
        """Take note of one package of an archive."""
        for found in (self.all, self.security) if is_security(archive) else (self.all,):
            if name not in found or self.compare(version, found[name]) > 0:
                found[name] = version

    def compare(self, one: str, other: str) -> int:
        """Less than, equal to or greater than 0, as the package system compares. Raises ``ValueError``."""
        return _COMPARE[self.system](one, other)


def installed(database: bytes, subject: str) -> dict[str, str]:
    """The packages of dpkg's ``status``, or of one file of ``status.d``: versions by name.

    Raises ``VerificationError`` for what cannot be read.
    """
    found: dict[str, str] = {}
    try:
        for stanza in read_stanzas([database], wanted=_WANTED):
            if stanza.get("package") and stanza.get("version") and stanza.get("status") in _INSTALLED:
                found[stanza.get("package")] = stanza.get("version")
    except MalformedError as error:
        raise VerificationError(f"the package database of {subject} cannot be read", why=str(error)) from None
    return found


def outdated_packages(have: Versions, newest: Newest) -> tuple[OutdatedPackage, ...]:
    """What the archive has newer, security first, then by name. Raises ``ValueError`` for what is no version.

    It is a matter of security where the security archive's version is newer than the installed one, also when
    another archive has a newer one yet: a point release takes the fix along.
    """
    found = [
        OutdatedPackage(name, version, newest.all[name], _is_fixed(name, version, newest.security))
        for name, version in have.items()
        if name in newest.all and newest.compare(newest.all[name], version) > 0
    ]
    return tuple(sorted(found, key=lambda one: (not one.security, one.name)))


def _is_fixed(name: str, have: str, security: Versions) -> bool:
    return name in security and compare(security[name], have) > 0


def outdated_release(name: ImageName, catalog: Catalog) -> OutdatedRelease | None:
    """The series' current release, if the image's is older; ``None`` also for a series that is gone."""
    series = catalog.by_series.get(series_of(name.release))
    if series is None or release_key(series.current) <= release_key(name.release):
        return None
    return OutdatedRelease(name.release, series.current)


def rebuild_spec(name: ImageName, platform: str, catalog: Catalog, lock: Lock) -> str:
    """What to build to bring an image up to date: the series, unless the lock holds this very release."""
    if f"{name} {platform}" in dict(lock.configuration):
        return str(name)
    series = series_of(name.release)
    if series not in catalog.by_series:
        return str(name)
    return str(name).replace(name.release, series, 1)


def rebuild_cost(
    spec: str, explanations: Iterable[Explanation], previous: Callable[[StepKind, str], StepRecord | None]
) -> Rebuild:
    """The steps of one image that would run, and what they took the last time."""
    running = [found for found in explanations if found.runs]
    steps = tuple(RebuildStep(found.step.name, _seconds(found, previous)) for found in running)
    return Rebuild(
        spec=spec,
        steps=steps,
        compiles=sum(found.step.kind is StepKind.PYTHON for found in running),
        seconds=sum(step.seconds or 0.0 for step in steps),
    )


def _seconds(found: Explanation, previous: Callable[[StepKind, str], StepRecord | None]) -> float | None:
    record = previous(found.step.kind, found.step.name)
    return None if record is None else record.seconds


@dataclass(frozen=True, slots=True)
class Change:
    """A package of a set whose version changed."""

    name: str
    where: str
    suite: str
    architecture: str
    have: str | None
    now: str | None

    def told(self, security: Versions) -> ChangedPackage:
        """With whether the security archive has something newer than there was."""
        fixed = self.have is not None and self.now is not None and _is_fixed(self.name, self.have, security)
        return ChangedPackage(self.name, self.where, self.have, self.now, fixed)


def changed_packages(before: Lock, after: Lock) -> tuple[Change, ...]:
    """Packages whose version differs, set by set."""
    old = {_key(found): found for found in before.sets}
    new = {_key(found): found for found in after.sets}
    return tuple(
        change for key in sorted(old.keys() | new.keys()) for change in _changes(old.get(key), new.get(key))
    )


def _key(found: PackageSet) -> tuple[str, str, str, str]:
    return found.suite, found.architecture, found.role.value, found.key


def _changes(old: PackageSet | None, new: PackageSet | None) -> Iterator[Change]:
    either = new or old
    assert either is not None
    have = {package.name: package.version for package in (old.packages if old else ())}
    now = {package.name: package.version for package in (new.packages if new else ())}
    where = f"{either.role.value} {either.key} {either.suite} {either.architecture}"
    for name in sorted(have.keys() | now.keys()):
        if have.get(name) != now.get(name):
            yield Change(name, where, either.suite, either.architecture, have.get(name), now.get(name))
