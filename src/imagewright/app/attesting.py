# SPDX-License-Identifier: Apache-2.0
"""``attest``: bills of materials and provenance of images, made from what they are and attached to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from imagewright.app.building import Builder
from imagewright.app.choices import choices_of
from imagewright.app.choosing import choose
from imagewright.app.locks import load_lock
from imagewright.app.registries import client, read_reference, registry_reference
from imagewright.app.tables import layer_contents
from imagewright.app.transferring import images_of, open_source, told
from imagewright.app.transfers import Transfers
from imagewright.app.world import World
from imagewright.attest import cyclonedx, spdx
from imagewright.attest.attachments import Attached, buildkit_manifest, document_referrer, statement_referrer
from imagewright.attest.bill import Bill
from imagewright.attest.image import ImageFacts, image_bill
from imagewright.attest.provenance import PREDICATE, BuildFacts, predicate
from imagewright.attest.statement import Statement, Subject
from imagewright.catalog.resolve import PROFILE_KEY
from imagewright.errors import ConfigurationError, UsageError
from imagewright.events import Note, Sink, discard
from imagewright.inventory.stock import gather, take_stock
from imagewright.model.attestations import Attested, AttestedImage, DocumentKind
from imagewright.model.digest import Digest
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.lock import Lock
from imagewright.model.options import Selection
from imagewright.model.plan import Plan, PlannedImage, RootWork, RuntimeWork
from imagewright.model.platforms import parse_platform
from imagewright.model.references import Reference, RegistryReference, with_tag
from imagewright.model.results import BuiltImage
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.config import Config
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT
from imagewright.oci.source import StoredSource
from imagewright.planning.excerpt import excerpt
from imagewright.planning.identity import recipe_revision
from imagewright.planning.lockfile import write_lock
from imagewright.planning.targets import is_locked
from imagewright.registry.merging import IMAGE_ANNOTATION
from imagewright.registry.publish import Attachment, Publisher, PublishOptions
from imagewright.registry.pull import pull_from
from imagewright.registry.upload import Blob
from imagewright.store.store import Store

_AT_ONCE = 4
"""Images whose layers are read at a time."""

_TITLES = "org.opencontainers.image."


@dataclass(frozen=True, slots=True)
class Documents:
    """What is told of one image; ``provenance`` is a predicate, ``None`` where nobody knows how it was made."""

    name: str
    platform: str
    manifest: Descriptor
    bill: Bill
    provenance: bytes | None

    def show(self, kind: DocumentKind) -> bytes:
        """One document by itself. Raises :class:`UsageError` for a provenance that there is not."""
        if kind is DocumentKind.SPDX:
            return spdx.encode(self.bill)
        if kind is DocumentKind.CYCLONEDX:
            return cyclonedx.encode(self.bill)
        if self.provenance is None:
            raise UsageError(
                f"nothing is known of how {self.name} was made",
                why="this lock and this configuration do not lead to it",
                hint="say it on the machine, or with the lock, that it was built with",
            )
        return self.provenance

    def statements(self) -> tuple[Statement, ...]:
        """What is said of the image, SBOM first."""
        subjects = (Subject(self.name, self.manifest.digest),)
        said = [(spdx.PREDICATE, spdx.encode(self.bill))]
        said += [(PREDICATE, self.provenance)] if self.provenance else []
        return tuple(Statement(subjects, kind, content) for kind, content in said)

    def attached(self) -> tuple[Attached, ...]:
        """The statements and both formats of the bill as manifests about the image."""
        statements = self.statements()
        return (
            document_referrer(self.manifest, spdx.MEDIA_TYPE, spdx.encode(self.bill)),
            document_referrer(self.manifest, cyclonedx.MEDIA_TYPE, cyclonedx.encode(self.bill)),
            *(statement_referrer(self.manifest, one) for one in statements if one.predicate_type == PREDICATE),
            buildkit_manifest(self.manifest, statements),
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of documents there are."""
        known = (DocumentKind.SPDX, DocumentKind.CYCLONEDX)
        return (*known, DocumentKind.PROVENANCE) if self.provenance else known


