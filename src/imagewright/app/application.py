# SPDX-License-Identifier: Apache-2.0
"""The use cases, wired to real adapters. Each opens the store only as long as it needs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright.app.world import World, make_world
from imagewright.errors import UsageError
from imagewright.events import Sink, discard

if TYPE_CHECKING:
    from imagewright.app.building import Builder
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
        CacheOptions,
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
    from imagewright.store.store import Store


class Imagewright:
    """The application; see :class:`imagewright.cli.usecases.Application` for what each use case promises."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _builder(self, store: Store, sink: Sink, cache: CacheOptions | None = None) -> Builder:
        """What builds; imported only where something is built, for much comes with it."""
        from imagewright.app.building import Builder

        return Builder(self._world, store, sink, cache)

    def build(self, specs: tuple[str, ...], options: BuildOptions, sink: Sink) -> BuildReport:
        """Build images into the store, and write them out where asked."""
        from imagewright.model.options import EngineName

        with self._world.open_store() as store:
            if options.engine is not EngineName.NATIVE:
                from imagewright.app.engine_builds import build_with_engine

                return build_with_engine(self._world, store, specs, options, sink)
            return self._builder(store, sink, options.cache).build(specs, options)

    def plan(self, specs: tuple[str, ...], selection: Selection, workers: WorkerOptions | None = None) -> PlanView:
        """What a build would do, and with workers when."""
        with self._world.read_store() as store:
            if workers is not None:
                from imagewright.app.forecasting import forecast_plan

                return forecast_plan(self._world, store, specs, selection, workers)
            return self._builder(store, discard).view(specs, selection)

    def lock(self, specs: tuple[str, ...], options: LockOptions, sink: Sink) -> LockChanges:
        """Make or refresh the lock."""
        with self._world.read_store() as store:
            return self._builder(store, sink).relock(specs, options)

    def update(self, options: UpdateOptions, sink: Sink) -> Updated:
        """Take in new releases and new packages."""
        from imagewright.app.updating import Updater

        with self._world.read_store() as store:
            return Updater(self._world, store, sink).update(options)

    def outdated(self, specs: tuple[str, ...], sink: Sink) -> tuple[OutdatedImage, ...]:
        """What of the built images is behind."""
        from imagewright.app.outdating import Outdating

        with self._world.read_store() as store:
            return Outdating(self._world, store, sink).look(specs)

    def refresh(self, specs: tuple[str, ...], options: RefreshOptions, sink: Sink) -> Refreshed:
        """Build and publish what is behind."""
        from imagewright.app.refreshing import Refresher

        with self._world.open_store() as store:
            return Refresher(self._world, store, sink).refresh(specs, options)

    def check(self, specs: tuple[str, ...], selection: Selection, sink: Sink) -> tuple[CheckResult, ...]:
        """Run the acceptance checks again, whatever the store remembers of them."""
        with self._world.open_store() as store:
            return self._builder(store, sink).check(specs, selection)

    def run(self, spec: str, argv: tuple[str, ...], options: RunOptions) -> int:
        """Run a command in an image that is in the store."""
        with self._world.open_store() as store:
            return self._builder(store, discard).run(spec, argv, options)

    def train(self, spec: str, options: TrainOptions, sink: Sink) -> TrainedProfile:
        """Train a profile and name it in the lock."""
        with self._world.open_store() as store:
            return self._builder(store, sink).train(spec, options)

    def tags(self, specs: tuple[str, ...], options: TagOptions) -> tuple[TaggedImage, ...]:
        """Images of a catalog with their tags."""
        from imagewright.app.tagging import tagged_images

        return tagged_images(self._world, specs, options)

    def library(self, options: LibraryOptions) -> LibraryManifest:
        """The library manifest of the catalog's images."""
        from imagewright.app.git import GitHistory
        from imagewright.app.library import write_manifest

        return write_manifest(self._world, options, GitHistory(options.git))

    def read_library(self, path: Path) -> LibraryManifest:
        """What is in a library manifest."""
        from imagewright.app.library import read_manifest

        return read_manifest(path)

    def take_over(self, path: Path) -> TakenOver:
        """The catalog of a library manifest."""
        from imagewright.app.library import take_over

        return take_over(path)

    def import_repository(self, root: Path) -> Imported:
        """The configuration that a repository of Dockerfiles amounts to."""
        from imagewright.app.importing import import_repository

        return import_repository(root)

    def readme(self, name: str, options: ReadmeOptions) -> Readme:
        """The README of a repository."""
        from imagewright.app.readme import describe_repository

        return describe_repository(self._world, name, options)

    def dockerfile(self, spec: str, options: DockerfileOptions) -> Dockerfile:
        """The Dockerfile of an image."""
        from imagewright.app.dockerfiles import print_dockerfile

        return print_dockerfile(self._world, spec, options)

    def dockerfiles(self, root: Path, options: DockerfileOptions) -> DockerfileTree:
        """The tree of Dockerfiles of the catalog."""
        from imagewright.app.dockerfile_trees import write_tree

        return write_tree(self._world, root, options)

    def bake(self, specs: tuple[str, ...], options: BakeOptions, sink: Sink) -> BakeFile:
        """The bake file of images."""
        from imagewright.app.baking import bake

        return bake(self._world, specs, options, sink)

    def ci(self, service: Service, specs: tuple[str, ...], options: CiOptions) -> CiFile:
        """A workflow of a CI service."""
        from imagewright.app.workflows import write_workflow

        return write_workflow(self._world, service, specs, options)

    def statuses(self, options: StatusOptions) -> Status:
        """What became of the images of a catalog."""
        from imagewright.app.statuses import status

        with self._world.read_store() as store:
            return status(self._world, store, options)

    def site(self, directory: Path, options: CatalogueOptions, sink: Sink) -> WrittenSite:
        """Write a site about images."""
        from imagewright.app.cataloguing import write_site

        with self._world.open_store() as store:
            return write_site(self._world, store, directory, options, sink)

    def serve_site(self, directory: Path, address: str, ready: Callable[[str], None]) -> None:
        """Serve a site on this machine until it is interrupted."""
        from imagewright.app.serving import read_address, serve

        serve(directory, read_address(address), ready)

    def init(self) -> Started:
        """Write a small configuration."""
        from imagewright.app.starting import start

        return start(self._world)

    def push(self, specs: tuple[str, ...], destination: str, options: PushOptions, sink: Sink) -> Transferred:
        """Publish images with all their tags."""
        from imagewright.app.publishing import push

        with self._world.open_store() as store:
            return push(self._world, store, specs, destination, options, sink)

    def pull(self, ref: str, platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink) -> Transferred:
        """Bring an image into the store."""
        from imagewright.app.pulling import pull

        with self._world.open_store() as store:
            return pull(self._world, store, ref, platforms, access, sink)

    def copy(
        self, refs: tuple[str, str], platforms: tuple[Platform, ...], access: RegistryAccess, sink: Sink
    ) -> Transferred:
        """Copy an image from one place to another."""
        from imagewright.app.copying import copy

        return copy(self._world, refs, platforms, access, sink)

    def inspect(self, ref: str, access: RegistryAccess) -> Inspected:
        """What a reference names."""
        from imagewright.app.inspecting import inspect

        with self._world.read_store() as store:
            return inspect(self._world, store, ref, access)

    def retag(self, ref: str, tags: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        """Let tags name what a reference names."""
        from imagewright.app.remote import retag

        return retag(self._world, ref, tags, access, dry_run=dry_run)

    def untag(self, refs: tuple[str, ...], access: RegistryAccess, *, dry_run: bool) -> RemoteChanges:
        """Delete tags."""
        from imagewright.app.remote import untag

        return untag(self._world, refs, access, dry_run=dry_run)

    def gc_remote(
        self, repository: str, access: RegistryAccess, *, only: tuple[str, ...], keep: int, dry_run: bool
    ) -> RemoteChanges:
        """Delete what is no longer wanted in a repository."""
        from imagewright.app.remote import gc_remote

        return gc_remote(self._world, repository, access, only=only, keep=keep, dry_run=dry_run)

    def report(self, ref: str, options: ReportOptions, sink: Sink) -> Report:
        """Describe what a reference names, and what is in it."""
        from imagewright.app.describing import report

        with self._world.open_store() as store:
            return report(self._world, store, ref, options, sink)

    def diff(self, refs: tuple[str, str], options: DiffOptions, sink: Sink) -> Difference:
        """Compare two images."""
        from imagewright.app.describing import diff

        with self._world.open_store() as store:
            return diff(self._world, store, refs, options, sink)

    def attest(self, ref: str, access: RegistryAccess, sink: Sink) -> Attested:
        """Attach bills of materials and provenance."""
        from imagewright.app.attesting import attest

        with self._world.open_store() as store:
            return attest(self._world, store, ref, access, sink)

    def show_document(self, ref: str, kind: DocumentKind, access: RegistryAccess) -> tuple[bytes, ...]:
        """A document about an image."""
        from imagewright.app.attesting import show

        with self._world.open_store() as store:
            return show(self._world, store, ref, kind, access)

    def key_password(self) -> bytes | None:
        """The password of a private key, if the environment has one."""
        from imagewright.app.signing import key_password

        return key_password()

    def keygen(self, prefix: Path, password: bytes) -> KeyPair:
        """Make a pair of keys."""
        from imagewright.app.signing import keygen

        return keygen(prefix, password)

    def sign(self, ref: str, options: SignOptions, access: RegistryAccess) -> Signed:
        """Sign an image and what is attached to it."""
        from imagewright.app.signing import sign

        return sign(self._world, ref, options, access)

    def verify(self, ref: str, options: VerifyOptions, access: RegistryAccess) -> Verified:
        """What can be believed of an image."""
        from imagewright.app.verifying import verify

        return verify(self._world, ref, options, access)

    def rebuild(self, ref: str, options: RebuildOptions, sink: Sink) -> Rebuilt:
        """Build an image again and compare."""
        from imagewright.app.rebuilding import rebuild

        self._world.become_root()  # before anything lies in a temporary directory
        return rebuild(self._world, ref, options, sink)

    def store_list(self) -> StoreContents:
        """What the store holds."""
        from imagewright.model.results import StoreContents, StoredImage

        with self._world.read_store() as store:
            images = tuple(
                StoredImage(image.spec, image.platform, image.manifest, image.size, image.tags, image.finished)
                for image in store.images.all()
            )
            sizes = [state.st_size for _, state in store.blobs.all()]
            trees = [store.trees.facts(key) for key in store.trees.all()]
        held = sum(sizes) + sum(facts.size for facts in trees if facts is not None)
        return StoreContents(self._world.store_path, images, len(sizes), held)

    def store_gc(self, *, dry_run: bool, keep_days: float) -> Collected:
        """Remove what nothing has used for a while."""
        from imagewright.app.locks import inputs_of, load_lock
        from imagewright.model.lock import Lock
        from imagewright.model.results import Collected
        from imagewright.store.gc import collect

        if keep_days < 0:
            raise UsageError("--keep-days must not be negative")
        lock = load_lock(self._world.lock_path)
        with self._world.open_store(exclusive=not dry_run) as store:
            result = collect(store, keep_days=keep_days, keep=inputs_of(lock or Lock()), dry_run=dry_run)
        removed = result.blobs + result.trees + result.records + result.images + result.logs
        return Collected(removed, result.bytes, result.kept, result.dry_run)

    def store_fsck(self, *, repair: bool) -> StoreReport:
        """Compare every content with its name."""
        from imagewright.model.results import StoreReport
        from imagewright.store.fsck import check

        with self._world.open_store(exclusive=repair) as store:
            result = check(store, repair=repair, jobs=self._world.jobs)
        return StoreReport(result.blobs, result.bytes, tuple(map(str, result.problems)), result.repaired)


def make_application(options: GlobalOptions) -> Imagewright:
    """Make the adapters and hand them in. Who works in roots becomes root first; see :meth:`World.open_store`."""
    return Imagewright(make_world(options))
