# SPDX-License-Identifier: Apache-2.0
"""Signatures with ECDSA on P-256 over SHA-256, as cosign makes them with a key file. Pure: keys come as bytes.

A signature is ASN.1 DER (RFC 3279, 2.2.3). Keys are PEM: public ones SubjectPublicKeyInfo (``cosign.pub``),
private ones PKCS #8, encrypted or not, or SEC 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest

_SIGNATURE = ec.ECDSA(hashes.SHA256())
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are compared with; ``name`` is the file it came from."""

    name: str
    key: ec.EllipticCurvePublicKey

    @classmethod
    def read(cls, pem: bytes, name: str) -> PublicKey:
        """Raises :class:`ConfigurationError` for what is no public key on P-256."""
        try:
            key = serialization.load_pem_public_key(pem[:_LARGEST])
        except (ValueError, UnsupportedAlgorithm) as error:
            raise _no_key(name, "public key", str(error)) from None
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise _no_key(name, "public key", "it is of another kind than ECDSA on P-256")
        return cls(name, key)

    @property
    def id(self) -> Digest:
        """The digest of its DER form, by which a person can tell keys apart."""
        return Digest.of(
            self.key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        )

    def verifies(self, payload: bytes, signature: bytes) -> bool:
        """Whether this key made the signature over exactly these bytes."""
        try:
            self.key.verify(signature, payload, _SIGNATURE)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs; ``name`` is the file it came from."""

    name: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def read(cls, pem: bytes, name: str, password: bytes = b"") -> PrivateKey:
        """Raises :class:`ConfigurationError` for what is no private key on P-256, or a wrong password."""
        try:
            key = serialization.load_pem_private_key(pem[:_LARGEST], password or None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _no_key(name, "private key", str(error)) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise _no_key(name, "private key", "it is of another kind than ECDSA on P-256")
        return cls(name, key)

    @property
    def public(self) -> PublicKey:
        """What its signatures are compared with."""
        return PublicKey(self.name, self.key.public_key())

    def sign(self, payload: bytes) -> bytes:
        """A signature over these bytes."""
        return self.key.sign(payload, _SIGNATURE)


def _no_key(name: str, kind: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} is not a {kind} that can be used",
        why=(why.splitlines() or [""])[0][:200],
        hint="for example: openssl ecparam -name prime256v1 -genkey -noout, and openssl ec -pubout",
    )
