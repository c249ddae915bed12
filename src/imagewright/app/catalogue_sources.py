# SPDX-License-Identifier: Apache-2.0
"""Which images a site shows, and what is known of them without reading a layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagewright.app.describing import find_image, published
from imagewright.app.registries import client, read_reference
from imagewright.app.transferring import images_of, stored_entry
from imagewright.app.world import World
from imagewright.catalog.model import Catalog
from imagewright.catalog.versions import is_release, series_of
from imagewright.describe.catalogue.facts import (
    OTHER,
    CatalogueImage,
    Kind,
    Pull,
    Sized,
    kind_of,
    line_of,
)
from imagewright.describe.status import Remembered
from imagewright.errors import UsageError, VerificationError
from imagewright.model.catalogues import CatalogueOptions, NotShown
from imagewright.model.digest import Digest
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.references import (
    ArchiveReference,
    LayoutReference,
    Reference,
    RegistryReference,
    StoreReference,
)
from imagewright.model.reports import PublishedReport
from imagewright.model.statuses import State
from imagewright.oci.descriptor import REF_NAME, Descriptor
from imagewright.oci.layout_source import LayoutDirectory
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import ImageSource, StoredSource
from imagewright.registry.merging import IMAGE_ANNOTATION
from imagewright.store.images import StoredImage
from imagewright.store.store import Store

_TITLE = "org.opencontainers.image.title"


@dataclass(frozen=True, slots=True)
class Known:
    """An image and where its layers can be read. ``bill_name`` is what its bill of materials calls it."""

    image: CatalogueImage
    reference: Reference
    source: ImageSource
    entry: Descriptor
    bill_name: str


@dataclass(slots=True)
class Sources:
    """Collects images of any place; the same manifest of several places is one image."""

    world: World
    store: Store
    catalog: Catalog
    options: CatalogueOptions
    found: dict[Digest, Known] = field(default_factory=dict)
    not_shown: list[NotShown] = field(default_factory=list)

    def from_store(self, remembered: Remembered) -> None:
        """Every image of the store."""
        groups: dict[Digest, list[StoredImage]] = {}
        for image in self.store.images.all():
            groups.setdefault(image.manifest, []).append(image)
        records = [record for record, _ in self.store.steps.all() if record.kind is StepKind.IMAGE]
        built = {record.output("manifest") for record in records}
        for manifest, images in groups.items():
            images.sort(key=lambda one: _rank(one.spec, self.catalog))
            first = images[0]
            try:
                entry = stored_entry(self.store, first)
            except (KeyError, VerificationError):
                self.not_shown.append(NotShown(first.spec, first.platform, "its manifest is not in the store"))
                continue
            source = StoredSource(self.store.blobs, entry)
            reference = StoreReference(str(manifest))
            report = published(self.world, reference, source, first.spec, self.options.access)
            state, detail = _state(images, remembered, was_built=manifest in built)
            names = tuple(dict.fromkeys(name for one in images for name in (one.spec, *one.tags)))
            self._take(
                report, entry, source, reference, names, tuple(_pushed(images, names, remembered)), state, detail
            )
            known = self.found.get(manifest)
            if known is not None:  # when it was built says more than the date of its content
                self.found[manifest] = replace(known, image=replace(known.image, moment=first.finished))
        self._size(_points(records, self.store.images.all(), self.catalog))

    def from_reference(self, text: str) -> None:
        """What a REF names; every tag of its place where that is wanted and it names none."""
        for one in self._spread(text):
            reference, source = find_image(self.world, self.store, one, self.options.access)
            report = published(self.world, reference, source, "", self.options.access)
            for entry in images_of(source.root()):
                tags = (reference.tag,) if isinstance(reference, RegistryReference) and reference.tag else ()
                pulls: tuple[Pull, ...] = ()
                if isinstance(reference, RegistryReference):
                    pulls = (Pull(_pull_name(report, reference), tags),)
                self._take(report, entry, source, reference, (_called(reference),), pulls)

    def images(self) -> list[Known]:
        """All of them in the order of the site, with the sizes of those that are alike."""
        found = list(self._with_newest_tags())
        by_line: dict[str, dict[Digest, Sized]] = {}
        for known in found:
            image = known.image
            points = by_line.setdefault(image.line, {})
            points |= {point.digest: point for point in image.sizes if point.digest not in points}
            points.setdefault(image.digest, Sized(image.moment, image.size, image.digest, image.name))
        for place, known in enumerate(found):
            points = by_line[known.image.line]
            sizes = tuple(sorted(points.values(), key=lambda one: (one.moment, one.name, one.digest)))
            found[place] = replace(known, image=replace(known.image, sizes=sizes))
        return sorted(found, key=lambda known: known.image.order)

    def _with_newest_tags(self) -> Iterator[Known]:
        """Of images of one name, only the newest is to be had by its tags from the configured repository."""
        newest: dict[tuple[str, str], tuple[int, Digest]] = {}
        for known in self.found.values():
            image = known.image
            key = (image.name, image.platform)
            newest[key] = max(newest.get(key, (0, image.digest)), (image.moment, image.digest))
        configured = self.world.publication.pull
        for known in self.found.values():
            image = known.image
            if newest[image.name, image.platform][1] == image.digest:
                yield known
                continue
            pulls = tuple(replace(one, tags=()) if one.repository == configured else one for one in image.pulls)
            yield replace(known, image=replace(image, pulls=pulls))

    def _take(
        self,
        report: PublishedReport,
        entry: Descriptor,
        source: ImageSource,
        reference: Reference,
        names: tuple[str, ...],
        pulls: tuple[Pull, ...],
        state: str = "",
        detail: str = "",
    ) -> None:
        own = next((one for one in report.images if one.digest == entry.digest), None)
        if own is None:
            self.not_shown.append(NotShown(names[0], str(entry.platform or ""), "it is no image"))
            return
        before = self.found.get(entry.digest)
        if before is not None:
            self.found[entry.digest] = replace(before, image=_joined(before.image, names, pulls))
            return
        manifest = Manifest.parse(source.document(entry))
        annotations = dict(manifest.annotations)
        spec = annotations.get(IMAGE_ANNOTATION, "")
        if spec and kind_of(spec, self.catalog) is not None and not isinstance(reference, StoreReference):
            names = (spec, *names)
        name = names[0]
        target = own.platform
        platform = "/".join(word for word in (target.os, target.architecture, target.variant) if word)
        kind = kind_of(name, self.catalog)
        shown = kind or _foreign_kind(name, dict(own.environment).get("PYTHON_VERSION", ""), self.catalog)
        configured = self.world.publication.pull
        if (
            configured
            and not isinstance(reference, RegistryReference)
            and configured not in (pull.repository for pull in pulls)
        ):
            tags = tuple(each for each in dict.fromkeys(names) if "/" not in each and ":" not in each)
            pulls = (Pull(configured, tags), *pulls)
        title = annotations.get(_TITLE, "")
        image = CatalogueImage(
            name=name,
            digest=entry.digest,
            platform=platform,
            tags=tuple(each for each in dict.fromkeys(names) if each != name),
            series=shown.series,
            variant=shown.variant,
            suite=shown.suite,
            line=line_of(name, platform, kind),
            state=state,
            detail=detail,
            moment=own.created or 0,
            size=own.size + manifest.config.size,
            python=dict(own.environment).get("PYTHON_VERSION", ""),
            published=own,
            attachments=tuple(one for one in report.attachments if one.about in ("", str(entry.digest))),
            pulls=pulls,
        )
        bill_name = f"{title}:{spec}" if title and spec else name
        self.found[entry.digest] = Known(image, reference, source, entry, bill_name)

    def _size(self, points: dict[str, list[Sized]]) -> None:
        """Give images the sizes of earlier builds."""
        for digest, known in self.found.items():
            sizes = tuple(points.get(known.image.line, ()))
            self.found[digest] = replace(known, image=replace(known.image, sizes=sizes))

    def _spread(self, text: str) -> Iterator[str]:
        """One REF for each tag of a repository, or each image of a layout, if that is wanted."""
        reference = read_reference(text)
        if not self.options.all_tags:
            yield text
        elif isinstance(reference, RegistryReference) and not reference.tag and reference.digest is None:
            there = client(self.world, reference.repository, self.options.access)
            yield from (str(reference.tagged(tag)) for tag in there.tags())
        elif isinstance(reference, LayoutReference) and not reference.name:
            entries = LayoutDirectory(Path(reference.path)).index.manifests
            names = dict.fromkeys(entry.annotation(REF_NAME) or str(entry.digest) for entry in entries)
            yield from (str(replace(reference, name=name)) for name in names)
        else:
            raise UsageError(
                f"--all-tags does not go with {text}", why="it is one image, or of a kind of place without a list"
            )


def _rank(spec: str, catalog: Catalog) -> tuple[bool, int, str]:
    """The name that a person would use comes first: one of the catalog's, short, without a date."""
    return kind_of(spec, catalog) is None, len(spec), spec


