# SPDX-License-Identifier: Apache-2.0
"""A finished step as an OCI artifact (image-spec 1.1, "Guidelines for Artifact Usage"). Pure.

The configuration is the step's record in canonical JSON, without what differs between machines (when it ran, how
long it took); layers are the blobs that the record names. So the same step gives the same manifest, whoever made
it, and a signature over the manifest's digest covers all of it. Its tag is made of the step's kind and id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import Compression
from imagewright.model.plan import Step, StepKind, StepRecord
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.levels import LAYERS
from imagewright.oci.manifest import Manifest
from imagewright.oci.reading import MAX_DOCUMENT, parse

ARTIFACT = "application/vnd.imagewright.step.v1"
RECORD = "application/vnd.imagewright.step.record.v1+json"
CONTENT = "application/octet-stream"
PROFILE = "application/vnd.imagewright.profile.v1"

KINDS = frozenset({StepKind.BASE, StepKind.PYTHON, StepKind.RUNTIME, StepKind.SITE})
"""What travels: steps that leave layers. Roots to build in are made anew, images and checks are quick."""

TITLE = "org.opencontainers.image.title"
_VERSION = 1
_MOST_BLOBS = 64
_LARGEST_STEP = 16 << 30
"""Bytes of all blobs of one step."""


@dataclass(frozen=True, slots=True)
class StepEntry:
    """What a cache holds of one step: its record, and its blobs."""

    record: StepRecord
    blobs: tuple[Descriptor, ...]


def tag_of(kind: StepKind, step: Digest) -> str:
    """Where a step is found."""
    return f"{kind.value}-{step.hex}"


def profile_tag(profile: Digest) -> str:
    """Where a trained profile is found."""
    return f"profile-{profile.hex}"


def record_bytes(record: StepRecord) -> bytes:
    """The configuration of a step's artifact."""
    return canonical_json(
        {
            "version": _VERSION,
            "id": str(record.id),
            "kind": record.kind.value,
            "name": record.name,
            "outputs": {name: str(digest) for name, digest in record.outputs},
            "facts": dict(record.facts),
        }
    )


def manifest_of(record: StepRecord, sizes: Mapping[Digest, int]) -> Manifest:
    """The manifest of a step's artifact; ``sizes`` are those of its blobs, in bytes."""
    facts = dict(record.facts)
    blobs: dict[Digest, Descriptor] = {}
    for name, digest in sorted(record.outputs):
        compression = facts.get(f"{name}.compression", "")
        media_type = LAYERS[Compression(compression)] if compression else CONTENT
        described = Descriptor(media_type, digest, sizes[digest], annotations=((TITLE, name),))
        blobs.setdefault(digest, described)
    return Manifest(
        config=Descriptor.of(RECORD, record_bytes(record)),
        layers=tuple(blobs.values()),
        annotations=((TITLE, record.name),),
        artifact_type=ARTIFACT,
    )


def profile_manifest(profile: Digest, size: int) -> Manifest:
    """The manifest that keeps a trained profile; ``size`` in bytes."""
    return Manifest(
        config=Descriptor.of("application/vnd.oci.empty.v1+json", b"{}"),
        layers=(Descriptor(CONTENT, profile, size),),
        artifact_type=PROFILE,
    )


def check_manifest(content: bytes) -> Manifest:
    """The manifest of a step's artifact, bounded. Raises ``VerificationError``."""
    manifest = Manifest.parse(content)
    if manifest.artifact_type != ARTIFACT or manifest.config.media_type != RECORD:
        raise VerificationError("refused a cached result: its manifest is not that of a step")
    if len(manifest.layers) > _MOST_BLOBS:
        raise VerificationError(f"refused a cached result: it has {len(manifest.layers)} blobs")
    if manifest.config.size > MAX_DOCUMENT or sum(layer.size for layer in manifest.layers) > _LARGEST_STEP:
        raise VerificationError(f"refused a cached result: it is larger than {_LARGEST_STEP} bytes")
    return manifest


def read_entry(manifest: Manifest, record: bytes, step: Step) -> StepEntry:
    """The entry of a step that was asked for. Raises ``VerificationError``, also if it is another step's.

    A signature says that somebody made a result, not for which step it lies there: that is compared here.
    """
    node = parse(record, "step record")
    if node.field("version").number() != _VERSION:
        node.field("version").refuse(f"expected {_VERSION}")
    said = (node.field("id").text(), node.field("kind").text(), node.field("name").text())
    if said != (str(step.id), step.kind.value, step.name):
        node.refuse(f"it is the result of {said[2][:80]!r} ({said[0][:80]}), not of {step.name}")
    names = [name for name, _ in node.field("outputs").mapping()]
    outputs = tuple((name, node.field("outputs").field(name).digest()) for name in names)
    if {digest for _, digest in outputs} != {blob.digest for blob in manifest.layers} or not outputs:
        node.field("outputs").refuse("they are not the blobs of its manifest")
    found = StepRecord(step.id, step.kind, step.name, outputs, node.field("facts").mapping(), 0.0, 0)
    return StepEntry(found, manifest.layers)
