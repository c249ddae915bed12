# SPDX-License-Identifier: Apache-2.0
"""``report``: what a reference names, from its documents, and what is in it, from its layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from imagewright.app.registries import client, read_reference
from imagewright.app.tables import layer_contents
from imagewright.app.transferring import images_of, open_source
from imagewright.app.transfers import Transfers
from imagewright.app.world import World, own_platform
from imagewright.describe.contents import Described, contents
from imagewright.describe.difference import difference
from imagewright.describe.published import is_image, read_http_date, reported_attachment, reported_image
from imagewright.describe.scan import scan
from imagewright.errors import UsageError
from imagewright.events import Sink
from imagewright.model.contents import Contents
from imagewright.model.differences import Difference, DiffOptions
from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.references import DOCKER_HUB, Reference, RegistryReference, with_tag
from imagewright.model.reports import PublishedReport, Report, ReportedAttachment, ReportedImage, ReportOptions
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.config import Config
from imagewright.oci.descriptor import FOREIGN, INDEXES, MANIFESTS, Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document, ImageSource
from imagewright.registry.client import RepositoryClient
from imagewright.registry.merging import REFERENCE_DIGEST, REFERENCE_TYPE, is_attestation
from imagewright.store.store import Store

_AT_ONCE = 8
"""Questions about blobs that are asked side by side."""


def report(world: World, store: Store, text: str, options: ReportOptions, sink: Sink) -> Report:
    """Describe an image. Raises what reading it raises."""
    reference, source = find_image(world, store, text, options.access)
    near = not isinstance(reference, RegistryReference)
    chosen = options.published or options.content
    facts: PublishedReport | None = None
    if options.published or not chosen:
        facts = published(world, reference, source, options.name, options.access)
    described: list[Contents] = []
    if options.content or (near and not chosen):
        entries = chosen_entries(source, options.platforms)
        described = [contents(read_content(world, store, reference, source, entry, sink)) for entry in entries]
    return Report(
        str(reference), _names(reference, options.name)[0], source.root().digest, facts, tuple(described)
    )


def chosen_entries(source: ImageSource, platforms: tuple[Platform, ...]) -> list[Descriptor]:
    """The images for these platforms; for this machine's own, or else the first, where none is named."""
    root = source.root()
    images = list(images_of(root))
    if not images:
        raise UsageError("there is no image", why="what is named holds other things, such as attestations")
    if root.media_type not in INDEXES:
        return images
    index = Index(tuple(images))
    if not platforms:
        return [index.find(Target.of(own_platform())) or images[0]]
    found = [(platform, index.find(Target.of(platform))) for platform in platforms]
    missing = [str(platform) for platform, entry in found if entry is None]
    if missing:
        raise UsageError(f"there is no image for {', '.join(missing)}", hint="imagewright inspect lists platforms")
    return [entry for _, entry in found if entry is not None]


def read_content(
    world: World, store: Store, reference: Reference, source: ImageSource, entry: Descriptor, sink: Sink
) -> Described:
    """Read one platform's layers, each once and never again. Raises what reading and verifying raises."""
    manifest = Manifest.parse(source.document(entry))
    if not is_image(manifest):
        raise UsageError(f"{reference} is no image", why=f"it is {manifest.artifact_type or 'an artifact'}")
    config = Config.parse(source.document(manifest.config))
    if any(layer.media_type in FOREIGN for layer in manifest.layers):
        raise UsageError(
            f"the content of {reference} cannot be read",
            why="some of its layers are kept by somebody else (foreign layers)",
            hint="say --remote: what is published needs no layers",
        )
    told = _told(world, sink) if isinstance(reference, RegistryReference) else None

    found = scan(
        layer_contents(store, source, layer, partial(told, layer) if told else None) for layer in manifest.layers
    )
    return Described(str(entry.platform or config.platform), entry.digest, manifest, config, found)


def _told(world: World, sink: Sink) -> Callable[[Descriptor, int], None]:
    shown = Transfers(sink, {}, world.clock)
    return lambda layer, count: shown.note(
        layer.digest, count, layer.size, "downloaded" if count == layer.size else ""
    )