def _state(images: Iterable[StoredImage], remembered: Remembered, *, was_built: bool) -> tuple[str, str]:
    """What the records say: checked or built, and whether a later build failed."""
    images = tuple(images)
    if images[0].manifest in remembered.checked:
        state = State.CHECKED.value
    else:
        state = State.BUILT.value if was_built else ""
    for image in images:
        failed = remembered.failed.get((image.spec, image.platform))
        if failed is not None and failed[0] >= image.finished:
            return state, f"A later build failed: {failed[1]}"
    return state, ""


def _pushed(images: Iterable[StoredImage], names: tuple[str, ...], remembered: Remembered) -> Iterator[Pull]:
    """The repositories that have this very image; of one that was pulled, where it came from."""
    tags = tuple(name for name in names if "/" not in name and ":" not in name)
    repositories: dict[str, None] = {}
    for image in images:
        there = remembered.pushed.get((image.spec, image.platform), {})
        repositories |= {where: None for where, digest in there.items() if digest == str(image.manifest)}
        if "/" in image.spec:
            reference = read_reference(image.spec)
            if isinstance(reference, RegistryReference):
                yield Pull(str(reference.repository), (reference.tag,) if reference.tag else ())
    yield from (Pull(where, tags) for where in sorted(repositories))


def _points(
    records: Iterable[StepRecord], images: Iterable[StoredImage], catalog: Catalog
) -> dict[str, list[Sized]]:
    """Sizes of all builds that are remembered, by line."""
    found: dict[str, dict[Digest, Sized]] = {}

    def add(name: str, platform: str, point: Sized) -> None:
        line = line_of(name, platform, kind_of(name, catalog))
        known = found.setdefault(line, {})
        if point.digest not in known or known[point.digest].moment > point.moment:
            known[point.digest] = point

    for record in records:
        _, _, rest = record.name.partition(" ")
        name, _, platform = rest.partition(" ")
        size = dict(record.facts).get("size", "")
        if size.isdecimal():
            add(name, platform, Sized(record.finished, int(size), record.output("manifest"), name))
    for image in sorted(images, key=lambda one: _rank(one.spec, catalog)):
        add(image.spec, image.platform, Sized(image.finished, image.size, image.manifest, image.spec))
    return {line: list(points.values()) for line, points in found.items()}


