# SPDX-License-Identifier: Apache-2.0
"""Archives: which mirrors to ask, what a lock is made from, and bringing a build's inputs into the store."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from imagewright.app.apks import ApkArchives
from imagewright.app.keyrings import keyring_of
from imagewright.app.wheels import WheelLocker
from imagewright.app.windows import BaseLocker, check_distribution, distribution_request, fetch_bases
from imagewright.app.world import World
from imagewright.archives.cpython.signature import check_source
from imagewright.archives.debian.acquire import ArchiveIndex, ArchiveRequest, acquire, url_of
from imagewright.archives.debian.release import Leniency
from imagewright.archives.debian.sources import mirror_roles, read_apt_sources
from imagewright.archives.debian.universe import Universe
from imagewright.archives.decompressed import Decompressed
from imagewright.archives.download import FetchRequest, combined, fetch_each
from imagewright.archives.keyring import shipped_keyring
from imagewright.archives.mirrors import PYTHON, PYTHON_ADDRESS, SNAPSHOT, Mirrors
from imagewright.catalog.settings import Choices
from imagewright.catalog.shipped import profile_bytes, shipped_profiles
from imagewright.engine.executor import Selection
from imagewright.engine.fate import Fate
from imagewright.errors import FetchError, ImagewrightError, VerificationError
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import Lock, LockedArchive, LockedProfile, LockedSource, LockedWheel
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import PythonWork, RootWork, RuntimeWork, SiteWork, Step, UnpackWork, WindowsWork
from imagewright.model.ports import BlobStore, Fetcher, Ports
from imagewright.model.site import LocalFile
from imagewright.planning.candidates import Candidates
from imagewright.planning.debian import DebianCandidates
from imagewright.planning.inputs import step_inputs
from imagewright.planning.locking import LockInputs
from imagewright.store.store import Store

SEEN = "releases"
"""The scope in the store that remembers the newest Release seen of each archive."""

SIGNATURES = "signatures"
"""The scope in the store that remembers which sources' signatures were verified."""

_GONE = "it left the archive: name one of the past with --mirror snapshot=URL, or run imagewright lock"
_CONNECTIONS = 8


def mirrors_of(world: World) -> Mirrors:
    """Mirrors by role: flags, then configuration, then the machine's own apt sources."""
    machine, notes = mirror_roles(read_apt_sources())
    settings = world.settings(machine=Choices(mirrors=tuple(sorted(machine.items()))))
    roles = {PYTHON: (PYTHON_ADDRESS,), **dict(settings.mirrors)}
    for role, addresses in settings.snapshots:
        roles[SNAPSHOT] = (*roles.get(SNAPSHOT, ()), *(address.replace("{role}", role) for address in addresses))
    return Mirrors(roles, notes)


@dataclass(frozen=True)
class Archives:
    """The archives of suites, each fetched and verified when it is come to."""

    world: World
    store: Store
    ports: Ports
    mirrors: Mirrors
    sink: Sink

    def of_suite(
        self, suite: str, architecture: str, *, only: Collection[str] | None = None
    ) -> Iterator[ArchiveIndex]:
        """Each archive of a suite, or those named ``only``, in the catalog's order."""
        keyring = keyring_of(self.world)
        expired = self.world.settings().allow_expired
        found = self.world.catalog.by_suite[suite]
        for archive in found.archives:
            if only is not None and archive.name not in only:
                continue
            certificates = keyring.for_suite(suite, fingerprints=archive.keys)
            request = ArchiveRequest(
                name=found.lock_name(archive, architecture),
                mirror=found.mirror_of(archive, architecture),
                suite=archive.name,
                components=archive.components,
                architecture=architecture,
                certificates=certificates,
                leniency=Leniency(expired=suite in expired or archive.name in expired),
            )
            self.sink(Note(f"reading the archive {archive.name} for {architecture}"))
            yield acquire(
                request,
                self.mirrors.addresses(request.mirror),
                fetcher=self.ports.fetcher,
                blobs=self.ports.blobs,
                seen=self.store.facts(SEEN),
                now=self.world.clock.now(),
                sink=self.sink,
                kept=Decompressed.of(self.ports.blobs, self.ports.derived),
            )


