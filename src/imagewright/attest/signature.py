# SPDX-License-Identifier: Apache-2.0
"""Signatures of images as cosign keeps them (cosign, specs/SIGNATURE_SPEC.md).

What is signed is a small document that holds the image's digest ("simple signing"). Documents are layers of a
manifest under the tag ``sha256-DIGEST.sig``, their signatures annotations of these layers; attestations are the
same under ``sha256-DIGEST.att``, but that a layer is signed by itself.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imagewright.attest.attachments import Attached, referrer
from imagewright.attest.envelope import MEDIA_TYPE as ENVELOPE
from imagewright.attest.keys import PrivateKey, PublicKey, is_signed, sign
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import CONFIG, Descriptor
from imagewright.oci.reading import Node, parse

PAYLOAD = "application/vnd.dev.cosign.simplesigning.v1+json"
ARTIFACT = "application/vnd.dev.cosign.artifact.sig.v1+json"
ATTESTATION_ARTIFACT = "application/vnd.dev.cosign.artifact.att.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
PREDICATE_TYPE = "predicateType"
OLD_BUNDLE = "application/vnd.dev.sigstore.bundle+json;version=0.1"
"""Bundles of a kind that may have the log's promise of an entry instead of its proof."""

_BUNDLE = "dev.sigstore.cosign/bundle"
_CERTIFICATE = "dev.sigstore.cosign/certificate"
_KIND = "cosign container image signature"
_PEM_LINE = re.compile(r"^([A-Za-z0-9+/=]+)\s*$", re.MULTILINE | re.ASCII)
_PEM_END = "-----END"


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of such a manifest, with its content."""

    described: Descriptor
    content: bytes


def signature_tag(subject: Digest) -> str:
    """Where signatures of an image are."""
    return f"sha256-{subject.hex}.sig"


def attestation_tag(subject: Digest) -> str:
    """Where signed statements about an image are."""
    return f"sha256-{subject.hex}.att"


def sign_image(key: PrivateKey, reference: str, subject: Digest) -> Layer:
    """A signature of an image; ``reference`` is its repository."""
    content = to_be_signed(reference, subject)
    return _layer(content, (SIGNATURE, base64.b64encode(sign(key, content)).decode()))


def identity_layer(content: bytes, bundle: bytes) -> Layer | None:
    """A signature by an identity, from the bundle of it: with certificate, and the log's promise of a time.

    ``None`` where the log makes no such promise (Rekor's API v2): cosign reads bundles then.
    """
    node = parse(bundle, "Sigstore bundle")
    material = node.field("verificationMaterial")
    entry = next(material.field("tlogEntries").items(), None)
    if entry is None or entry.field("inclusionPromise").missing:
        return None
    promise = {
        "SignedEntryTimestamp": entry.field("inclusionPromise").field("signedEntryTimestamp").text(),
        "Payload": {
            "body": entry.field("canonicalizedBody").text(),
            "integratedTime": int(entry.field("integratedTime").text()),
            "logIndex": int(entry.field("logIndex").text()),
            "logID": base64.b64decode(entry.field("logId").field("keyId").text()).hex(),
        },
    }
    raw = material.field("certificate").field("rawBytes").text()
    lines = "\n".join(raw[at : at + 64] for at in range(0, len(raw), 64))
    return _layer(
        content,
        (SIGNATURE, node.field("messageSignature").field("signature").text()),
        (_BUNDLE, canonical_json(promise).decode()),
        (_CERTIFICATE, f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"),
    )


def promised_bundle(layer: Layer) -> bytes | None:
    """What cosign 2 keeps of a signature by an identity, as a bundle; ``None`` of one by a key.

    The certificate and the log's promise are annotations of the layer (cosign, specs/SIGNATURE_SPEC.md,
    "certificate", "bundle"). Its chain is not looked at: whose certificates are believed says the trusted root.
    Raises ``VerificationError``.
    """
    promise, certificate = (layer.described.annotation(name) for name in (_BUNDLE, _CERTIFICATE))
    if not (promise and certificate):
        return None
    node = parse(promise.encode(), "promise of the transparency log")
    entry = node.field("Payload")
    body = parse(_decoded(entry.field("body")), "entry of the transparency log")
    signed: dict[str, object] = {"messageSignature": {"signature": layer.described.annotation(SIGNATURE)}}
    if layer.described.media_type == ENVELOPE:
        signed = {"dsseEnvelope": parse(layer.content, "signed statement").value}
    kept = {
        "canonicalizedBody": entry.field("body").text(),
        "inclusionPromise": {"signedEntryTimestamp": node.field("SignedEntryTimestamp").text()},
        "integratedTime": str(entry.field("integratedTime").number()),
        "kindVersion": {"kind": body.field("kind").text(), "version": body.field("apiVersion").text()},
        "logId": {"keyId": base64.b64encode(_from_hex(entry.field("logID"))).decode()},
        "logIndex": str(entry.field("logIndex").number()),
    }
    chain = {"certificates": [{"rawBytes": "".join(_PEM_LINE.findall(certificate.partition(_PEM_END)[0]))}]}
    material = {"x509CertificateChain": chain, "tlogEntries": [kept]}
    return canonical_json({"mediaType": OLD_BUNDLE, "verificationMaterial": material, **signed})


def _decoded(node: Node) -> bytes:
    try:
        return base64.b64decode(node.text(), validate=True)
    except ValueError:
        node.refuse("not base64")


def _from_hex(node: Node) -> bytes:
    try:
        return bytes.fromhex(node.text())
    except ValueError:
        node.refuse("not hexadecimal")


def _layer(content: bytes, *marks: tuple[str, str]) -> Layer:
    return Layer(replace(Descriptor.of(PAYLOAD, content), annotations=tuple(sorted(marks))), content)


def to_be_signed(reference: str, subject: Digest) -> bytes:
    """The document that stands for an image ("simple signing"); ``reference`` is its repository."""
    return canonical_json(
        {
            "critical": {
                "identity": {"docker-reference": reference},
                "image": {"docker-manifest-digest": str(subject)},
                "type": _KIND,
            },
            "optional": None,
        }
    )


def statement_layer(envelope: bytes, predicate_type: str) -> Layer:
    """A signed statement as a layer."""
    marks = ((SIGNATURE, ""), (PREDICATE_TYPE, predicate_type))
    return Layer(replace(Descriptor.of(ENVELOPE, envelope), annotations=marks), envelope)


def collected(subject: Descriptor, artifact_type: str, layers: Iterable[Layer]) -> Attached:
    """The manifest of signatures or statements, which goes under its tag and is a referrer as well."""
    kept = {(layer.described.digest, layer.described.annotations): layer for layer in layers}
    found = list(kept.values())
    config = canonical_json(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [str(layer.described.digest) for layer in found]},
        }
    )
    parts = [(layer.described, layer.content) for layer in found]
    return referrer(subject, artifact_type, parts, config=(CONFIG, config))


def is_signature_of(layer: Layer, key: PublicKey, subject: Digest) -> bool:
    """Whether it is the key's signature of this image. The registry may hold anything: nothing is raised."""
    if layer.described.media_type != PAYLOAD:
        return False
    try:
        signature = base64.b64decode(layer.described.annotation(SIGNATURE), validate=True)
    except ValueError:
        return False
    return is_signed(key, signature, layer.content) and stands_for(layer.content, subject)


def stands_for(content: bytes, subject: Digest) -> bool:
    """Whether a document that was signed says that this image is the signer's; see :func:`to_be_signed`."""
    try:
        critical = parse(content, "signature").field("critical")
        said = critical.field("image").field("docker-manifest-digest").text()
        kind = critical.field("type").text()
    except VerificationError:
        return False
    return (said, kind) == (str(subject), _KIND)
