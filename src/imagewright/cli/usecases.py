# SPDX-License-Identifier: Apache-2.0
"""What the command line asks of the application: the one boundary between words and work.

``imagewright.app.make_application(GlobalOptions) -> Application`` is called inside commands only, so that
``--help`` stays fast. Every use case raises :class:`~imagewright.errors.ImagewrightError` for what a person can
act on, and lets ``KeyboardInterrupt`` through after cleaning up. Sinks may be called from any thread.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from imagewright.events import Sink
from imagewright.model.attestations import (
    Attested,
    DocumentKind,
    KeyPair,
    RebuildOptions,
    Rebuilt,
    Signed,
    SignOptions,
    Verified,
    VerifyOptions,
)
from imagewright.model.catalogues import CatalogueOptions, WrittenSite
from imagewright.model.differences import Difference, DiffOptions
from imagewright.model.dockerfiles import BakeFile, BakeOptions, Dockerfile, DockerfileOptions, DockerfileTree
from imagewright.model.emitted import LibraryManifest, LibraryOptions, Readme, ReadmeOptions, TakenOver
from imagewright.model.general import GlobalOptions
from imagewright.model.inspecting import Inspected
from imagewright.model.options import (
    BuildOptions,
    LockOptions,
    RunOptions,
    Selection,
    TagOptions,
    TrainOptions,
    UpdateOptions,
    WorkerOptions,
)
from imagewright.model.platforms import Platform
from imagewright.model.pushing import PushOptions
from imagewright.model.refreshing import Refreshed, RefreshOptions
from imagewright.model.remote import RemoteChanges
from imagewright.model.reports import Report, ReportOptions
from imagewright.model.results import (
    BuildReport,
    CheckResult,
    Collected,
    LockChanges,
    OutdatedImage,
    PlanView,
    Started,
    StoreContents,
    StoreReport,
    TaggedImage,
    TrainedProfile,
    Updated,
)
from imagewright.model.statuses import Status, StatusOptions
from imagewright.model.takeovers import Imported
from imagewright.model.transfers import RegistryAccess, Transferred
from imagewright.model.workflows import CiFile, CiOptions, Service


class Application(Protocol):
    """The use cases, as the composition root offers them."""

    def build(self, specs: tuple[str, ...], options: BuildOptions, sink: Sink) -> BuildReport:
        """Build each of ``specs`` into the store, and write it to ``options.output`` if that is set.

        The error of a single image is raised; of several, each that fails is a result.
        """
        ...

    def plan(self, specs: tuple[str, ...], selection: Selection, workers: WorkerOptions | None = None) -> PlanView:
        """What a build would do, and on ``workers`` when; nothing is fetched into the lock and nothing is run."""
        ...

    def lock(self, specs: tuple[str, ...], options: LockOptions, sink: Sink) -> LockChanges:
        """Make or refresh the lock for ``specs``."""
        ...

    def update(self, options: UpdateOptions, sink: Sink) -> Updated:
        """Take new releases into the catalog's own file, and new packages into the lock."""
        ...

    def outdated(self, specs: tuple[str, ...], sink: Sink) -> tuple[OutdatedImage, ...]:
        """The built images that are behind, or those of ``specs``; nothing is changed."""
        ...

    def refresh(self, specs: tuple[str, ...], options: RefreshOptions, sink: Sink) -> Refreshed:
        """Build what is behind anew, and publish it; the lock and tags change when all of it went well."""
        ...

    def check(self, specs: tuple[str, ...], selection: Selection, sink: Sink) -> tuple[CheckResult, ...]:
        """Run the acceptance checks inside the images; a failed one is a result, not an exception."""
        ...

    def run(self, spec: str, argv: tuple[str, ...], options: RunOptions) -> int:
        """Run ``argv`` (the image's own command if empty) with this process' terminal; its exit status."""
        ...

    def train(self, spec: str, options: TrainOptions, sink: Sink) -> TrainedProfile:
        """Train a profile for the interpreter of ``spec``, keep it by content, and name it in the lock."""
        ...

    def tags(self, specs: tuple[str, ...], options: TagOptions) -> tuple[TaggedImage, ...]:
        """Images of a catalog with their simple and shared tags, in publication order; nothing is opened."""
        ...

    def library(self, options: LibraryOptions) -> LibraryManifest:
        """The library manifest of the catalog's images whose Dockerfiles are committed."""
        ...

    def read_library(self, path: Path) -> LibraryManifest:
        """What is in a library manifest."""
        ...

    def take_over(self, path: Path) -> TakenOver:
        """The catalog that a library manifest amounts to."""
        ...

    def import_repository(self, root: Path) -> Imported:
        """The configuration that a repository of Dockerfiles amounts to; nothing of it is run."""
        ...

    def readme(self, name: str, options: ReadmeOptions) -> Readme:
        """The README of a repository."""
        ...

    def dockerfile(self, spec: str, options: DockerfileOptions) -> Dockerfile:
        """The Dockerfile of an image; nothing is fetched or opened."""
        ...

    def dockerfiles(self, root: Path, options: DockerfileOptions) -> DockerfileTree:
        """Write or compare the tree of Dockerfiles of the catalog."""
        ...

    def bake(self, specs: tuple[str, ...], options: BakeOptions, sink: Sink) -> BakeFile:
        """The bake file of images, and with ``options.contexts`` all that their builds read."""
        ...

    def ci(self, service: Service, specs: tuple[str, ...], options: CiOptions) -> CiFile:
        """The workflow of a CI service that builds images; nothing is fetched or opened."""
        ...

    def statuses(self, options: StatusOptions) -> Status:
        """What became of the images of a catalog; nothing is built or fetched."""
        ...

    def site(self, directory: Path, options: CatalogueOptions, sink: Sink) -> WrittenSite:
        """Write a site about images into ``directory``, or bring it up to date."""
        ...

    def serve_site(self, directory: Path, address: str, ready: Callable[[str], None]) -> None:
        """Serve a site on this machine until ``KeyboardInterrupt``; ``ready`` is told its address."""
        ...

    def init(self) -> Started:
        """Write a small configuration; never over one that is there."""
        ...

    def push(self, specs: tuple[str, ...], destination: str, options: PushOptions, sink: Sink) -> Transferred:
        """Publish images, built and checked first if need be; tags move last and together."""
        ...

    def pull(self, ref: str, platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink) -> Transferred:
        """Bring an image of a registry into the store."""
        ...

    def copy(
        self, refs: tuple[str, str], platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink
    ) -> Transferred:
        """Copy an image from the first place to the second."""
        ...

    def inspect(self, ref: str, access: RegistryAccess) -> Inspected:
        """What a reference names."""
        ...

    def retag(self, ref: str, tags: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        """Let tags name what a reference names."""
        ...

    def untag(self, refs: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        """Delete tags."""
        ...

    def gc_remote(
        self, repository: str, access: RegistryAccess, *, only: tuple[str, ...], keep: int, dry_run: bool
    ) -> RemoteChanges:
        """Delete old dated tags, and manifests that nothing else names."""
        ...

    def report(self, ref: str, options: ReportOptions, sink: Sink) -> Report:
        """Describe what a reference names, and what is in it."""
        ...

    def attest(self, ref: str, access: RegistryAccess, sink: Sink) -> Attested:
        """Attach bills of materials and provenance to what a reference names; no tag moves."""
        ...

    def show_document(self, ref: str, kind: DocumentKind, access: RegistryAccess) -> tuple[bytes, ...]:
        """A document about each platform of what a reference names; nothing is written."""
        ...

    def key_password(self) -> bytes | None:
        """The password of a private key, if the environment has one."""
        ...

    def keygen(self, prefix: Path, password: bytes) -> KeyPair:
        """Make a pair of keys, ``PREFIX.key`` and ``PREFIX.pub``; never over files that are there."""
        ...

    def sign(self, ref: str, options: SignOptions, access: RegistryAccess) -> Signed:
        """Sign what a reference names, its platforms, and what is attached to them."""
        ...

    def verify(self, ref: str, options: VerifyOptions, access: RegistryAccess) -> Verified:
        """What can be believed of a reference; a failure is a result, not an exception."""
        ...

    def rebuild(self, ref: str, options: RebuildOptions, sink: Sink) -> Rebuilt:
        """Build an image again from its own provenance; whether the digest is the same is a result."""
        ...

    def diff(self, refs: tuple[str, str], options: DiffOptions, sink: Sink) -> Difference:
        """What makes the second image different from the first."""
        ...

    def store_list(self) -> StoreContents:
        """What the store holds."""
        ...

    def store_gc(self, *, dry_run: bool, keep_days: float) -> Collected:
        """Remove what no step used in the last ``keep_days`` days needs."""
        ...

    def store_fsck(self, *, repair: bool) -> StoreReport:
        """Read the whole store and compare every content with its name."""
        ...


class MakeApplication(Protocol):
    """The factory in :mod:`imagewright.app`."""

    def __call__(self, options: GlobalOptions) -> Application:
        """Make the adapters and hand them in."""
        ...
