# SPDX-License-Identifier: Apache-2.0
"""Sigstore bundles: a signed statement with all that is needed to verify it, in one document, without a network.

Format: sigstore/protobuf-specs, sigstore_bundle.proto, version 0.3, as JSON. How they are attached to images:
sigstore/cosign, specs/BUNDLE_SPEC.md. A statement that only says "this is signed" has the predicate type that
cosign uses for it from 2.6 on; cosign 2.4 and newer read the others (``verify-attestation --new-bundle-format``).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from imagewright.attest.attachments import Attached, referrer
from imagewright.attest.envelope import Envelope
from imagewright.attest.keys import PrivateKey, PublicKey, fingerprint
from imagewright.attest.signature import Layer, is_signature_of
from imagewright.attest.statement import Statement, Subject
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import Descriptor
from imagewright.oci.reading import MAX_DOCUMENT, Node, parse

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGNED = "https://sigstore.dev/cosign/sign/v1"
"""Predicate type of a statement that says nothing but that the image is the signer's."""

MAXIMUM_FILE = 64 << 20
"""Bytes of a file of bundles."""

_CONTENT = "dev.sigstore.bundle.content"
_PREDICATE = "dev.sigstore.bundle.predicateType"
_MOST_BUNDLES = 1000


class Sealer(Protocol):
    """Somebody who signs statements."""

    def seal(self, statement: bytes) -> bytes:
        """A bundle of the statement, signed."""
        ...

    def sign(self, content: bytes) -> bytes | None:
        """A bundle of a signature over bytes; ``None`` from those who have a simpler form of it."""
        ...


class Witness(Protocol):
    """Somebody whose statements are believed. ``name`` is what people call them."""

    @property
    def name(self) -> str:
        """``this key``, or an identity."""
        ...

    def opened(self, bundle: bytes) -> Statement:
        """The statement in a bundle. Raises ``VerificationError`` unless it is theirs."""
        ...

    def signed(self, layer: Layer, subject: Digest) -> bool:
        """Whether a layer as cosign keeps signatures is theirs, of that image. The registry may hold anything."""
        ...

    def layer_opened(self, layer: Layer) -> Statement | None:
        """The statement in a layer as cosign keeps them; ``None`` unless it is theirs."""
        ...


@dataclass(frozen=True, slots=True)
class KeySealer:
    """A key in a file signs; whoever has the public half can verify."""

    key: PrivateKey

    def seal(self, statement: bytes) -> bytes:
        """See :class:`Sealer`."""
        envelope = parse(Envelope.seal(self.key, statement).encode(), "signed statement").value
        hint = base64.b64encode(bytes.fromhex(fingerprint(self.key.public_key()).hex)).decode()
        return canonical_json(
            {
                "mediaType": MEDIA_TYPE,
                "verificationMaterial": {"publicKey": {"hint": hint}, "tlogEntries": []},
                "dsseEnvelope": envelope,
            }
        )

    def sign(self, content: bytes) -> None:
        """See :class:`Sealer`."""
        del content


@dataclass(frozen=True, slots=True)
class KeyWitness:
    """The holder of a public key's other half. What else is in a bundle does not matter for it."""

    key: PublicKey

    @property
    def name(self) -> str:
        """See :class:`Witness`."""
        return "this key"

    def opened(self, bundle: bytes) -> Statement:
        """See :class:`Witness`."""
        content = envelope_of(bundle).opened(self.key)
        if content is None:
            raise VerificationError("refused a bundle: it is not signed by this key")
        return Statement.parse(content)

    def signed(self, layer: Layer, subject: Digest) -> bool:
        """See :class:`Witness`."""
        return is_signature_of(layer, self.key, subject)

    def layer_opened(self, layer: Layer) -> Statement | None:
        """See :class:`Witness`."""
        try:
            content = Envelope.parse(layer.content).opened(self.key)
            return None if content is None else Statement.parse(content)
        except VerificationError:  # the registry may hold anything; what is no statement proves nothing
            return None


def envelope_of(bundle: bytes) -> Envelope:
    """The envelope in a bundle, not verified. Raises ``VerificationError``."""
    node = parse(bundle, "Sigstore bundle")
    kind = node.field("mediaType")
    if kind.text() != MEDIA_TYPE:
        kind.refuse(f"expected {MEDIA_TYPE}")
    inner = node.field("dsseEnvelope")
    if inner.missing:
        node.refuse("it holds no signed statement")
    return Envelope.parse(canonical_json(_without_key_names(inner)))


def _without_key_names(envelope: Node) -> dict[str, object]:
    """What is signed and the signatures; protobuf's JSON leaves out an empty ``keyid``."""
    return {name: envelope.field(name).value for name in ("payloadType", "payload", "signatures")}


def signed_statement(name: str, subjects: Sequence[Digest]) -> Statement:
    """The statement that says "this is mine" of images; ``name`` is their repository."""
    return Statement(tuple(Subject(name, subject) for subject in subjects), SIGNED, b"{}")


def bundle_referrer(subject: Descriptor, bundle: bytes, predicate_type: str) -> Attached:
    """A bundle, attached to the image it is about."""
    marks = ((_CONTENT, "dsse-envelope"), (_PREDICATE, predicate_type))
    return referrer(subject, MEDIA_TYPE, [(Descriptor.of(MEDIA_TYPE, bundle), bundle)], marks)


def read_bundles(content: bytes, name: str) -> tuple[bytes, ...]:
    """The bundles of a file: one, or one on each line (JSON Lines). Raises ``VerificationError``."""
    if len(content) > MAXIMUM_FILE:
        raise VerificationError(f"refused {name}: it has more than {MAXIMUM_FILE} bytes")
    if _is_one(content):
        return (content,)
    lines = tuple(line for line in content.split(b"\n") if line.strip())
    if len(lines) > _MOST_BUNDLES:
        raise VerificationError(f"refused {name}: it has more than {_MOST_BUNDLES} lines")
    return lines


def write_bundles(bundles: Sequence[bytes]) -> bytes:
    """A file of bundles, one on each line (in-toto attestation framework, "Bundle": ``.jsonl``)."""
    return b"".join(_one_line(bundle) + b"\n" for bundle in bundles)


def _is_one(content: bytes) -> bool:
    if len(content) > MAX_DOCUMENT:
        return False
    try:
        parse(content, "Sigstore bundle")
    except VerificationError:
        return False
    return True


def _one_line(bundle: bytes) -> bytes:
    return canonical_json(parse(bundle, "Sigstore bundle").value)
