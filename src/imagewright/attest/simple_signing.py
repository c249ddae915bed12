# SPDX-License-Identifier: Apache-2.0
"""What is signed when a manifest is signed: its digest, in the "simple signing" form that cosign uses. Pure.

sigstore/cosign, specs/SIGNATURE_SPEC.md; containers/image, docs/containers-signature.5.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from imagewright.attest.ecdsa import PrivateKey, PublicKey
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.reading import parse

TYPE = "cosign container image signature"


def payload_for(repository: str, digest: Digest) -> bytes:
    """What says that this digest is meant; ``repository`` is for people."""
    return canonical_json(
        {
            "critical": {
                "identity": {"docker-reference": repository},
                "image": {"docker-manifest-digest": str(digest)},
                "type": TYPE,
            },
            "optional": None,
        }
    )


def sign(repository: str, digest: Digest, key: PrivateKey) -> tuple[bytes, bytes]:
    """The payload and its signature."""
    payload = payload_for(repository, digest)
    return payload, key.sign(payload)


def signer(digest: Digest, signed: Iterable[tuple[bytes, bytes]], keys: Sequence[PublicKey]) -> PublicKey | None:
    """The first of the keys that signed this digest; ``signed`` are payloads with their signatures.

    A payload is read only after a signature over it was found good.
    """
    for payload, signature in signed:
        for key in keys:
            if key.verifies(payload, signature) and _digest(payload) == digest:
                return key
    return None


def _digest(payload: bytes) -> Digest | None:
    try:
        critical = parse(payload, "signature").field("critical")
        if critical.field("type").text() != TYPE:
            return None
        return critical.field("image").field("docker-manifest-digest").digest()
    except VerificationError:
        return None
