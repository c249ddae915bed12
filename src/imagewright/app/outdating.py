# SPDX-License-Identifier: Apache-2.0
"""``imagewright outdated``: what of the built images is behind, and what it costs to bring them up to date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import BinaryIO

from imagewright.app.building import Builder
from imagewright.app.locks import load_lock, refresh
from imagewright.app.newest import newest_versions
from imagewright.app.steps import make_ports
from imagewright.app.world import World
from imagewright.archives.alpine.database import INSTALLED, read_installed
from imagewright.catalog.resolve import resolve
from imagewright.catalog.specs import parse_spec
from imagewright.errors import ImagewrightError, SolveError, UsageError, VerificationError
from imagewright.events import Sink, Warned
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition, ImageName, Profile
from imagewright.model.lock import Lock
from imagewright.model.options import Selection
from imagewright.model.plan import StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.ports import BlobStore, Ports
from imagewright.model.results import OutdatedImage, OutdatedPackage, OutdatedRelease, Rebuild
from imagewright.oci.manifest import Manifest
from imagewright.oci.reader import read_layer
from imagewright.planning.explain import latest_records
from imagewright.planning.outdated import (
    MAXIMUM_STATUS,
    Versions,
    installed,
    outdated_packages,
    outdated_release,
    rebuild_cost,
    rebuild_spec,
)
from imagewright.store.images import StoredImage
from imagewright.store.store import Store

_STATUS = "var/lib/dpkg/status"
_STATUS_FILES = "var/lib/dpkg/status.d/*"
_PROFILE = "io.imagewright.profile"
_MAXIMUM_MANIFEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An image of the store with what is in it."""

    stored: StoredImage
    name: ImageName
    packages: Versions
    profile: Profile

    @property
    def architecture(self) -> str:
        return parse_platform(self.stored.platform).debian


@dataclass(frozen=True, slots=True)
class Survey:
    """All ``images`` that were looked at, those of them that are ``behind``, and the ``lock`` that a rebuild would
    be made from (``None`` where nothing is to be rebuilt, or cannot be locked)."""

    images: tuple[Surveyed, ...]
    behind: tuple[OutdatedImage, ...]
    lock: Lock | None


