# SPDX-License-Identifier: Apache-2.0
"""Image indexes (OCI image-spec 1.1, image-index.md; Docker's manifest lists), to canonical JSON and back."""

from __future__ import annotations

from dataclasses import dataclass

from imagewright.model.digest import canonical_json
from imagewright.oci.descriptor import INDEX, INDEXES, Descriptor, Target, present
from imagewright.oci.manifest import check_head
from imagewright.oci.reading import parse

_SCHEMA = 2


@dataclass(frozen=True, slots=True)
class Index:
    """Manifests with the platforms they are for; annotations are sorted."""

    manifests: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    media_type: str = INDEX
    artifact_type: str = ""
    subject: Descriptor | None = None

    @classmethod
    def parse(cls, content: bytes) -> Index:
        """Read one. Raises ``VerificationError``."""
        node = parse(content, "image index")
        check_head(node, INDEXES)
        subject = node.field("subject")
        return cls(
            manifests=tuple(Descriptor.read(item) for item in node.field("manifests").items()),
            annotations=node.field("annotations").mapping(),
            media_type=node.field("mediaType").text(INDEX),
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
                "manifests": [manifest.document() for manifest in self.manifests],
            }
        )

    def find(self, wanted: Target) -> Descriptor | None:
        """The manifest for a platform: the same variant, else one without a variant."""
        for variant in dict.fromkeys((wanted.variant, "")):
            for manifest in self.manifests:
                target = manifest.platform
                if target and (target.os, target.architecture, target.variant) == (
                    wanted.os,
                    wanted.architecture,
                    variant,
                ):
                    return manifest
        return None