def diff(world: World, store: Store, texts: tuple[str, str], options: DiffOptions, sink: Sink) -> Difference:
    """Compare two images. Raises what reading them raises."""
    platforms = (options.platform,) if options.platform else ()
    found: list[Described] = []
    names: list[str] = []
    for text in texts:
        reference, source = find_image(world, store, text, options.access)
        (entry,) = chosen_entries(source, platforms)
        found.append(read_content(world, store, reference, source, entry, sink))
        names.append(str(reference))
    return difference((names[0], names[1]), found[0], found[1])


def find_image(world: World, store: Store, text: str, access: RegistryAccess) -> tuple[Reference, ImageSource]:
    """What a REF names. Raises :class:`UsageError` and what reading it raises."""
    reference = read_reference(text)
    if isinstance(reference, RegistryReference):
        reference = with_tag(reference)
    return reference, open_source(world, store, reference, access)


def published(
    world: World, reference: Reference, source: ImageSource, name: str, access: RegistryAccess
) -> PublishedReport:
    """The report of what is published; ``name`` is what it shall be called there, "" for its own name."""
    root = source.root()
    entries = entries_of(root)
    there = client(world, reference.repository, access) if isinstance(reference, RegistryReference) else None
    manifests = {
        entry.digest: Manifest.parse(source.document(entry)) for entry in entries if entry.media_type in MANIFESTS
    }
    images = [entry for entry in entries if not is_attestation(entry) and _is_image(entry, manifests)]
    layers = [layer.digest for entry in images for layer in manifests[entry.digest].layers]
    modified = _modified(there, layers) if there is not None else {}
    shown, pull = _names(reference, name)
    return PublishedReport(
        ref=str(reference),
        name=shown,
        pull=pull,
        digest=root.digest,
        media_type=root.media_type,
        images=tuple(_image(source, entry, manifests[entry.digest], modified) for entry in images),
        attachments=_attachments(entries, images, there, root),
    )


def entries_of(root: Document) -> tuple[Descriptor, ...]:
    """What an index lists, or the one manifest there is."""
    return Index.parse(root.content).manifests if root.media_type in INDEXES else (root.descriptor,)


def _is_image(entry: Descriptor, manifests: dict[Digest, Manifest]) -> bool:
    return entry.digest in manifests and is_image(manifests[entry.digest])


def _image(
    source: ImageSource, entry: Descriptor, manifest: Manifest, modified: dict[Digest, int]
) -> ReportedImage:
    return reported_image(entry, manifest, Config.parse(source.document(manifest.config)), modified)


def _attachments(
    entries: Iterable[Descriptor], images: list[Descriptor], there: RepositoryClient | None, root: Document
) -> tuple[ReportedAttachment, ...]:
    """What is in the index besides images, then what refers to it or to them."""
    others = [entry for entry in entries if entry not in images]
    found = [
        reported_attachment(
            entry, entry.annotation(REFERENCE_TYPE) or entry.artifact_type, entry.annotation(REFERENCE_DIGEST)
        )
        for entry in others
    ]
    if there is not None:
        subjects = dict.fromkeys(entry.digest for entry in (root.descriptor, *images))
        found += [
            reported_attachment(entry, entry.artifact_type, str(subject))
            for subject in subjects
            for entry in there.referrers(subject)
        ]
    return tuple(dict.fromkeys(found))


def _modified(there: RepositoryClient, digests: Iterable[Digest]) -> dict[Digest, int]:
    """When the registry got each blob, as far as it says."""
    wanted = list(dict.fromkeys(digests))
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        said = workers.map(there.blob_modified, wanted)
        times = [(digest, read_http_date(text)) for digest, text in zip(wanted, said, strict=True)]
    return {digest: time for digest, time in times if time is not None}


def _names(reference: Reference, name: str) -> tuple[str, str]:
    """What the report calls the image, and what is given to ``docker pull`` before ``@``."""
    if not isinstance(reference, RegistryReference):
        return name or str(reference), ""
    where = str(reference.repository)
    for prefix in (f"{DOCKER_HUB}/library/", f"{DOCKER_HUB}/"):
        where = where.removeprefix(prefix)
    if not name:
        tag = f":{reference.tag}" if reference.tag else ""
        return f"{where}{tag}" if tag else f"{where}@{reference.target}", where
    repository, colon, tag = name.rpartition(":")
    if "/" in tag or not colon:
        repository = name
    if not repository or any(sign.isspace() for sign in name):
        raise UsageError(f"{name!r} is not a name for a report", hint="for example --as python:3.13")
    return name, repository
