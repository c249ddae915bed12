# SPDX-License-Identifier: Apache-2.0
"""Keys, signatures and signed statements. That cosign agrees is in tests/integration/test_cosign.py."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.attest import keys
from imagewright.attest.attachments import buildkit_manifest, document_referrer, statement_referrer
from imagewright.attest.envelope import Envelope
from imagewright.attest.signature import (
    ARTIFACT,
    SIGNATURE,
    Layer,
    collected,
    is_signature_of,
    sign_image,
)
from imagewright.attest.statement import Statement, Subject
from imagewright.errors import ConfigurationError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from support.golden import Golden

KEY, OTHER = keys.generate(), keys.generate()
IMAGE = Digest.of(b"image")
SUBJECT = Descriptor(MANIFEST, IMAGE, 5)
STATEMENT = Statement((Subject("python:3.13", IMAGE),), "https://predicate.example/v1", b'{"a":[1]}')


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return keys.write_private(KEY, b"secret")


def test_a_key_opens_with_its_password_alone(sealed: bytes) -> None:
    assert sealed.startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    opened = keys.read_private(sealed, b"secret", "team.key")
    assert keys.fingerprint(opened.public_key()) == keys.fingerprint(KEY.public_key())
    with pytest.raises(ConfigurationError, match=r"cannot open team\.key"):
        keys.read_private(sealed, b"Secret", "team.key")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----", b"\xff" * 100, b"x" * (1 << 17)])
def test_what_is_no_key_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match="no encrypted private key"):
        keys.read_private(content, b"", "k")
    with pytest.raises(ConfigurationError, match="k is no public key"):
        keys.read_public(content, "k")


def test_parameters_that_would_take_all_memory_are_refused(sealed: bytes) -> None:
    text = base64.b64decode(b"".join(sealed.split(b"\n")[1:-2]))
    document = json.loads(text)
    document["kdf"]["params"]["N"] = 1 << 30
    lines = base64.b64encode(json.dumps(document).encode())
    label = b"ENCRYPTED SIGSTORE PRIVATE KEY"
    with pytest.raises(ConfigurationError, match="no private key") as refused:
        keys.read_private(b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (label, lines, label), b"secret", "k")
    assert "out of range" in refused.value.why


def test_a_public_key_comes_back() -> None:
    public = keys.read_public(keys.write_public(KEY.public_key()), "team.pub")
    assert keys.is_signed(public, keys.sign(KEY, b"content"), b"content")
    assert not keys.is_signed(public, keys.sign(KEY, b"content"), b"other")
    assert not keys.is_signed(public, keys.sign(OTHER, b"content"), b"content")
    assert not keys.is_signed(public, b"no signature", b"content")


def test_a_signature_is_of_one_image_by_one_key() -> None:
    layer = sign_image(KEY, "registry.example/python", IMAGE)
    public = KEY.public_key()
    assert is_signature_of(layer, public, IMAGE)
    assert not is_signature_of(layer, public, Digest.of(b"another"))
    assert not is_signature_of(layer, OTHER.public_key(), IMAGE)
    assert not is_signature_of(Layer(layer.described, layer.content + b" "), public, IMAGE)
    for mark in ("", "!", "AAAA"):
        spoiled = replace(layer.described, annotations=((SIGNATURE, mark),))
        assert not is_signature_of(Layer(spoiled, layer.content), public, IMAGE)
    other = sign_image(KEY, "registry.example/python", Digest.of(b"another"))
    borrowed = Layer(replace(layer.described, annotations=other.described.annotations), layer.content)
    assert not is_signature_of(borrowed, public, IMAGE)


def test_an_envelope_opens_for_its_key_alone() -> None:
    sealed = Envelope.seal(KEY, STATEMENT.encode())
    read = Envelope.parse(sealed.encode())
    assert read == sealed
    assert read.opened(KEY.public_key()) == STATEMENT.encode()
    assert read.opened(OTHER.public_key()) is None
    assert replace(read, payload=b"{}").opened(KEY.public_key()) is None
    assert replace(read, payload_type="text/plain").opened(KEY.public_key()) is None
    assert replace(read, signatures=()).opened(KEY.public_key()) is None


def test_a_statement_comes_back(golden: Golden) -> None:
    golden("statement.json", STATEMENT.encode())
    assert Statement.parse(STATEMENT.encode()) == STATEMENT
    assert STATEMENT.is_about(IMAGE)
    assert not STATEMENT.is_about(Digest.of(b"another"))


@pytest.mark.parametrize(
    ("name", "value"), [("_type", "https://other.example"), ("predicate", "text"), ("subject", [{"digest": {}}])]
)
def test_what_is_no_statement_is_refused(name: str, value: object) -> None:
    document = {**json.loads(STATEMENT.encode()), name: value}
    with pytest.raises(VerificationError):
        Statement.parse(json.dumps(document).encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_refused(content: bytes) -> None:
    with suppress(VerificationError):
        assert Envelope.parse(content).opened(KEY.public_key()) is None
    with suppress(VerificationError):
        assert isinstance(Statement.parse(content), Statement)


def test_buildkits_manifest_is_beside_the_image(golden: Golden) -> None:
    attached = buildkit_manifest(SUBJECT, [STATEMENT])
    golden("buildkit.json", attached.document.content)
    assert attached.in_index
    assert str(attached.described.platform) == "unknown/unknown"
    assert attached.described.annotation("vnd.docker.reference.digest") == str(IMAGE)
    manifest = Manifest.parse(attached.document.content)
    assert {Digest.of(blob) for blob in attached.blobs} == {
        part.digest for part in (manifest.config, *manifest.layers)
    }


def test_referrers_name_the_image_and_what_they_are(golden: Golden) -> None:
    for name, attached, kind in (
        (
            "referrer-spdx.json",
            document_referrer(SUBJECT, "application/spdx+json", b"{}"),
            "application/spdx+json",
        ),
        ("referrer-statement.json", statement_referrer(SUBJECT, STATEMENT), "application/vnd.in-toto+json"),
    ):
        golden(name, attached.document.content)
        manifest = Manifest.parse(attached.document.content)
        assert manifest.subject == SUBJECT
        assert attached.described.artifact_type == manifest.artifact_type == kind
        assert {Digest.of(blob) for blob in attached.blobs} == {
            part.digest for part in (manifest.config, *manifest.layers)
        }


def test_the_same_signature_is_kept_once() -> None:
    layer = sign_image(KEY, "registry.example/python", IMAGE)
    manifest = Manifest.parse(collected(SUBJECT, ARTIFACT, [layer, layer]).document.content)
    assert len(manifest.layers) == 1
