# SPDX-License-Identifier: Apache-2.0
"""``imagewright refresh``: what is behind is built anew, and published. Made to run from a timer.

Everything is done on a copy of the lock. The copy takes the lock's place when every image is built and checked,
and only then does anything go to a registry: where one image fails, lock and tags stay as they were. A refresh
that was killed is done again by the next one, which finds in the store what was already built.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from imagewright.app.building import Builder
from imagewright.app.describing import read_content
from imagewright.app.locks import load_lock, lock_unchanged, save_lock
from imagewright.app.outdating import Outdating, Survey, Surveyed
from imagewright.app.publishing import push
from imagewright.app.updating import Updater
from imagewright.app.world import World
from imagewright.catalog.versions import series_of
from imagewright.describe.difference import difference
from imagewright.describe.difference_markdown import difference_markdown
from imagewright.errors import ConfigurationError, MachineError, StoreBusyError, UsageError
from imagewright.events import Event, Sink
from imagewright.events.building import StepFinished
from imagewright.model.differences import Difference
from imagewright.model.digest import Digest
from imagewright.model.images import Profile
from imagewright.model.lock import Lock
from imagewright.model.options import BuildOptions, Selection, UpdateOptions
from imagewright.model.plan import StepKind
from imagewright.model.platforms import parse_platform
from imagewright.model.pushing import PushOptions
from imagewright.model.references import StoreReference
from imagewright.model.refreshing import Refreshed, RefreshedImage, RefreshOptions
from imagewright.model.results import BuildReport, BuiltImage, FailedImage, FoundRelease
from imagewright.model.transfers import Transferred
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.source import StoredSource
from imagewright.planning.outdated import rebuild_spec
from imagewright.store.images import StoredImage
from imagewright.store.locks import try_lock
from imagewright.store.store import Store


@dataclass(frozen=True, slots=True)
class _Group:
    """Images that are built or pushed together: of one profile, for the same platforms."""

    specs: tuple[str, ...]
    selection: Selection


class Refresher:
    """One refresh on one open store."""

    def __init__(self, world: World, store: Store, sink: Sink) -> None:
        self._world = world
        self._store = store
        self._sink = sink

    def refresh(self, specs: tuple[str, ...], options: RefreshOptions) -> Refreshed:
        """Look, build, publish. Raises ``StoreBusyError`` beside another refresh of the same lock."""
        begun = self._world.clock.monotonic()
        before = load_lock(self._world.lock_path)
        with self._alone(), _candidate(self._world) as copied:
            images = Outdating(self._world, self._store, self._sink).images(specs)
            if options.repository and not options.force:
                _refuse_quick(images)
            releases = self._releases(copied, images) if options.releases else ()
            candidate = replace(copied)  # which reads anew what the update found
            survey = Outdating(candidate, self._store, self._sink).survey(specs)
            report, refreshed = _NOTHING, tuple[RefreshedImage, ...]()
            if not options.dry_run:
                with Comparisons(self._store, survey, self._difference) as ahead:
                    report = self._build(candidate, survey, ahead.beside(self._sink))
                    if not _failed(report):
                        _take(candidate, self._world, before)
                        refreshed = self._told(report, survey, ahead, options.notes)
        pushed: tuple[Transferred, ...] = ()
        if options.repository and not options.dry_run and not _failed(report):
            pushed = tuple(self._push(survey.images, options))
        return Refreshed(
            looked=len(survey.images),
            releases=releases,
            behind=survey.behind,
            refreshed=refreshed,
            failed=_failed(report),
            pushed=pushed,
            compiles=report.compiles,
            seconds=self._world.clock.monotonic() - begun,
            dry_run=options.dry_run,
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep a second refresh of this lock out: a timer may fire while the last one still builds."""
        name = hashlib.sha256(str(self._world.lock_path.absolute()).encode()).hexdigest()
        held = try_lock(self._store.layout.locks / f"refresh-{name}")
        if held is None:
            raise StoreBusyError(
                f"{self._world.lock_path} is being refreshed already", hint="wait until that refresh has ended"
            )
        try:
            yield
        finally:
            held.release(remove=True)

    def _releases(self, candidate: World, images: Iterable[Surveyed]) -> tuple[FoundRelease, ...]:
        series = sorted({series_of(image.name.release) for image in images} & set(candidate.catalog.by_series))
        if not series:
            return ()
        options = UpdateOptions(series=tuple(series), packages=False)
        return Updater(candidate, self._store, self._sink).update(options).releases

    def _build(self, candidate: World, survey: Survey, sink: Sink) -> BuildReport:
        """Build what is behind from the lock that the survey made. Raises the error of a single image."""
        lost = [image for image in survey.behind if image.rebuild is None]
        if survey.lock is None or len(lost) == len(survey.behind):
            if lost:
                names = ", ".join(sorted({image.spec for image in lost}))
                raise ConfigurationError(
                    f"{names} cannot be built anew",
                    why="the catalog does not offer it any more, or its packages do not go together",
                    hint="what was said before this tells which; other images can be named alone",
                )
            return _NOTHING
        save_lock(candidate, survey.lock, before=load_lock(candidate.lock_path))
        builder = Builder(candidate, self._store, sink)
        profiles = {(image.stored.spec, image.stored.platform): image.profile for image in survey.images}
        wanted = [
            (one.rebuild.spec, one.platform, profiles[one.spec, one.platform])
            for one in survey.behind
            if one.rebuild is not None
        ]
        reports = [
            builder.build(group.specs, BuildOptions(selection=group.selection)) for group in _groups(wanted)
        ]
        return BuildReport(
            tuple(image for report in reports for image in report.images),
            sum(report.seconds for report in reports),
            sum(report.compiles for report in reports),
            sum(report.interpreters for report in reports),
        )

    def _told(
        self, report: BuildReport, survey: Survey, ahead: Comparisons, notes: Path | None
    ) -> tuple[RefreshedImage, ...]:
        """What changed in each image that is not what it was."""
        told = []
        for image in report.images:
            assert isinstance(image, BuiltImage)
            previous = _previous(image, survey)
            if previous is None or previous.stored.manifest == image.digest:
                continue
            before = previous.stored
            found = ahead.found(before, image) or self._difference(before, image.image, image.digest)
            note = None if notes is None else _write_note(notes, image, found)
            told.append(
                RefreshedImage(image.spec, image.image, image.platform, image.digest, before.manifest, found, note)
            )
        return tuple(told)

    def _difference(self, before: StoredImage, image: str, digest: Digest) -> Difference:
        refs, described = [], []
        for spec, manifest in ((before.spec, before.manifest), (image, digest)):
            entry = self._entry(manifest)
            source = StoredSource(self._store.blobs, entry)
            refs.append(f"{spec}@{manifest}")
            described.append(
                read_content(self._world, self._store, StoreReference(spec), source, entry, self._sink)
            )
        return difference((refs[0], refs[1]), described[0], described[1])

    def _entry(self, digest: Digest) -> Descriptor:
        return Descriptor(MANIFEST, digest, self._store.blobs.path(digest).stat().st_size)

    def _push(self, images: Iterable[Surveyed], options: RefreshOptions) -> Iterator[Transferred]:
        """Publish all that was looked at, not only what is new: a push before may have been cut off."""
        world = replace(self._world)  # which reads the lock and the releases as they are now
        lock = load_lock(world.lock_path) or Lock()
        wanted = []
        for image in images:
            platform = image.stored.platform
            spec = rebuild_spec(image.name, platform, world.catalog, lock)
            wanted.append((spec, platform, image.profile))
        for group in _groups(wanted):
            yield push(
                world,
                self._store,
                group.specs,
                options.repository,
                PushOptions(
                    selection=group.selection,
                    access=options.access,
                    require=options.require,
                    force=options.force,
                ),
                self._sink,
            )


