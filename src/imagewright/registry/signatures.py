# SPDX-License-Identifier: Apache-2.0
"""Signatures beside a manifest, where cosign keeps them (sigstore/cosign, specs/SIGNATURE_SPEC.md).

They are layers of one more manifest, whose tag is the signed digest with ``.sig``; each layer is the payload that
was signed, with the signature in an annotation. Whether any of them is to be believed is not decided here.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from imagewright.model.digest import Digest
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.refusals import NotFoundError
from imagewright.registry.upload import Blob, Uploader

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MOST = 32
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Signed:
    """A payload, and a signature over exactly these bytes."""

    payload: bytes
    signature: bytes


def signature_tag(digest: Digest) -> str:
    """The tag under which the signatures of a manifest are."""
    return f"sha256-{digest.hex}.sig"


def signatures_of(client: RepositoryClient, digest: Digest) -> tuple[Signed, ...]:
    """All signatures there are, at most 32. Raises ``RegistryError`` and ``VerificationError``."""
    found = _manifest_of(client, digest)
    layers = () if found is None else found.layers[:_MOST]
    return tuple(
        Signed(payload_of(client, layer), signature)
        for layer in layers
        if layer.media_type == PAYLOAD and layer.size <= _LARGEST and (signature := _signature(layer))
    )


def payload_of(client: RepositoryClient, layer: Descriptor) -> bytes:
    """What was signed, verified."""
    return b"".join(client.blob(layer))


def add_signature(client: RepositoryClient, digest: Digest, signed: Signed) -> None:
    """Put one more signature beside a manifest. Raises ``RegistryError``."""
    known = _manifest_of(client, digest)
    layers = () if known is None else known.layers
    layer = Descriptor(
        PAYLOAD,
        Digest.of(signed.payload),
        len(signed.payload),
        annotations=((SIGNATURE, base64.b64encode(signed.signature).decode()),),
    )
    config = b"{}"
    for content in (signed.payload, config):
        Uploader(client).send(_blob(content))
    manifest = Manifest(config=Descriptor.of(_CONFIG, config), layers=(*layers, layer))
    client.put(signature_tag(digest), Document(manifest.encode(), MANIFEST))


def _manifest_of(client: RepositoryClient, digest: Digest) -> Manifest | None:
    try:
        return Manifest.parse(client.get(signature_tag(digest)).content)
    except NotFoundError:
        return None


def _signature(layer: Descriptor) -> bytes:
    try:
        return base64.b64decode(layer.annotation(SIGNATURE), validate=True)
    except binascii.Error:
        return b""


def _blob(content: bytes) -> Blob:
    return Blob(Digest.of(content), len(content), lambda offset: [content[offset:]])
