# SPDX-License-Identifier: Apache-2.0
"""``imagewright update``: new releases into the catalog's own file, new packages into the lock."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imagewright.app.locks import load_lock, refresh, save_lock
from imagewright.app.newest import security_versions
from imagewright.app.releases import Providers
from imagewright.app.steps import make_ports
from imagewright.app.world import World
from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.found import write_found
from imagewright.catalog.model import Release
from imagewright.catalog.reading import did_you_mean
from imagewright.catalog.resolve import resolve
from imagewright.catalog.shipped import shipped_documents
from imagewright.errors import FetchError, MachineError, UsageError
from imagewright.events import Note, Sink, Warned
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock
from imagewright.model.options import UpdateOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import Ports
from imagewright.model.results import ChangedPackage, FoundRelease, Updated
from imagewright.planning.outdated import changed_packages
from imagewright.planning.releases import UNVERIFIED, candidate, check_known, unknown_series, wanted_versions
from imagewright.planning.targets import parse_target
from imagewright.store.store import Store


class Updater:
    """One update on one open store."""

    def __init__(self, world: World, store: Store, sink: Sink) -> None:
        self._world = world
        self._store = store
        self._sink = sink
        self._ports: Ports = make_ports(world, store)

    def update(self, options: UpdateOptions) -> Updated:
        """Look for what is new, and write it down unless it is a dry run. The lock is written last."""
        series = self._series(options)
        releases, found = self._releases(series, options) if options.releases else ((), None)
        world = self._world if found is None else replace(self._world, found=found)
        before = load_lock(world.lock_path)
        after, packages = self._packages(world, before, series, options)
        if not options.dry_run:
            if found is not None:
                _write(self._world.found_path, found, self._world.umask)
            if after is not None and after != before:
                save_lock(self._world, after, before=before)
        return Updated(
            releases=releases,
            packages=packages,
            catalog=self._world.found_path,
            lock=self._world.lock_path,
            targets=tuple(name for name, _ in (after or before or Lock()).configuration),
            dry_run=options.dry_run,
        )

    def _series(self, options: UpdateOptions) -> tuple[str, ...]:
        known = tuple(self._world.catalog.by_series)
        for name in options.series:
            if name not in known:
                raise UsageError(f"there is no series {name} in the catalog", hint=did_you_mean(name, known))
        return options.series or known

    def _releases(
        self, series: tuple[str, ...], options: UpdateOptions
    ) -> tuple[tuple[FoundRelease, ...], str | None]:
        """What was found, and the file of found releases as it shall be; ``None`` where it stays as it is."""
        catalog = self._world.catalog
        providers = Providers.of(self._world, self._store, self._ports, self._sink)
        claims = providers.claims(series, prereleases=options.prereleases)
        check_known(catalog, claims)
        versions = [claim.version for claim in claims]
        for name in unknown_series(catalog, versions):
            self._sink(Note(f"there is a series {name}, which this version of Imagewright does not know"))
        found: list[FoundRelease] = []
        taken: list[Release] = []
        for version in wanted_versions(catalog, versions, series, prereleases=options.prereleases):
            known = catalog.by_release.get(version)
            if known is not None and known.provenance:  # found before, and the configuration keeps another current
                continue
            one = candidate(catalog, version, claims)
            try:
                release = providers.take(one)
            except FetchError as error:
                detail = f"its source is not to be had yet: {error.why or error.message}"
                found.append(FoundRelease(one.series, one.have, version, taken=False, detail=detail,
                                          sha256=one.sha256, size=one.size))  # fmt: skip
                continue
            trusted = release.provenance != UNVERIFIED or version in options.accept
            found.append(_described(release, one.have, taken=trusted))
            taken += [release] if trusted else []
        self._warn_unused(options.accept, found)
        if not taken:
            return tuple(found), None
        kept = {release.version: release for release in (*self._kept(), *taken)}
        return tuple(found), write_found(kept.values())

    def _kept(self) -> Iterable[Release]:
        """The releases that earlier updates found; they stay, whatever the configuration narrows now."""
        path = self._world.found_path
        if not path.is_file():
            return ()
        catalog, _ = apply_configuration(
            shipped_documents(), None, found=path.read_text(encoding="utf-8"), found_name=str(path)
        )
        return tuple(release for release in catalog.releases if release.provenance)

    def _warn_unused(self, accepted: Iterable[str], found: Iterable[FoundRelease]) -> None:
        there = {release.version for release in found}
        for version in accepted:
            if version not in there:
                self._sink(Warned(f"--accept {version} had nothing to accept: no such new release was found"))

    def _packages(
        self, world: World, before: Lock | None, series: tuple[str, ...], options: UpdateOptions
    ) -> tuple[Lock | None, tuple[ChangedPackage, ...]]:
        if before is None or not options.packages:
            return None, ()
        definitions = tuple(self._locked(world, before, series))
        if not definitions:
            return None, ()
        after = refresh(
            world, self._store, self._ports, definitions, before, self._sink, toolchain=options.toolchain
        )
        changed = changed_packages(before, after)
        pairs = {(one.suite, one.architecture) for one in changed}
        newest = {pair: security_versions(world, self._store, self._ports, *pair, self._sink) for pair in pairs}
        return after, tuple(one.told(newest[one.suite, one.architecture]) for one in changed)

    def _locked(self, world: World, lock: Lock, series: tuple[str, ...]) -> Iterable[ImageDefinition]:
        """The lock's targets as the catalog defines them now."""
        for name, _ in lock.configuration:
            target = parse_target(name)
            if target.buildroot[3] not in series:
                continue
            platform = parse_platform(name.rpartition(" ")[2])
            try:
                yield resolve(target.spec, world.catalog, world.settings(), platform)
            except UsageError as error:
                self._sink(Warned(f"{name} stays as it is locked: {error.message}"))


def _described(release: Release, have: str, *, taken: bool) -> FoundRelease:
    from datetime import UTC, datetime

    detail = "" if taken else f"nothing but python.org vouches for it; take it with --accept {release.version}"
    return FoundRelease(
        series=release.series,
        have=have,
        version=release.version,
        taken=taken,
        provenance=release.provenance,
        detail=detail,
        released=datetime.fromtimestamp(release.epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        sha256=release.sha256,
        size=release.size,
    )


def _write(path: Path, text: str, umask: int) -> None:
    """Write a file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error), hint="see --lock") from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