class Comparisons:
    """Compares images with what they were while others are still built and checked.

    A context manager: at its end, comparisons that have not begun never do.
    """

    def __init__(
        self, store: Store, survey: Survey, compare: Callable[[StoredImage, str, Digest], Difference]
    ) -> None:
        self._pool = ThreadPoolExecutor(1, "compare")
        self._store = store
        self._before = {f"{one.stored.spec} {one.stored.platform}": one.stored for one in survey.images}
        self._compare = compare
        self._running: dict[tuple[Digest, Digest], Future[Difference]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def beside(self, sink: Sink) -> Sink:
        """A sink that also hears when an image has come to be."""

        def hear(event: Event) -> None:
            sink(event)
            if isinstance(event, StepFinished):
                self._begin(event)

        return hear

    def found(self, before: StoredImage, image: BuiltImage) -> Difference | None:
        """What was found, if these two were compared. Raises what comparing them raised."""
        running = self._running.get((before.manifest, image.digest))
        return None if running is None else running.result()

    def _begin(self, event: StepFinished) -> None:
        kind, _, image = event.name.partition(" ")
        before = self._before.get(image) if kind == StepKind.IMAGE else None
        record = self._store.steps.get(Digest.parse(event.step)) if before is not None else None
        if before is None or record is None:
            return
        pair = (before.manifest, record.output("manifest"))
        if pair[0] != pair[1] and pair not in self._running:
            self._running[pair] = self._pool.submit(self._compare, before, image.partition(" ")[0], pair[1])


_NOTHING = BuildReport(())


def _failed(report: BuildReport) -> tuple[FailedImage, ...]:
    return tuple(image for image in report.images if isinstance(image, FailedImage))


def _groups(wanted: Iterable[tuple[str, str, Profile]]) -> list[_Group]:
    """Specifications with the same profile and platforms, in the order in which they came."""
    platforms: dict[tuple[str, Profile], dict[str, None]] = {}
    for spec, platform, profile in wanted:
        platforms.setdefault((spec, profile), {})[platform] = None
    groups: dict[tuple[Profile, tuple[str, ...]], list[str]] = {}
    for (spec, profile), found in platforms.items():
        groups.setdefault((profile, tuple(sorted(found))), []).append(spec)
    return [
        _Group(tuple(specs), Selection(platforms=tuple(map(parse_platform, names)), profile=profile))
        for (profile, names), specs in groups.items()
    ]


def _previous(image: BuiltImage, survey: Survey) -> Surveyed | None:
    """The image whose place a new one takes: of its own name, or else the one of its line that was built last."""
    behind = {
        (one.spec, one.platform)
        for one in survey.behind
        if one.rebuild is not None and (one.rebuild.spec, one.platform) == (image.spec, image.platform)
    }
    named = {(one.stored.spec, one.stored.platform): one for one in survey.images}
    line = [one for key, one in named.items() if key in behind]
    same = [one for key, one in named.items() if key == (image.image, image.platform)]
    found = same or sorted(line, key=lambda one: one.stored.finished)
    return found[-1] if found else None


def _refuse_quick(images: Iterable[Surveyed]) -> None:
    quick = sorted({image.stored.spec for image in images if image.profile is Profile.QUICK})
    if quick:
        raise UsageError(
            f"{', '.join(quick)} {'is' if len(quick) == 1 else 'are'} of the quick profile and not for release",
            hint="name the images to refresh, or say --force",
        )


@contextmanager
def _candidate(world: World) -> Iterator[World]:
    """The same world with a lock and found releases of its own, as they are now; taken away in the end."""
    path = world.lock_path.with_name(f"{world.lock_path.name.removesuffix('.lock')}.refresh.lock")
    made = replace(world, options=replace(world.options, lock=path))
    pairs = ((world.lock_path, path), (world.found_path, made.found_path))
    try:
        for there, copy in pairs:
            copy.unlink(missing_ok=True)
            if there.is_file():
                shutil.copyfile(there, copy)
        yield made
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error), hint="see --lock") from error
    finally:
        for _, copy in pairs:
            copy.unlink(missing_ok=True)


def _take(candidate: World, world: World, before: Lock | None) -> None:
    """Let the candidate's files take the place of the real ones; the lock last, as an update does it.

    Raises ``LockChangedError``, and takes neither, where the lock is not the one any more that the candidate's
    was made of.
    """
    with lock_unchanged(world.lock_path, before):
        if candidate.found_path.is_file():
            candidate.found_path.replace(world.found_path)
        if candidate.lock_path.is_file():
            candidate.lock_path.replace(world.lock_path)


def _write_note(directory: Path, image: BuiltImage, found: Difference) -> Path:
    """The change note of one image; another refresh of it on another day has another name."""
    platform = image.platform.replace("/", "-")
    path = directory / f"{image.image}-{platform}-{image.digest.hex[:12]}.md"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(difference_markdown(found)) + "\n", encoding="utf-8")
    except OSError as error:
        raise MachineError(f"cannot write {path}", why=error.strerror or str(error), hint="see --notes") from error
    return path
