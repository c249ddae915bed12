# SPDX-License-Identifier: Apache-2.0
"""Documents about an image, in the shapes that registries and clients know.

Two of them, side by side, because each is read by others: manifests that name the image as their subject (OCI
image-spec 1.1, "Guidelines for Artifact Usage"), and one manifest within the image's index as BuildKit writes it
(moby/buildkit, docs/attestations/attestation-storage.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from imagewright.attest.statement import MEDIA_TYPE, Statement
from imagewright.model.digest import canonical_json
from imagewright.oci.descriptor import CONFIG, EMPTY, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document

PREDICATE_TYPE = "in-toto.io/predicate-type"
REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
_ATTESTATION = "attestation-manifest"
_UNKNOWN = Target("unknown", "unknown")
_EMPTY_CONFIG = b"{}"


@dataclass(frozen=True, slots=True)
class Attached:
    """A manifest about an image, and the blobs it consists of. ``described`` is what lists of them hold."""

    document: Document
    described: Descriptor
    subject: Descriptor
    blobs: tuple[bytes, ...]
    in_index: bool = False


def referrer(
    subject: Descriptor,
    artifact_type: str,
    layers: Sequence[tuple[Descriptor, bytes]],
    annotations: tuple[tuple[str, str], ...] = (),
    config: tuple[str, bytes] = (EMPTY, _EMPTY_CONFIG),
) -> Attached:
    """An artifact whose subject is the image."""
    about = Descriptor(subject.media_type, subject.digest, subject.size)
    manifest = Manifest(
        config=Descriptor.of(*config),
        layers=tuple(described for described, _ in layers),
        annotations=tuple(sorted(annotations)),
        artifact_type=artifact_type,
        subject=about,
    )
    document = Document(manifest.encode(), manifest.media_type)
    described = replace(document.descriptor, artifact_type=artifact_type, annotations=manifest.annotations)
    return Attached(document, described, about, (config[1], *(content for _, content in layers)))


def document_referrer(subject: Descriptor, media_type: str, content: bytes) -> Attached:
    """A document by itself: an SBOM."""
    return referrer(subject, media_type, [(Descriptor.of(media_type, content), content)])


def statement_referrer(subject: Descriptor, statement: Statement) -> Attached:
    """A statement about the image."""
    layer = _layer(statement)
    return referrer(subject, MEDIA_TYPE, [layer], ((PREDICATE_TYPE, statement.predicate_type),))


def buildkit_manifest(subject: Descriptor, statements: Sequence[Statement]) -> Attached:
    """What stands in the index beside the image, for a platform that nobody has."""
    layers = [_layer(statement) for statement in statements]
    config = canonical_json(
        {
            "architecture": "unknown",
            "os": "unknown",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [str(layer.digest) for layer, _ in layers]},
        }
    )
    manifest = Manifest(config=Descriptor.of(CONFIG, config), layers=tuple(layer for layer, _ in layers))
    document = Document(manifest.encode(), manifest.media_type)
    marks = ((REFERENCE_DIGEST, str(subject.digest)), (REFERENCE_TYPE, _ATTESTATION))
    described = replace(document.descriptor, platform=_UNKNOWN, annotations=marks)
    blobs = (config, *(content for _, content in layers))
    return Attached(document, described, subject, blobs, in_index=True)


def _layer(statement: Statement) -> tuple[Descriptor, bytes]:
    content = statement.encode()
    marks = ((PREDICATE_TYPE, statement.predicate_type),)
    return replace(Descriptor.of(MEDIA_TYPE, content), annotations=marks), content