def lock_inputs(
    world: World, store: Store, ports: Ports, definitions: Iterable[ImageDefinition], sink: Sink
) -> LockInputs:
    """What a lock of the definitions is made from; everything is fetched and verified now."""
    archives = Archives(world, store, ports, mirrors_of(world), sink)
    wanted = sorted(
        {
            (item.name.suite, platform.debian)
            for item in definitions
            for platform in (item.platform, *((item.foreign.machine,) if item.foreign else ()))
        }
    )
    alpine = ApkArchives(world, store, ports, archives.mirrors, sink)

    def is_alpine(suite: str) -> bool:
        return world.catalog.by_suite[suite].system is PackageSystem.APK

    indexes = {pair: tuple(archives.of_suite(*pair)) for pair in wanted if not is_alpine(pair[0])}
    for pair in wanted:
        if is_alpine(pair[0]):
            alpine.candidates(*pair)

    @lru_cache(maxsize=1)  # one takes 100 MB; definitions come suite by suite
    def candidates(suite: str, architecture: str) -> Candidates:
        if is_alpine(suite):
            return alpine.candidates(suite, architecture)
        found = indexes.get((suite, architecture)) or tuple(archives.of_suite(suite, architecture))
        indexes[suite, architecture] = found
        return DebianCandidates(
            Universe((package for index in found for package in index.stanzas()), architecture)
        )

    states = {index.archive.name: index.archive for found in indexes.values() for index in found}
    shipped = tuple(profile.locked for profile in shipped_profiles())
    wheels, bases = WheelLocker(world, ports, sink), BaseLocker(world, sink)
    return LockInputs(candidates, (*states.values(), *alpine.states()), shipped, wheels, bases)


def fetch_inputs(
    world: World, store: Store, ports: Ports, steps: Iterable[Step], lock: Lock, sink: Sink
) -> dict[Digest, ImagewrightError]:
    """Bring everything that the steps read into the store, verified; nothing is fetched after this.

    What cannot be had, or not be believed, is told by its digest.
    """
    work = [step.work for step in steps]
    packages = {package.sha256: package for each in work for package in _packages(each)}
    compiled = {each.source.sha256: each.source for each in work if isinstance(each, PythonWork)}
    told = (each.interpreter for each in work if isinstance(each, RuntimeWork) and each.interpreter is not None)
    # An interpreter from elsewhere comes without its source, which a document in the image is made from.
    sources = compiled | {one.sha256: one for one in told if not ports.blobs.has(one.sha256)}
    failures: dict[Digest, ImagewrightError] = {}
    for profile in {each.profile for each in work if isinstance(each, PythonWork) and each.profile is not None}:
        try:
            _bring_profile(profile, ports.blobs)
        except VerificationError as error:
            failures[profile.sha256] = error
    _bring_files(world, work, ports.blobs)
    failures.update(fetch_bases(world, work, ports.blobs, sink))
    distributed = {each.distribution.sha256: each.distribution for each in work if isinstance(each, WindowsWork)}
    wheels = {wheel.sha256: wheel for source in compiled.values() for wheel in source.wheels}
    wheels |= {wheel.sha256: wheel for each in work if isinstance(each, SiteWork) for wheel in each.wheels}
    wheels |= {found.pip.sha256: found.pip for found in distributed.values()}
    digests: set[Digest] = {*packages, *sources, *wheels, *distributed}
    if not sources and not distributed and all(ports.blobs.has(digest) for digest in digests):
        return failures
    mirrors = mirrors_of(world)
    archives = {archive.name: archive for archive in lock.archives}
    requests = [
        *(_source_request(source, mirrors) for source in sources.values()),
        *(_package_request(package, mirrors, archives) for package in packages.values()),
        *(distribution_request(found, mirrors) for found in distributed.values()),
        *_wheel_requests(
            (one for one in wheels.values() if not ports.blobs.has(one.sha256)), world, ports.fetcher, failures
        ),
    ]
    failures.update(
        fetch_each(requests, ports.blobs, ports.fetcher, jobs=_CONNECTIONS, sink=sink, clock=world.clock)
    )
    for source in sources.values():
        if source.sha256 in failures:
            continue
        try:
            check_source(
                source,
                mirrors=mirrors,
                blobs=ports.blobs,
                fetcher=ports.fetcher,
                keyring=shipped_keyring(),
                memory=store.facts(SIGNATURES),
                sink=sink,
            )
        except (FetchError, VerificationError) as error:
            failures[source.sha256] = error
    for found in distributed.values():
        if found.sha256 in failures:
            continue
        try:
            check_distribution(found, mirrors, ports.blobs, ports.fetcher, store.facts(SIGNATURES), sink)
        except VerificationError as error:
            failures[found.sha256] = error
    return failures