def attachments(
    world: World,
    store: Store,
    built: Sequence[BuiltImage],
    plan: Plan,
    lock: Lock,
    definitions: Sequence[ImageDefinition],
    sink: Sink,
) -> Mapping[Digest, tuple[Attachment, ...]]:
    """What goes along with images that were just built: manifest's digest → attachments."""
    known = {(str(one.name), str(one.platform)): one for one in definitions}
    planned = {(one.spec, one.platform): one for one in plan.images}

    def tell(image: BuiltImage) -> Documents:
        key = (image.image, image.platform)
        manifest = Descriptor(MANIFEST, image.digest, store.blobs.size(image.digest))
        provenance = _provenance(world, known[key], planned[key], plan, lock)
        name = f"{image.repository}:{image.image}"
        return _documents(store, manifest, name, _packages(plan, planned[key]), provenance)

    told = []
    for image in built:
        if image.platform.startswith("windows/"):
            sink(Note(f"{image.image} {image.platform}: no bill of materials, as most of it is Microsoft's"))
        else:
            told.append(image)
    found = {}
    with ThreadPoolExecutor(max_workers=min(world.jobs, _AT_ONCE)) as pool:
        for image, documents in zip(told, pool.map(tell, told), strict=True):
            found[image.digest] = as_attachments(documents.attached())
            sink(Note(f"{image.image} {image.platform}: {len(documents.bill.components)} components, provenance"))
    return found


def attest(world: World, store: Store, text: str, access: RegistryAccess, sink: Sink) -> Attested:
    """Attach documents to what a reference names. No tag moves: an index stays what it is."""
    reference = with_tag(registry_reference(text))
    digest, found = describe(world, store, reference, access, sink)
    publisher = Publisher(client(world, reference.repository, access), PublishOptions(), lambda *_: None)
    for one in found:
        publisher.send_attachments(as_attachments(each for each in one.attached() if not each.in_index))
    images = tuple(
        AttestedImage(one.platform, one.manifest.digest, one.kinds, len(one.bill.components)) for one in found
    )
    return Attested(str(reference), digest, images)


def show(world: World, store: Store, text: str, kind: DocumentKind, access: RegistryAccess) -> tuple[bytes, ...]:
    """Documents about what a reference names, a platform each; nothing is written to the registry."""
    reference = read_reference(text)
    if isinstance(reference, RegistryReference):
        reference = with_tag(reference)
    _, found = describe(world, store, reference, access, discard)
    return tuple(one.show(kind) for one in found)


def describe(
    world: World, store: Store, reference: Reference, access: RegistryAccess, sink: Sink
) -> tuple[Digest, tuple[Documents, ...]]:
    """Bring an image here and say what is in each of its platforms; and the digest that the reference names."""
    source = open_source(world, store, reference, access)
    shown = Transfers(sink, {}, world.clock)
    pulled = pull_from(source, [], store.blobs, told(shown), 4)
    images = images_of(pulled.document)
    return pulled.document.digest, tuple(_described(world, store, one, str(reference)) for one in images)


def as_attachments(found: Iterable[Attached]) -> tuple[Attachment, ...]:
    """As a publisher takes them."""
    return tuple(
        Attachment(
            one.document,
            one.described,
            one.subject.digest,
            tuple(blob_in_memory(content) for content in one.blobs),
            in_index=one.in_index,
        )
        for one in found
    )


def blob_in_memory(content: bytes) -> Blob:
    """Bytes, ready to be sent."""
    return Blob(Digest.of(content), len(content), lambda offset: [content[offset:]])


