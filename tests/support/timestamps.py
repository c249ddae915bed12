# SPDX-License-Identifier: Apache-2.0
"""A timestamping authority (RFC 3161): signs when it saw the hash of something. Its ASN.1 is written by hand.

Structures: RFC 3161, 2.4 (TimeStampReq, TimeStampResp, TSTInfo); RFC 5652, 5 (SignedData); RFC 5816 (the
certificate is named by ESSCertIDv2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_INTEGER, _OCTETS, _OID, _SEQUENCE, _SET, _TIME, _FIRST = 0x02, 0x04, 0x06, 0x30, 0x31, 0x18, 0xA0
_SHA256_OID = "2.16.840.1.101.3.4.2.1"


def der(tag: int, *parts: bytes) -> bytes:
    """One value of ASN.1, by its parts."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(size)]) + size + content


def oid(text: str) -> bytes:
    """An object identifier."""
    first, second, *rest = map(int, text.split("."))
    found = bytearray([40 * first + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(0x80 | (number & 0x7F))
        found += bytes(reversed(digits))
    return der(_OID, bytes(found))


def integer(value: int) -> bytes:
    """A whole number that is not negative."""
    return der(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def parts_of(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The values in a sequence's content: tag, and the value as it is encoded."""
    at = 0
    while at < len(content):
        size, head = content[at + 1], 2
        if size >= 0x80:
            head += size & 0x7F
            size = int.from_bytes(content[at + 2 : at + head])
        yield content[at], content[at : at + head + size]
        at += head + size


def content_of(value: bytes) -> bytes:
    """A value without tag and length."""
    head = 2 + (value[1] & 0x7F if value[1] >= 0x80 else 0)
    return value[head:]


_SHA256 = der(_SEQUENCE, oid(_SHA256_OID))


@dataclass
class TimestampAuthority:
    """Signs times; ``ahead`` is by how much its clock is wrong."""

    ahead: timedelta = timedelta()
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    ca: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    asked: int = 0

    def __post_init__(self) -> None:
        self.root = self._certificate("fake timestamp root", self.ca, leaf=False)
        self.certificate = self._certificate("fake timestamps", self.key, leaf=True)

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey, *, leaf: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fake timestamp root")])
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=not leaf, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca.public_key()), critical=False
            )
        )
        if leaf:
            usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self.ca, hashes.SHA256())

    def answer(self, request: bytes) -> bytes:
        """The response to a request: granted, with a token."""
        self.asked += 1
        _, imprint, *rest = (value for _, value in parts_of(content_of(request)))
        nonces = [value for value in rest if value[0] == _INTEGER]
        time = (datetime.now(UTC) + self.ahead).strftime("%Y%m%d%H%M%SZ")
        facts = der(
            _SEQUENCE, integer(1), oid("1.3.6.1.4.1.57264.2"), imprint, integer(self.asked),
            der(_TIME, time.encode()), *nonces,
        )  # fmt: skip
        status = der(_SEQUENCE, integer(0))
        return der(_SEQUENCE, status, self._token(facts))

    def _token(self, facts: bytes) -> bytes:
        """SignedData over what is said."""
        kind = oid("1.2.840.113549.1.9.16.1.4")
        certificate = self.certificate.public_bytes(serialization.Encoding.DER)
        named = der(_SEQUENCE, der(_OCTETS, hashlib.sha256(certificate).digest()))
        attributes = [
            _attribute("1.2.840.113549.1.9.3", kind),
            _attribute("1.2.840.113549.1.9.4", der(_OCTETS, hashlib.sha256(facts).digest())),
            _attribute("1.2.840.113549.1.9.16.2.47", der(_SEQUENCE, der(_SEQUENCE, named))),
        ]
        ordered = b"".join(sorted(attributes))
        signature = self.key.sign(der(_SET, ordered), ec.ECDSA(hashes.SHA256()))
        who = der(_SEQUENCE, self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number))
        signer = der(
            _SEQUENCE, integer(1), who, _SHA256, der(_FIRST, ordered),
            der(_SEQUENCE, oid("1.2.840.10045.4.3.2")), der(_OCTETS, signature),
        )  # fmt: skip
        inner = der(_SEQUENCE, kind, der(_FIRST, der(_OCTETS, facts)))
        signed = der(_SEQUENCE, integer(3), der(_SET, _SHA256), inner, der(_FIRST, certificate), der(_SET, signer))
        return der(_SEQUENCE, oid("1.2.840.113549.1.7.2"), der(_FIRST, signed))


def _attribute(name: str, value: bytes) -> bytes:
    return der(_SEQUENCE, oid(name), der(_SET, value))
