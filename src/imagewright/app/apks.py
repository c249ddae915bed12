# SPDX-License-Identifier: Apache-2.0
"""Alpine's archives, as locks and reports ask for them: fetched, verified, and packages pinned by SHA-256."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from imagewright.app.keyrings import apk_keys_of
from imagewright.app.world import World
from imagewright.archives.alpine.acquire import ApkIndex, ApkRequest, acquire, bring
from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.universe import Universe
from imagewright.archives.debian.acquire import url_of
from imagewright.archives.mirrors import Mirrors
from imagewright.errors import ConfigurationError
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedArchive
from imagewright.model.ports import Ports
from imagewright.planning.alpine import AlpineCandidates
from imagewright.recipes.alpine import architecture_of
from imagewright.store.store import Store

SEEN = "apk-indexes"
"""The scope in the store that remembers the newest index seen of each archive."""

PINS = "apk-pins"
"""The scope that remembers packages that were verified: control segment and size → SHA-256."""

_CONNECTIONS = 8


@dataclass
class ApkArchives:
    """The archives of Alpine's suites, each fetched once."""

    world: World
    store: Store
    ports: Ports
    mirrors: Mirrors
    sink: Sink
    _indexes: dict[tuple[str, str], tuple[ApkIndex, ...]] = field(default_factory=dict)
    _candidates: dict[tuple[str, str], AlpineCandidates] = field(default_factory=dict)

    def candidates(self, suite: str, architecture: str) -> AlpineCandidates:
        """What may be installed; ``architecture`` is Debian's name."""
        key = (suite, architecture)
        if key not in self._candidates:
            packages = (package for index in self.of_suite(*key) for package in index.packages())
            self._candidates[key] = AlpineCandidates(Universe(packages, architecture_of(architecture)), self._pins)
        return self._candidates[key]

    def states(self) -> Iterator[LockedArchive]:
        """The states of all archives that were fetched."""
        return (index.archive for indexes in self._indexes.values() for index in indexes)

    def of_suite(self, suite: str, architecture: str) -> tuple[ApkIndex, ...]:
        """The verified indexes of a suite, in the catalog's order. Raises as :func:`acquire`."""
        key = (suite, architecture)
        if key not in self._indexes:
            self._indexes[key] = tuple(self._acquire(suite, architecture))
        return self._indexes[key]

    def _acquire(self, suite: str, architecture: str) -> Iterator[ApkIndex]:
        known = apk_keys_of(self.world)
        for archive in self.world.catalog.by_suite[suite].archives:
            keys = {name: known[name] for name in archive.keys if name in known}
            if not keys:
                raise ConfigurationError(
                    f"no key is known that may sign the archive {archive.name} of {suite}",
                    why=f"the catalog names {', '.join(archive.keys[:2])} …, whose files do not come with this",
                    hint="name files with them: catalog.keyrings in imagewright.toml (docs/how-to/alpine.md)",
                )
            for component in archive.components:
                request = ApkRequest(
                    mirror=archive.mirror,
                    branch=archive.name,
                    component=component,
                    architecture=architecture_of(architecture),
                    keys=keys,
                    rank=archive.components.index(component),
                )
                self.sink(Note(f"reading the archive {request.folder}"))
                yield acquire(
                    request,
                    self.mirrors.addresses(archive.mirror),
                    fetcher=self.ports.fetcher,
                    blobs=self.ports.blobs,
                    seen=self.store.facts(SEEN),
                    now=self.world.clock.now(),
                    sink=self.sink,
                )

    def _pins(self, packages: Sequence[ApkPackage]) -> Mapping[str, Digest]:
        """Fetch and verify what was not before. The store's memory stands for what it has seen itself."""
        memory = self.store.facts(PINS)
        missing: list[ApkPackage] = []
        found: dict[str, Digest] = {}
        for package in packages:
            known = memory.get(_fact(package))
            if known is not None and self.ports.blobs.has(Digest(known)):
                found[package.name] = Digest(known)
            else:
                missing.append(package)
        if missing:
            self.sink(Note(f"fetching {len(missing)} packages of Alpine's, to pin them"))
            with self.ports.trees.workspace("apk") as space, ThreadPoolExecutor(_CONNECTIONS) as pool:
                digests = pool.map(lambda each: self._bring(each[1], space / str(each[0])), enumerate(missing))
                for package, digest in zip(missing, digests, strict=True):
                    memory.put(_fact(package), digest.hex)
                    found[package.name] = digest
        return found

    def _bring(self, package: ApkPackage, place: Path) -> Digest:
        mirror = next(state.mirror for state in self.states() if state.name == package.archive)
        urls = self.mirrors.urls(mirror, url_of("", package.path).lstrip("/"))
        digest = bring(package, urls, place, fetcher=self.ports.fetcher, blobs=self.ports.blobs)
        place.unlink()
        return digest


def _fact(package: ApkPackage) -> str:
    return f"{package}.{package.architecture} {package.checksum.hex()} {package.size}"