def _joined(image: CatalogueImage, names: tuple[str, ...], pulls: tuple[Pull, ...]) -> CatalogueImage:
    """The image, known by further names and from further places."""
    tags = tuple(each for each in dict.fromkeys((*image.tags, *names)) if each != image.name)
    places: dict[str, tuple[str, ...]] = {pull.repository: pull.tags for pull in image.pulls}
    for pull in pulls:
        places[pull.repository] = tuple(dict.fromkeys((*places.get(pull.repository, ()), *pull.tags)))
    return replace(image, tags=tags, pulls=tuple(Pull(where, there) for where, there in places.items()))


def _called(reference: Reference) -> str:
    """What a page calls an image; never a path of this machine."""
    match reference:
        case LayoutReference() | ArchiveReference():
            return reference.name or Path(reference.path).name
        case RegistryReference():
            return str(reference).partition("@")[0]
        case _:
            return reference.spec


def _pull_name(report: PublishedReport, reference: RegistryReference) -> str:
    return report.pull or str(reference.repository)


def _foreign_kind(name: str, version: str, catalog: Catalog) -> Kind:
    """What is known of an image whose name follows other rules: its tag may say it, or its environment."""
    tag = name.rpartition(":")[2]
    said = kind_of(tag, catalog) if tag != name else None
    if said is not None:
        return said
    return Kind(series_of(version) if is_release(version) else OTHER, OTHER, OTHER)