def _described(world: World, store: Store, manifest: Descriptor, called: str) -> Documents:
    """An image of the store, built here or not."""
    annotations = dict(Manifest.parse(store.blobs.read(manifest.digest, limit=MAX_DOCUMENT)).annotations)
    spec, title = annotations.get(IMAGE_ANNOTATION, ""), annotations.get(f"{_TITLES}title", "")
    name = f"{title}:{spec}" if spec and title else called
    way = _way_to(world, store, manifest.digest, spec, annotations.get(PROFILE_KEY, "")) if spec else None
    if way is None:
        return _documents(store, manifest, name, {}, None)
    definition, planned, plan, lock = way
    provenance = _provenance(world, definition, planned, plan, lock)
    return _documents(store, manifest, name, _packages(plan, planned), provenance)


_Way = tuple[ImageDefinition, PlannedImage, Plan, Lock]


def _way_to(world: World, store: Store, manifest: Digest, spec: str, profile: str) -> _Way | None:
    """How the image was made, if this lock and configuration lead to it, and this store has seen it."""
    records = [record for record, _ in store.steps.all() if ("manifest", manifest) in record.outputs]
    platforms = {record.name.rpartition(" ")[2] for record in records}
    lock = load_lock(world.lock_path)
    if lock is None or profile not in {one.value for one in Profile}:
        return None
    for platform in sorted(platforms):
        selection = Selection(platforms=(parse_platform(platform),), profile=Profile(profile))
        definitions = [one for one in _chosen(world, spec, selection) if is_locked(lock, one, world.catalog)]
        plan = Builder(world, store, discard).plan_of(definitions, lock)
        for definition, planned in zip(definitions, plan.images, strict=True):
            if any(record.id == planned.image for record in records):
                return definition, planned, plan, lock
    return None


def _chosen(world: World, spec: str, selection: Selection) -> tuple[ImageDefinition, ...]:
    """What the name means here; nothing where this catalog does not know it."""
    try:
        return choose(world, (spec,), selection).definitions
    except (UsageError, ConfigurationError):
        return ()


def _documents(
    store: Store,
    manifest: Descriptor,
    name: str,
    packages: Mapping[tuple[str, str, str], Digest],
    provenance: bytes | None,
) -> Documents:
    parsed = Manifest.parse(store.blobs.read(manifest.digest, limit=MAX_DOCUMENT))
    config = Config.parse(store.blobs.read(parsed.config.digest, limit=MAX_DOCUMENT))
    facts = ImageFacts(
        name=name,
        digest=manifest.digest,
        platform=str(config.platform),
        created=config.created or 0,
        environment=dict(config.execution.environment),
        packages=packages,
    )
    source = StoredSource(store.blobs, manifest)
    layers = (layer_contents(store, source, layer) for layer in parsed.layers)
    bill = image_bill(facts, take_stock(gather(layers)))
    return Documents(name, str(config.platform), manifest, bill, provenance)


def _packages(plan: Plan, planned: PlannedImage) -> Mapping[tuple[str, str, str], Digest]:
    """SHA-256 of the .deb files that may be in an image, as the lock has them."""
    found: dict[tuple[str, str, str], Digest] = {}
    for step in plan.steps:
        if step.id in planned.steps and isinstance(step.work, RootWork | RuntimeWork):
            packages = step.work.packages if isinstance(step.work, RootWork) else step.work.candidates
            found |= {(one.name, one.version, one.architecture): one.sha256 for one in packages}
    return found


def _provenance(world: World, definition: ImageDefinition, planned: PlannedImage, plan: Plan, lock: Lock) -> bytes:
    steps = tuple(step for step in plan.steps_of(planned) if step.id != planned.check)
    return predicate(
        BuildFacts(
            spec=planned.spec,
            platform=planned.platform,
            profile=definition.profile.value,
            steps=steps,
            image_step=planned.image,
            minimum_epoch=definition.release_epoch,
            lock=write_lock(excerpt(lock, definition, world.catalog)),
            distribution=world.catalog.by_suite[definition.name.suite].distribution,
            choices=choices_of(definition),
            recipes=tuple((kind, recipe_revision(kind)) for kind in sorted({step.kind for step in steps})),
        )
    )
