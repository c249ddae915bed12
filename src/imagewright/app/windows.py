# SPDX-License-Identifier: Apache-2.0
"""What images of Windows are made from: bases out of a registry, and archives whose signatures are looked at."""

from __future__ import annotations

from collections.abc import Iterable

from imagewright.app.registries import client, repository
from imagewright.app.transferring import told
from imagewright.app.transfers import Transfers
from imagewright.app.world import World
from imagewright.archives.download import FetchRequest
from imagewright.archives.mirrors import Mirrors
from imagewright.errors import FetchError, ImagewrightError, RegistryError, VerificationError
from imagewright.events import Note, Sink
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition
from imagewright.model.lock import LockedBase, LockedDistribution
from imagewright.model.plan import WindowsImageWork
from imagewright.model.ports import BlobStore, Fetcher
from imagewright.model.references import RegistryReference
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.config import Config
from imagewright.oci.descriptor import MANIFESTS, Descriptor
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.registry.pull import pull_from
from imagewright.registry.source import RegistrySource
from imagewright.store.facts import Facts

_WORKERS = 4
_PLATFORM = ("windows", "amd64")


class BaseLocker:
    """Asks a registry for the image that a suite's images stand on: its tag is the suite's name."""

    def __init__(self, world: World, sink: Sink) -> None:
        self._world = world
        self._sink = sink

    def __call__(self, definition: ImageDefinition) -> LockedBase:
        """The image of now. Raises :class:`RegistryError`, ``VerificationError`` for another Windows."""
        suite = self._world.catalog.by_suite[definition.name.suite]
        source = _source(self._world, self._world.settings().windows.base, suite.name)
        self._sink(Note(f"looking for {source.reference}"))
        found = _chosen(source)
        content = source.document(found)
        config = Config.parse(source.document(Manifest.parse(content).config))
        version = config.platform.os_version
        if (config.platform.os, config.platform.architecture) != _PLATFORM or not version.startswith(
            suite.os_version
        ):
            raise VerificationError(
                f"refused the base {source.reference}",
                why=f"it is {config.platform} {version}, and {suite.name} is windows/amd64 {suite.os_version}…",
                hint="say the right repository in imagewright.toml: [windows] base",
            )
        return LockedBase(suite.name, str(source.reference.repository), found.digest, found.size, version)


def _source(world: World, base: str, tag: str, digest: Digest | None = None) -> RegistrySource:
    where = repository(base)
    access = RegistryAccess(plain=world.settings().windows.plain)
    reference = RegistryReference(where, tag, digest)
    return RegistrySource(client(world, where, access), reference)


def _chosen(source: RegistrySource) -> Descriptor:
    """The one manifest for Windows on x86-64; several would be of several versions, which tags tell apart."""
    document = source.root()
    if document.media_type in MANIFESTS:
        return document.descriptor
    found = [
        entry
        for entry in Index.parse(document.content).manifests
        if entry.platform and (entry.platform.os, entry.platform.architecture) == _PLATFORM
    ]
    if len(found) != 1:
        raise RegistryError(
            f"{source.reference} names {len(found)} images for windows/amd64 instead of one",
            hint="name a repository whose tags are ltsc2022, ltsc2025, … in imagewright.toml: [windows] base",
        )
    return found[0]


def fetch_bases(
    world: World, works: Iterable[object], blobs: BlobStore, sink: Sink
) -> dict[Digest, ImagewrightError]:
    """Bring bases into the store: documents, and layers but those that are elsewhere. What failed, by digest."""
    failures: dict[Digest, ImagewrightError] = {}
    for base in {work.base.digest: work.base for work in works if isinstance(work, WindowsImageWork)}.values():
        try:
            if not _whole(base, blobs):
                source = _source(world, base.repository, "", base.digest)
                pull_from(source, (), blobs, told(Transfers(sink, {}, world.clock)), _WORKERS)
        except (RegistryError, FetchError, VerificationError) as error:
            failures[base.digest] = error
    return failures


def _whole(base: LockedBase, blobs: BlobStore) -> bool:
    if not blobs.has(base.digest):
        return False
    with blobs.open(base.digest) as file:
        manifest = Manifest.parse(file.read())
    return all(blobs.has(part.digest) for part in (manifest.config, *manifest.layers) if not part.urls)


def distribution_request(found: LockedDistribution, mirrors: Mirrors) -> FetchRequest:
    """Where a distribution is to be had."""
    return FetchRequest(found.filename, tuple(mirrors.resolve(found.url)), found.size, found.sha256)


def check_distribution(
    found: LockedDistribution, mirrors: Mirrors, blobs: BlobStore, fetcher: Fetcher, memory: Facts, sink: Sink
) -> None:
    """Look at the Sigstore bundle of one that is in the store, where the catalog says who signed it.

    One that was good is remembered. Raises ``VerificationError`` for one that does not hold. One that is not to be
    had is told: the digest holds without it.
    """
    if not found.identity or memory.get(str(found.sha256)) == found.identity:
        return
    try:
        from imagewright.archives.cpython.sigstore import MAXIMUM_BUNDLE, verify_bundle
    except ImportError:
        sink(Note(f"{found.filename} is known by its SHA-256 alone: install imagewright[sigstore] to check more"))
        return
    for url in mirrors.resolve(f"{found.url}.sigstore"):
        try:
            bundle = b"".join(fetcher.stream(url, maximum=MAXIMUM_BUNDLE))
        except FetchError:
            continue
        verify_bundle(
            blobs.path(found.sha256), bundle,
            identity=found.identity, issuer=found.issuer, subject=found.filename,
        )  # fmt: skip
        memory.put(str(found.sha256), found.identity)
        return
    sink(Note(f"{found.filename} is known by its SHA-256 alone: its Sigstore bundle is not to be had"))
