# SPDX-License-Identifier: Apache-2.0
"""Descriptors and media types (OCI image-spec 1.1, descriptor.md, media-types.md; Docker's schema 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from imagewright.model.digest import Digest
from imagewright.oci.reading import Node

if TYPE_CHECKING:
    from imagewright.model.platforms import Platform

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
EMPTY = "application/vnd.oci.empty.v1+json"

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI_FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"

REF_NAME = "org.opencontainers.image.ref.name"
"""The annotation that names an image of a layout (annotations.md)."""

FOREIGN = (DOCKER_FOREIGN_LAYER, OCI_FOREIGN, f"{OCI_FOREIGN}+gzip", f"{OCI_FOREIGN}+zstd")
"""Layers that are not in the registry but where their URLs say (media-types.md, "Non-Distributable Layers")."""

MANIFESTS = (MANIFEST, DOCKER_MANIFEST)
INDEXES = (INDEX, DOCKER_LIST)


@dataclass(frozen=True, slots=True)
class Target:
    """The platform a manifest is for, in OCI's names (image-index.md); any of them may be unknown to us."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join(word for word in (self.os, self.architecture, self.variant) if word)

    @classmethod
    def of(cls, platform: Platform) -> Target:
        """A platform of our table."""
        return cls(platform.os, platform.architecture, platform.variant)

    @classmethod
    def read(cls, node: Node) -> Target | None:
        """Raises ``VerificationError``."""
        if node.missing:
            return None
        return cls(
            os=node.field("os").text(),
            architecture=node.field("architecture").text(),
            variant=node.field("variant").text(""),
            os_version=node.field("os.version").text(""),
            os_features=node.field("os.features").texts(),
        )

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        more = {"os.version": self.os_version, "os.features": list(self.os_features)}
        return present(os=self.os, architecture=self.architecture, variant=self.variant, **more)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Points to content: what it is, its digest, its ``size`` in bytes; annotations are sorted."""

    media_type: str
    digest: Digest
    size: int
    annotations: tuple[tuple[str, str], ...] = ()
    platform: Target | None = None
    artifact_type: str = ""
    urls: tuple[str, ...] = ()

    @classmethod
    def read(cls, node: Node) -> Descriptor:
        """Raises ``VerificationError``."""
        return cls(
            media_type=node.field("mediaType").text(),
            digest=node.field("digest").digest(),
            size=node.field("size").number(),
            annotations=node.field("annotations").mapping(),
            platform=Target.read(node.field("platform")),
            artifact_type=node.field("artifactType").text(""),
            urls=node.field("urls").texts(),
        )

    @classmethod
    def of(cls, media_type: str, content: bytes) -> Descriptor:
        """The descriptor of bytes in memory."""
        return cls(media_type, Digest.of(content), len(content))

    def annotation(self, name: str) -> str:
        """An annotation, or nothing."""
        return dict(self.annotations).get(name, "")

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return present(
            mediaType=self.media_type,
            digest=str(self.digest),
            annotations=dict(self.annotations),
            platform=self.platform.document() if self.platform else None,
            artifactType=self.artifact_type,
            urls=list(self.urls),
        ) | {"size": self.size}


def present(**members: Any) -> dict[str, Any]:
    """Members of a JSON object, without those that are empty."""
    return {name: value for name, value in members.items() if value}
