# SPDX-License-Identifier: Apache-2.0
"""Signed statements: DSSE (https://github.com/secure-systems-lab/dsse), as cosign keeps attestations."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from imagewright.attest.keys import PrivateKey, PublicKey, is_signed, sign
from imagewright.attest.statement import MEDIA_TYPE as PAYLOAD_TYPE
from imagewright.model.digest import canonical_json
from imagewright.oci.reading import Node, parse

MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
_MOST_SIGNATURES = 20


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload and signatures of it; nothing of it is believed before :meth:`opened`."""

    payload_type: str
    payload: bytes
    signatures: tuple[bytes, ...]

    @classmethod
    def seal(cls, key: PrivateKey, payload: bytes) -> Envelope:
        """Sign a statement."""
        return cls(PAYLOAD_TYPE, payload, (sign(key, _authenticated(PAYLOAD_TYPE, payload)),))

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical_json(
            {
                "payloadType": self.payload_type,
                "payload": base64.b64encode(self.payload).decode(),
                "signatures": [{"keyid": "", "sig": base64.b64encode(one).decode()} for one in self.signatures],
            }
        )

    @classmethod
    def parse(cls, content: bytes) -> Envelope:
        """Read one. Raises ``VerificationError``."""
        node = parse(content, "signed statement")
        found = list(node.field("signatures").items())
        if len(found) > _MOST_SIGNATURES:
            node.field("signatures").refuse(f"more than {_MOST_SIGNATURES}")
        return cls(
            payload_type=node.field("payloadType").text(),
            payload=_bytes(node.field("payload")),
            signatures=tuple(_bytes(one.field("sig")) for one in found),
        )

    def opened(self, key: PublicKey) -> bytes | None:
        """The statement, if the key signed it."""
        if self.payload_type != PAYLOAD_TYPE:
            return None
        content = _authenticated(self.payload_type, self.payload)
        return self.payload if any(is_signed(key, one, content) for one in self.signatures) else None


def _authenticated(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding (DSSE, protocol.md): lengths keep type and payload apart."""
    kind = payload_type.encode()
    return b" ".join((b"DSSEv1", str(len(kind)).encode(), kind, str(len(payload)).encode(), payload))


def _bytes(node: Node) -> bytes:
    text = node.value  # longer than other texts may be; the document is bounded
    if not isinstance(text, str):
        node.refuse("expected text")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        node.refuse(f"not base64 ({error})")