def refused_steps(
    steps: Iterable[Step], failures: Mapping[Digest, ImagewrightError]
) -> dict[Digest, ImagewrightError]:
    """The steps that cannot begin, because something that they read is not there; by id, with the reason."""
    found: dict[Digest, ImagewrightError] = {}
    for step in steps if failures else ():
        lacking = [one.digest for one in step_inputs(step.work) if one.read and one.digest in failures]
        if lacking:
            found[step.id] = combined([failures[digest] for digest in dict.fromkeys(lacking)])
    return found


def refuse_all(
    selection: Selection, refused: Mapping[Digest, ImagewrightError], failures: Mapping[Digest, ImagewrightError]
) -> None:
    """Raise one error for all that is lacking where no image can be built without it."""
    fate = Fate(selection.missing, selection.targets)
    needed: frozenset[Digest] = frozenset(step.id for step in selection.missing)
    for step_id, error in refused.items():
        needed -= fate.fail(step_id, error)
    if refused and not needed:
        raise combined(tuple(failures.values()))


def _bring_files(world: World, work: Iterable[object], blobs: BlobStore) -> None:
    """Files that stand beside the configuration, as they were when it was read."""
    known = dict(world.settings().files)
    for file in (file for each in work for file in local_files(each)):
        if not blobs.has(file.sha256):
            blobs.put([known[file.path]], expected=file.sha256, size=file.size)


def local_files(work: object) -> tuple[LocalFile, ...]:
    """The files of the person's own that a step reads."""
    match work:
        case PythonWork():
            return work.patches
        case RootWork() | RuntimeWork():
            return work.certificates
        case _:
            return ()


def _packages(work: object) -> tuple[LockedPackage, ...]:
    match work:
        case RootWork() | UnpackWork():
            return work.packages
        case RuntimeWork():
            return work.candidates
        case SiteWork():
            return (work.locale_sources,) if work.locale_sources else ()
        case _:
            return ()


def _package_request(
    package: LockedPackage, mirrors: Mirrors, archives: Mapping[str, LockedArchive]
) -> FetchRequest:
    archive = archives[package.archive]
    path = url_of("", package.path).lstrip("/")
    urls = mirrors.urls(archive.mirror, path, last=(archive.address,))
    return FetchRequest(str(package), urls, package.size, package.sha256, _GONE)


def _source_request(source: LockedSource, mirrors: Mirrors) -> FetchRequest:
    urls = tuple(url for template in source.urls for url in mirrors.resolve(template))
    return FetchRequest(source.filename, urls, source.size, source.sha256)


def _wheel_requests(
    wheels: Iterable[LockedWheel], world: World, fetcher: Fetcher, failures: dict[Digest, ImagewrightError]
) -> Iterator[FetchRequest]:
    """Where the indexes that the machine uses have them; asked only for what is not in the store.

    What no index knows joins ``failures``.
    """
    wanted = tuple(wheels)
    if not wanted:
        return
    from imagewright.app.indexes import python_index

    index = python_index(world, fetcher)
    for wheel in wanted:
        try:
            urls = index.find(wheel.project, wheel.filename, wheel.sha256)
        except (FetchError, VerificationError) as error:
            failures[wheel.sha256] = error
            continue
        yield FetchRequest(wheel.filename, urls, wheel.size, wheel.sha256)


def _bring_profile(profile: LockedProfile, blobs: BlobStore) -> None:
    """A shipped profile comes with the program. Raises :class:`VerificationError` for one that is not there."""
    if blobs.has(profile.sha256):
        return
    name = profile.origin.removeprefix("catalog:")
    try:
        data = profile_bytes(name)
    except KeyError:
        raise VerificationError(
            f"the profile {profile.sha256.short} for {profile.release} is not to be had",
            why="it was trained into another store and does not come with this program",
            hint=f"train a new one: imagewright train {profile.release}{profile.flavour}-slim-{profile.suite}",
        ) from None
    blobs.put([data], expected=profile.sha256, size=profile.size)