class Outdating:
    """One look on one open store. Nothing is written but what is fetched."""

    def __init__(self, world: World, store: Store, sink: Sink) -> None:
        self._world = world
        self._store = store
        self._sink = sink
        self._ports: Ports = make_ports(world, store)

    def look(self, specs: tuple[str, ...]) -> tuple[OutdatedImage, ...]:
        """The images that are behind, those with security updates first.

        Raises ``UsageError`` for one that is not there.
        """
        return self.survey(specs).behind

    def survey(self, specs: tuple[str, ...]) -> Survey:
        """As :meth:`look`, with all that was looked at."""
        images = self.images(specs)
        behind = [
            (image, packages, release)
            for image, packages, release in self._compared(images)
            if packages or release is not None
        ]
        lock, costs = self._costs([image for image, _, _ in behind])
        found = [
            OutdatedImage(
                spec=image.stored.spec,
                platform=image.stored.platform,
                packages=packages,
                release=release,
                rebuild=costs.get((image.stored.spec, image.stored.platform)),
            )
            for image, packages, release in behind
        ]
        ordered = sorted(found, key=lambda one: (not _urgent(one), one.spec, one.platform))
        return Survey(images, tuple(ordered), lock)

    def images(self, specs: tuple[str, ...]) -> tuple[Surveyed, ...]:
        """The images of the store that are meant; a warning for each that cannot be read."""
        return tuple(self._images(specs))

    def _images(self, specs: tuple[str, ...]) -> Iterator[Surveyed]:
        there = self._store.images.all()
        for spec in specs:
            if not any(_matches(image, spec) for image in there):
                raise UsageError(f"the store has no image {spec}", hint="see: imagewright store ls")
        for stored in there:
            if specs and not any(_matches(stored, spec) for spec in specs):
                continue
            try:
                yield self._image(stored)
            except (UsageError, VerificationError, KeyError) as error:
                why = error.message if isinstance(error, ImagewrightError) else "its files left the store"
                self._sink(Warned(f"{stored.spec} for {stored.platform} is passed over: {why}"))

    def _image(self, stored: StoredImage) -> Surveyed:
        blobs = self._ports.blobs
        with blobs.open(stored.manifest) as file:
            manifest = Manifest.parse(file.read(_MAXIMUM_MANIFEST))
        name = parse_spec(stored.spec, self._world.catalog)
        quick = dict(manifest.annotations).get(_PROFILE) == Profile.QUICK.value
        return Surveyed(
            stored,
            name,
            read_packages((layer.digest for layer in reversed(manifest.layers)), blobs, stored.spec),
            Profile.QUICK if quick else Profile.RELEASE,
        )

    def _compared(
        self, images: Iterable[Surveyed]
    ) -> Iterator[tuple[Surveyed, tuple[OutdatedPackage, ...], OutdatedRelease | None]]:
        by_archive: dict[tuple[str, str], list[Surveyed]] = {}
        for image in images:
            by_archive.setdefault((image.name.suite, image.architecture), []).append(image)
        for (suite, architecture), ours in sorted(by_archive.items()):
            names = {name for image in ours for name in image.packages}
            newest = newest_versions(self._world, self._store, self._ports, suite, architecture, names, self._sink)
            for image in ours:
                packages = outdated_packages(image.packages, newest)
                yield image, packages, outdated_release(image.name, self._world.catalog)

    def _costs(self, images: list[Surveyed]) -> tuple[Lock | None, Mapping[tuple[str, str], Rebuild]]:
        """A lock that is made anew but not written, and what a rebuild from it would run."""
        before = load_lock(self._world.lock_path) or Lock()
        defined: dict[tuple[str, str], tuple[str, ImageDefinition]] = {}
        for image in images:
            spec = rebuild_spec(image.name, image.stored.platform, self._world.catalog, before)
            settings = self._world.settings(Selection(profile=image.profile))
            try:
                definition = resolve(spec, self._world.catalog, settings, parse_platform(image.stored.platform))
            except UsageError as error:
                self._sink(Warned(f"{image.stored.spec} cannot be rebuilt: {error.message}"))
                continue
            defined[image.stored.spec, image.stored.platform] = (spec, definition)
        if not defined:
            return None, {}
        definitions = tuple(definition for _, definition in defined.values())
        try:
            after = refresh(self._world, self._store, self._ports, definitions, before, self._sink)
        except SolveError as error:
            self._sink(Warned(f"what a rebuild costs is not known: {error.message}"))
            return None, {}
        builder = Builder(self._world, self._store, self._sink)
        previous = latest_records(self._records())
        costs: dict[tuple[str, str], Rebuild] = {}
        for key, (spec, definition) in defined.items():
            explained = builder.explained([definition], after)
            costs[key] = rebuild_cost(spec, explained, previous)
        return after, costs

    def _records(self) -> Iterator[StepRecord]:
        return (record for record, _ in self._store.steps.all())


def read_packages(layers: Iterable[Digest], blobs: BlobStore, subject: str) -> Versions:
    """The package database of an image, from its layers, topmost first.

    A file with all packages (dpkg's ``status``, apk's ``installed``) makes what is below it void; of files with
    one package each (dpkg's ``status.d``), every layer has its own. Raises ``VerificationError`` if there is none.
    """
    found: dict[str, str] = {}
    for digest in layers:
        with blobs.open(digest) as file:
            whole, single = _databases(file, subject)
        found = {**whole, **single, **found}
        if whole:
            break
    if not found:
        raise VerificationError(f"{subject} has no package database")
    return found


def _databases(layer: BinaryIO, subject: str) -> tuple[dict[str, str], dict[str, str]]:
    """Versions by package name from one layer: of a file with all packages, and of files with one each."""
    whole: dict[str, str] = {}
    single: dict[str, str] = {}
    for entry, content in read_layer(layer):
        if content is None or entry.size > MAXIMUM_STATUS:
            continue
        if entry.path == _STATUS:
            whole.update(installed(content.read(), subject))
        elif fnmatchcase(entry.path, _STATUS_FILES) and not entry.path.endswith(".md5sums"):
            single.update(installed(content.read(), subject))
        elif re.fullmatch(INSTALLED, entry.path):
            whole.update({fields["P"]: fields["V"] for fields in read_installed(content.read(), subject)})
    return whole, single


def _matches(image: StoredImage, spec: str) -> bool:
    return spec == image.spec or spec in image.tags or fnmatchcase(image.spec, spec)


def _urgent(image: OutdatedImage) -> bool:
    return any(package.security for package in image.packages)
