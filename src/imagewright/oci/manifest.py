# SPDX-License-Identifier: Apache-2.0
"""Image manifests (OCI image-spec 1.1, manifest.md; Docker's schema 2), to canonical JSON and back."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import canonical_json
from imagewright.oci.descriptor import MANIFEST, MANIFESTS, Descriptor, present
from imagewright.oci.reading import Node, parse

_SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Manifest:
    """Configuration and layers of one image for one platform, lowest layer first; annotations are sorted."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    media_type: str = MANIFEST
    artifact_type: str = ""
    subject: Descriptor | None = None

    @classmethod
    def parse(cls, content: bytes) -> Manifest:
        """Read one. Raises ``VerificationError``."""
        node = parse(content, "manifest")
        check_head(node, MANIFESTS)
        subject = node.field("subject")
        return cls(
            config=Descriptor.read(node.field("config")),
            layers=tuple(Descriptor.read(item) for item in node.field("layers").items()),
            annotations=node.field("annotations").mapping(),
            media_type=node.field("mediaType").text(MANIFEST),
            artifact_type=node.field("artifactType").text(""),
            subject=None if subject.missing else Descriptor.read(subject),
        )

    def encode(self) -> bytes:
        """The canonical bytes."""
        document = present(
            annotations=dict(self.annotations),
            artifactType=self.artifact_type,
            subject=self.subject.document() if self.subject else None,
        )
        return canonical_json(
            document
            | {
                "schemaVersion": _SCHEMA,
                "mediaType": self.media_type,
                "config": self.config.document(),
                "layers": [layer.document() for layer in self.layers],
            }
        )


def check_head(node: Node, media_types: tuple[str, ...]) -> None:
    """Refuse what is not of these media types, or could be read as something else (CVE-2021-41190)."""
    if node.field("schemaVersion").number() != _SCHEMA:
        node.field("schemaVersion").refuse("expected 2; older images have to be converted")
    media_type = node.field("mediaType")
    if media_type.text(media_types[0]) not in media_types:
        media_type.refuse(f"expected {media_types[0]}, found {media_type.text()}")
    foreign = ("manifests",) if media_types is MANIFESTS else ("config", "layers")
    for name in (*foreign, "fsLayers"):
        if not node.field(name).missing:
            node.field(name).refuse("is of another kind of document")
