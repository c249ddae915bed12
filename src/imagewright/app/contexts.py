# SPDX-License-Identifier: Apache-2.0
"""Build contexts out of the store: with them, another engine builds what a lock names without any network.

A context stands for the stage of its name in a Dockerfile: ``packages`` is a directory with packages and their
index, ``inputs`` one with source and profiles, ``base`` and ``buildbase`` are roots as images (OCI layouts).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imagewright.app.archives import fetch_inputs
from imagewright.app.building import Builder
from imagewright.app.steps import make_ports
from imagewright.app.world import World
from imagewright.archives.debian.deb import read_control
from imagewright.archives.debian.flat import INDEX, file_name, stanza
from imagewright.archives.download import combined
from imagewright.catalog.resolve import define
from imagewright.emit.dockerfiles.compiling import patch_name, profile_name
from imagewright.engine.packing import LayerBlob
from imagewright.engine.steps.runtime import interpreter_document
from imagewright.errors import MachineError, UsageError
from imagewright.events import Sink
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat
from imagewright.model.images import ImageConfiguration, ImageDefinition, RootKind
from imagewright.model.lock import Lock
from imagewright.model.packages import LockedPackage, PackageSystem
from imagewright.model.plan import PythonWork, RootWork, RuntimeWork, SiteWork, Step, StepRecord
from imagewright.model.ports import Ports
from imagewright.oci.image import ImageLayer, assemble
from imagewright.oci.layout import Export, export
from imagewright.recipes.embedded import document_path
from imagewright.store.store import Store

LAYOUT_TAG = "root"
"""How the one image of a layout is called."""

_ROOT = ImageConfiguration(environment=(), command=())


@dataclass(frozen=True, slots=True)
class Context:
    """One context: the stage it stands for and where it is.

    ``image`` is the name of a root that an engine has to load from ``path`` first; ``layout`` says that the
    directory is an OCI layout.
    """

    stage: str
    path: Path
    layout: bool = False
    image: str = ""

    @property
    def reference(self) -> str:
        """How ``--build-context`` says it."""
        if self.image:
            return f"docker-image://{self.image}"
        return f"oci-layout://{self.path}:{LAYOUT_TAG}" if self.layout else str(self.path)


class ContextWriter:
    """Writes the contexts of images below one directory, each once however many images share it.

    With ``load``, roots are archives for ``docker load``, as an engine's own builder reads no layouts.
    """

    def __init__(self, world: World, store: Store, sink: Sink, directory: Path, *, load: bool = False) -> None:
        self._world = world
        self._store = store
        self._sink = sink
        self._directory = directory
        self._load = load
        self._roots: dict[str, Path] = {}
        self._builder = Builder(world, store, sink)
        self._ports: Ports = make_ports(world, store)

    def write(self, definitions: Sequence[ImageDefinition], lock: Lock) -> dict[str, tuple[Context, ...]]:
        """The contexts of each image, by its name; an image has one definition for each platform.

        Raises :class:`UsageError` for images of Alpine's, :class:`StaleLockError` where the lock lacks something,
        and what making a root raises.
        """
        for definition in definitions:
            if definition.system is PackageSystem.APK:
                raise UsageError(
                    f"{definition.name} has no build contexts",
                    why="they hold packages as apt reads them, and these are Alpine's",
                    hint="build it natively, or from what `imagewright dockerfile` prints",
                )
        small = [self._small(definition) for definition in definitions]
        plan = self._builder.plan_of([*definitions, *small], lock)
        steps = {step.id: step for step in plan.steps}
        count = len(definitions)
        rows = [
            _Row(definition, [steps[step] for step in image.steps], steps[other.steps[0]])
            for definition, image, other in zip(definitions, plan.images[:count], plan.images[count:], strict=True)
        ]
        self._fetch([step for row in rows for step in row.steps], lock)
        roots = {row.small.id for row in rows} | {row.steps[0].id for row in rows if row.configured}
        records = self._builder.bring(plan, lock, sorted(roots))
        suites = {row.definition.name.suite: [other for other in rows if _same_suite(row, other)] for row in rows}
        packages = {suite: self._packages(f"packages-{suite}", found) for suite, found in suites.items()}
        return {
            name: (
                Context("packages", packages[found[0].definition.name.suite]),
                *self._of_image(found, records),
            )
            for name, found in _by_name(rows).items()
        }

    def _small(self, definition: ImageDefinition) -> ImageDefinition:
        """An image with the root that compiles: that of the slim variant."""
        if definition.root is RootKind.CONFIGURED:
            return replace(definition, slim=True)
        name = replace(definition.name, variant="slim")
        return define(name, self._world.catalog, self._world.settings(), definition.platform)

    def _fetch(self, steps: Iterable[Step], lock: Lock) -> None:
        wanted = {step.id: step for step in steps}
        failures = fetch_inputs(self._world, self._store, self._ports, wanted.values(), lock, self._sink)
        if failures:
            raise combined(tuple(failures.values()))

    def _of_image(self, rows: Sequence[_Row], records: Mapping[Digest, StepRecord]) -> tuple[Context, ...]:
        first = rows[0].definition
        suite, release = first.name.suite, f"{first.name.release}{first.name.flavour.value}"
        found = [
            Context("inputs", self._inputs(f"inputs-{release}-{suite}", rows)),
            self._root("buildbase", f"root-{suite}-slim", [(row, row.small) for row in rows], records),
        ]
        if rows[0].configured:
            ending = "-slim" if first.slim else ""
            found.append(
                self._root("base", f"root-{suite}{ending}", [(row, row.steps[0]) for row in rows], records)
            )
        return tuple(found)

    def _packages(self, name: str, rows: Sequence[_Row]) -> Path:
        """All packages that images and their build roots may have, with their index.

        One directory for all images of a suite, so that builders see that they install the same build root.
        """
        place = _empty(self._directory / name)
        packages = {one.sha256: one for row in rows for step in row.steps for one in _packages_of(step)}
        index = []
        for package in sorted(packages.values(), key=str):
            with self._ports.blobs.open(package.sha256) as file:
                index.append(stanza(package, read_control(file, str(package))))
            self._put(package.sha256, place / file_name(package))
        _text(place / INDEX, "".join(index))
        return place

    def _inputs(self, name: str, rows: Sequence[_Row]) -> Path:
        """Source, wheels and training profiles, by the names that Dockerfiles have for them; and the document that
        tells scanners of the interpreter."""
        place = _empty(self._directory / name)
        for row in rows:
            work = next(step.work for step in row.steps if isinstance(step.work, PythonWork))
            source = work.source
            self._put(source.sha256, place / source.filename)
            document = place / document_path(source.release).rpartition("/")[2]
            document.write_bytes(interpreter_document(source, row.definition.release_epoch, self._ports))
            for wheel in source.wheels:
                self._put(wheel.sha256, place / wheel.filename)
            for patch in work.patches:
                self._put(patch.sha256, place / patch_name(patch))
            for wheel in (
                one for step in row.steps if isinstance(step.work, SiteWork) for one in step.work.wheels
            ):
                self._put(wheel.sha256, place / wheel.filename)
            if work.profile is not None:
                self._put(work.profile.sha256, place / profile_name(row.definition.platform.debian))
        return place

    def _root(
        self, stage: str, name: str, rows: Sequence[tuple[_Row, Step]], records: Mapping[Digest, StepRecord]
    ) -> Context:
        image = f"imagewright/{name}:{LAYOUT_TAG}"
        if name not in self._roots:
            self._roots[name] = self._write_root(name, image, rows, records)
        if self._load:
            return Context(stage, self._roots[name], image=image)
        return Context(stage, self._roots[name], layout=True)

    def _write_root(
        self, name: str, image: str, rows: Sequence[tuple[_Row, Step]], records: Mapping[Digest, StepRecord]
    ) -> Path:
        blobs = self._ports.blobs
        exports = []
        for row, step in rows:
            layers = [_layer(records[step.id], each) for each in ("layer", "state")]
            documents = assemble(row.definition.platform, _ROOT, layers, created=layers[0].created)
            blobs.put([documents.config_bytes], expected=documents.config.digest)
            blobs.put([documents.manifest_bytes], expected=documents.manifest.digest)
            exports.append(Export(documents.manifest, (image,)))
        place = self._directory / (f"{name}.tar" if self._load else name)
        if not self._load:
            _empty(place).rmdir()
        export(exports, blobs, place, ArchiveFormat.OCI_ARCHIVE if self._load else ArchiveFormat.OCI_DIR)
        return place

    def _put(self, digest: Digest, place: Path) -> None:
        """A file of the store under another name: a hard link where that goes."""
        source = self._ports.blobs.path(digest)
        place.unlink(missing_ok=True)
        try:
            os.link(source, place)
        except OSError:
            shutil.copyfile(source, place)


@dataclass(frozen=True, slots=True)
class _Row:
    """One image on one platform: its steps, the base first, and the step of the root that compiles."""

    definition: ImageDefinition
    steps: Sequence[Step]
    small: Step

    @property
    def configured(self) -> bool:
        """Whether the image stands on a root with a package manager."""
        return self.definition.root is RootKind.CONFIGURED


def _same_suite(one: _Row, other: _Row) -> bool:
    return one.definition.name.suite == other.definition.name.suite


def _by_name(rows: Iterable[_Row]) -> dict[str, list[_Row]]:
    found: dict[str, list[_Row]] = {}
    for row in rows:
        found.setdefault(str(row.definition.name), []).append(row)
    return found


def _packages_of(step: Step) -> tuple[LockedPackage, ...]:
    work = step.work
    if isinstance(work, RootWork):
        return work.packages
    return work.candidates if isinstance(work, RuntimeWork) else ()


def _layer(record: StepRecord, name: str) -> ImageLayer:
    blob = LayerBlob.of(record, name)
    return ImageLayer(
        blob.digest, blob.diff_id, blob.size, blob.compression, blob.epoch, f"imagewright {record.name}"
    )


def _empty(place: Path) -> Path:
    """A directory with nothing in it; what an earlier run left goes."""
    try:
        if place.exists():
            shutil.rmtree(place)
        place.mkdir(parents=True)
    except OSError as error:
        raise MachineError(f"cannot write {place}", why=error.strerror or str(error)) from error
    return place


def _text(place: Path, text: str) -> None:
    try:
        place.write_text(text, encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise MachineError(f"cannot write {place}", why=error.strerror or str(error)) from error
