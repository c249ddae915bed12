# SPDX-License-Identifier: Apache-2.0
"""Finding releases of CPython: asking both providers, fetching what is new, and looking for evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from imagewright.app.archives import SEEN, SIGNATURES, mirrors_of
from imagewright.app.keyrings import keyring_of
from imagewright.app.world import World
from imagewright.archives.cpython import downloads
from imagewright.archives.cpython.contents import newest_time
from imagewright.archives.cpython.signature import Witness, check_source
from imagewright.archives.debian.acquire import SOURCE, ArchiveRequest, acquire
from imagewright.archives.debian.release import Leniency
from imagewright.archives.debian.source_index import DebianSource
from imagewright.archives.download import FetchRequest, fetch_all
from imagewright.archives.mirrors import PYTHON, Mirrors
from imagewright.catalog.model import Catalog, Release, Series, SuiteArchive
from imagewright.catalog.resolve import locked_source
from imagewright.catalog.versions import directory, release_key, series_of
from imagewright.errors import ConfigurationError, FetchError, VerificationError
from imagewright.events import Note, Sink, Warned
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedSource
from imagewright.model.ports import Ports
from imagewright.planning.releases import (
    PINNED,
    PYTHON_ORG,
    UNVERIFIED,
    Candidate,
    Claim,
    debian_claim,
    python_claim,
    release_of,
    wanted_versions,
)
from imagewright.store.store import Store

_DEBIAN = "debian"


@dataclass(frozen=True)
class Providers:
    """Everything that says something of releases, asked once."""

    world: World
    store: Store
    ports: Ports
    sink: Sink
    catalog: Catalog
    mirrors: Mirrors

    @classmethod
    def of(cls, world: World, store: Store, ports: Ports, sink: Sink) -> Providers:
        """With the catalog and the mirrors of this run."""
        return cls(world, store, ports, sink, world.catalog, mirrors_of(world))

    def claims(self, series: Collection[str], *, prereleases: bool) -> tuple[Claim, ...]:
        """What all of them say of the series' current release and of the newest one.

        A provider that cannot be reached is passed over with a warning; raises ``FetchError`` where none can, and
        ``VerificationError`` where one gave something that cannot be believed.
        """
        failures: list[FetchError] = []
        found: list[Claim] = []
        for name, ask in ((PYTHON_ORG, self._python), ("Debian's source indexes", self._debian)):
            try:
                found += ask(series, prereleases)
            except FetchError as error:
                failures.append(error)
                self.sink(Warned(f"{name} cannot be asked for releases: {error.why or error.message}"))
        if len(failures) > 1:
            raise FetchError(
                "nobody could be asked for new releases",
                why="; ".join(error.why or error.message for error in failures),
                hint="check the network, name a mirror (--mirror python=URL), or use --only packages",
            )
        return tuple(found)

    def _debian(self, series: Collection[str], prereleases: bool) -> list[Claim]:  # noqa: FBT001 - one interface
        del prereleases
        found: list[Claim] = []
        failures: list[FetchError] = []
        for suite in self.catalog.suites:
            archive = next((one for one in suite.archives if one.mirror == _DEBIAN), None)
            if suite.distribution != _DEBIAN or suite.planned or archive is None:
                continue
            try:
                found += [debian_claim(suite.name, one) for one in self._sources(suite.name, archive)]
            except (FetchError, ConfigurationError, VerificationError) as error:
                # What cannot be believed vouches for nothing; the other suites are not its fault.
                failures.append(FetchError(error.message, why=error.why, hint=error.hint))
                self.sink(Warned(f"the sources of {suite.name} are passed over: {error.message}: {error.why}"))
        if failures and not found:
            raise failures[0]
        return [claim for claim in found if series_of(claim.version) in series]

    def _sources(self, suite: str, archive: SuiteArchive) -> Iterator[DebianSource]:
        self.sink(Note(f"reading the source index of {archive.name}"))
        request = ArchiveRequest(
            name=archive.name,
            mirror=archive.mirror,
            suite=archive.name,
            components=archive.components,
            architecture=SOURCE,
            certificates=keyring_of(self.world).for_suite(suite, fingerprints=archive.keys),
            leniency=Leniency(expired=bool({suite, archive.name} & set(self.world.settings().allow_expired))),
        )
        return acquire(
            request,
            self.mirrors.addresses(archive.mirror),
            fetcher=self.ports.fetcher,
            blobs=self.ports.blobs,
            seen=self.store.facts(SEEN),
            now=self.world.clock.now(),
            sink=self.sink,
        ).sources()

    def _python(self, series: Collection[str], prereleases: bool) -> list[Claim]:  # noqa: FBT001 - one interface
        self.sink(Note(f"asking {PYTHON_ORG} for its releases"))
        try:
            return list(self._published(series, prereleases=prereleases))
        except (FetchError, VerificationError) as error:
            self.sink(Note(f"reading {PYTHON_ORG}'s directories instead: {error.message}: {error.why}"))
        return list(self._listed(series))

    def _published(self, series: Collection[str], *, prereleases: bool) -> Iterator[Claim]:
        """By the JSON API."""
        listed = downloads.parse_releases(self._get(downloads.RELEASES), f"{PYTHON_ORG}'s list of releases")
        numbers = {release.version: release.number for release in listed}
        current = [self.catalog.by_series[name].current for name in series]
        wanted = wanted_versions(self.catalog, numbers, series, prereleases=prereleases)
        for version in dict.fromkeys((*wanted, *current)):
            if version not in numbers:
                continue
            data = self._get(downloads.FILES.format(number=numbers[version]))
            source = downloads.parse_files(data, version, f"{PYTHON_ORG}'s list of files of {version}")
            if source is not None:
                yield python_claim(source)

    def _listed(self, series: Collection[str]) -> Iterator[Claim]:
        """By the directories of the download server; of each series the newest and the current one."""
        tree = downloads.parse_listing(self._get(f"{downloads.TREE}/"), f"{PYTHON_ORG}'s directory")
        there = downloads.listed_directories(tree)
        for name in series:
            ours = [number for number in there if series_of(number) == name]
            current = directory(self.catalog.by_series[name].current)
            for number in {max(ours, key=release_key, default=current), current} & set(ours):
                data = self._get(f"{downloads.TREE}/{number}/")
                names = downloads.parse_listing(data, f"{PYTHON_ORG}'s directory of {number}")
                yield from (python_claim(source) for source in downloads.listed_sources(names))

    def _get(self, path: str) -> bytes:
        last: FetchError | None = None
        for url in self.mirrors.urls(PYTHON, path):
            try:
                return b"".join(self.ports.fetcher.stream(url, maximum=downloads.MAXIMUM_DOCUMENT))
            except FetchError as error:
                last = error
        raise last or FetchError(f"no address is known for {PYTHON_ORG}")

    def take(self, found: Candidate) -> Release:
        """Fetch the candidate's source, and look for evidence; its provenance may be ``unverified``.

        Raises ``FetchError`` where the source is not to be had, and ``VerificationError`` where it is not what was
        said, or a signature does not hold.
        """
        series = self.catalog.by_series[found.series]
        claimed = release_of(found, found.sha256 or Digest("0" * 64), found.size, 0, "")
        digest = self._bring(locked_source(claimed, series), known=found.sha256 is not None)
        size = self.ports.blobs.size(digest)
        pinned = release_of(found, digest, size, 0, "")
        provenance = self._evidence(found, locked_source(pinned, series), series)
        epoch = newest_time(self.ports.blobs.path(digest), f"the source of CPython {found.version}")
        return release_of(found, digest, size, epoch, provenance)

    def _bring(self, source: LockedSource, *, known: bool) -> Digest:
        urls = tuple(url for template in source.urls for url in self.mirrors.resolve(template))
        blobs, fetcher = self.ports.blobs, self.ports.fetcher
        if known:
            request = FetchRequest(source.filename, urls, source.size, source.sha256)
            fetch_all([request], blobs, fetcher, jobs=1, sink=self.sink, clock=self.world.clock)
            return source.sha256
        last: FetchError | None = None
        for url in urls:
            try:
                pieces = fetcher.stream(url, maximum=source.size or downloads.LARGEST_SOURCE)
                return blobs.put(pieces, size=source.size or None)
            except FetchError as error:
                last = error
        raise last or FetchError(f"no address is known for {source.filename}")

    def _evidence(self, found: Candidate, source: LockedSource, series: Series) -> str:
        """The best there is: the release manager's signature, then Debian's index."""
        if found.signed or found.signature:
            witness = check_source(
                source,
                mirrors=self.mirrors,
                blobs=self.ports.blobs,
                fetcher=self.ports.fetcher,
                keyring=keyring_of(self.world),
                memory=self.store.facts(SIGNATURES),
                sink=self.sink,
            )
            if witness is Witness.SIGNED:
                return f"openpgp {series.openpgp}"
        if found.bundle and series.sigstore is not None and self._bundle_holds(source, series):
            return f"sigstore {series.sigstore.identity}"
        if found.suites:
            return f"debian {found.suites[0]}"
        return PINNED if found.pinned else UNVERIFIED

    def _bundle_holds(self, source: LockedSource, series: Series) -> bool:
        try:
            from imagewright.archives.cpython.sigstore import verify_bundle
        except ImportError:
            self.sink(
                Note(f"{source.filename} has a Sigstore bundle, but nothing here can read it: install "
                     "imagewright[sigstore]")
            )  # fmt: skip
            return False
        assert series.sigstore is not None
        path = f"{downloads.TREE}/{directory(source.release)}/{source.filename}.sigstore"
        try:
            bundle = self._get(path)
        except FetchError as error:
            self.sink(Note(f"the Sigstore bundle of {source.filename} is not to be had: {error.why}"))
            return False
        verify_bundle(
            self.ports.blobs.path(source.sha256),
            bundle,
            identity=series.sigstore.identity,
            issuer=series.sigstore.issuer,
            subject=source.filename,
        )
        return True
