# SPDX-License-Identifier: Apache-2.0
"""Images for catalogue sites: small real ones in a store, and thousands that are only data."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from imagewright.app.world import SystemClock, World
from imagewright.describe.catalogue.facts import CatalogueImage, Findings, Package, Part, Pull, Sized
from imagewright.describe.status import CHECKED_MANIFEST
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.reports import Instruction, ReportedImage, ReportedLayer, ReportedPlatform
from imagewright.model.tree import Kind
from imagewright.oci.config import Config, Execution, History
from imagewright.oci.descriptor import CONFIG, LAYER_TAR, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from support.contents import Layer

WORLD = World(GlobalOptions(), SystemClock(), 0o022)
SERIES = ("3.15", "3.14", "3.13", "3.12", "3.11")
VARIANTS = ("full", "slim", "minimal", "alpine")
SUITES = ("forky", "trixie", "bookworm", "bullseye")
PLATFORMS = ("linux/amd64", "linux/arm64/v8", "linux/386", "linux/riscv64", "linux/s390x")


@dataclass(frozen=True, slots=True)
class Words:
    """What an image says of itself besides its files."""

    spec: str
    tags: tuple[str, ...] = ()
    platform: str = "linux/amd64"
    finished: int = 1_790_000_000
    created: int = 1_789_000_000
    checked: bool = True
    labels: tuple[tuple[str, str], ...] = ()
    environment: tuple[tuple[str, str], ...] = field(default=(("PATH", "/usr/bin"), ("PYTHON_VERSION", "3.13.0")))
    comments: tuple[str, ...] = ("base", "interpreter")


def packed(layer: Layer) -> bytes:
    """A layer as it is stored: not compressed, so that its digest depends on no compressor."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, data in layer:
            info = tarfile.TarInfo(entry.path)
            info.mode, info.uid, info.gid, info.mtime = entry.mode, entry.uid, entry.gid, 0
            if entry.kind is Kind.DIRECTORY:
                info.type = tarfile.DIRTYPE
            elif entry.kind is Kind.SYMLINK:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return plain.getvalue()


def put_image(store: Store, layers: Sequence[Layer], words: Words) -> Digest:
    """Put an image with its records into a store; its manifest."""
    blobs = [packed(layer) for layer in layers]
    os, architecture, *variant = words.platform.split("/")
    target = Target(os, architecture, "".join(variant))
    config = Config(
        target,
        tuple(Digest.of(blob) for blob in blobs),
        Execution(environment=words.environment, command=("python3",), labels=words.labels),
        tuple(History(comment=comment, created=words.created) for comment in words.comments[: len(blobs)]),
        created=words.created,
    ).encode()
    manifest = Manifest(Descriptor.of(CONFIG, config), tuple(Descriptor.of(LAYER_TAR, blob) for blob in blobs))
    for content in (*blobs, config, manifest.encode()):
        store.blobs.put([content])
    digest = Digest.of(manifest.encode())
    size = len(config) + sum(map(len, blobs))
    name = f"{words.spec} {words.platform}"
    note(store, StepKind.IMAGE, f"image {name}", words.finished, digest, size)
    if words.checked:
        note(store, StepKind.CHECK, f"check {name}", words.finished + 1, digest)
    store.images.put(StoredImage(words.spec, words.platform, digest, words.tags, size, words.finished))
    return digest


def note(store: Store, kind: StepKind, name: str, finished: int, manifest: Digest, size: int = 0) -> None:
    """Put the record of a step into a store."""
    outputs = (("manifest", manifest),) if kind is StepKind.IMAGE else ()
    facts = (("size", str(size)),) if kind is StepKind.IMAGE else ((CHECKED_MANIFEST, str(manifest)),)
    step = Digest.of(f"{name} {finished}".encode())
    store.steps.put(StepRecord(step, kind, name, outputs, facts, 1.0, finished))


def many(number: int) -> Iterator[tuple[CatalogueImage, Findings]]:
    """Images that are only data, as different from one another as those of a large matrix over years."""
    for place in range(number):
        yield one(place)


def one(place: int) -> tuple[CatalogueImage, Findings]:
    """The image of that number."""
    series = SERIES[place // 2000 % len(SERIES)]
    release = f"{series}.{place // 80 % 25}"
    suite = SUITES[place // 20 % 4]
    variant = VARIANTS[place // 5 % 4]
    platform = PLATFORMS[place % 5]
    middle = "" if variant == "full" else f"{variant}-"
    digest = Digest.of(f"manifest {place}".encode())
    layers = tuple(
        ReportedLayer(Digest.of(word.encode()), size, "application/vnd.oci.image.layer.v1.tar+gzip")
        for word, size in (
            (f"base {suite} {variant} {platform} {place // 400}", 29_000_000 + place),
            (f"python {release} {suite} {platform}", 11_000_000 + place),
            (f"state {place}", 300_000),
        )
    )
    size = sum(layer.size for layer in layers)
    moment = 1_700_000_000 + place * 7200
    name = f"{release}-{middle}{suite}"
    image = CatalogueImage(
        name=name,
        digest=digest,
        platform=platform,
        tags=(f"{series}-{middle}{suite}", f"{release}-{middle}{suite}-{20200101 + place}"),
        series=series,
        variant=variant,
        suite=suite,
        line=f"{series} {variant} {suite} {platform}",
        state="checked" if place % 7 else "built",
        detail="",
        moment=moment,
        size=size,
        python=release,
        published=ReportedImage(
            platform=ReportedPlatform(*platform.split("/")),
            digest=digest,
            media_type="application/vnd.oci.image.manifest.v1+json",
            size=size,
            image_id=Digest.of(f"config {place}".encode()),
            created=moment,
            docker_version="",
            entrypoint=(),
            command=("python3",),
            shell=(),
            settings=(),
            environment=(("PYTHON_VERSION", release),),
            labels=(),
            annotations=(),
            history=tuple(
                Instruction(f"layer {number}", moment, comment=f"layer {number}") for number in range(3)
            ),
            layers=layers,
        ),
        attachments=(),
        pulls=(Pull("registry.example/team/python", (name,)),),
        sizes=tuple(Sized(moment - 86_400 * age, size - age * 1000, digest, name) for age in (1, 0)),
    )
    return image, _found(place, suite, variant, release)


def _found(place: int, suite: str, variant: str, release: str) -> Findings:
    count = {"full": 430, "slim": 110, "minimal": 30, "alpine": 40}[variant]
    packages = tuple(
        Package(
            "deb", f"lib{number:03}-{suite}", f"{number}.{place // 400 % 5}-1", "amd64", f"lib{number:03}", "MIT"
        )
        for number in range(count)
    )
    pip = Package("python", "pip", f"26.{place // 2000}", "", "", "MIT")
    parts = tuple(
        Part("library", each.name, each.version, "MIT", f"pkg:deb/debian/{each.name}", "") for each in packages
    )
    return Findings(suite, suite, release, 1, 1, (*packages, pip), parts, "", "", "{}", "{}")
