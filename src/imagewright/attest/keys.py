# SPDX-License-Identifier: Apache-2.0
"""Key files as cosign writes and reads them (cosign pkg/cosign/keys.go; go-securesystemslib, encrypted).

ECDSA over P-256 with SHA-256. The private key is PKCS #8 in a NaCl secretbox, whose key is made from a password by
scrypt.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from imagewright.errors import ConfigurationError, VerificationError
from imagewright.model.digest import Digest
from imagewright.oci.reading import Node, parse

MAXIMUM_KEY = 64 << 10
"""Bytes of a key file."""

_LABELS = ("ENCRYPTED SIGSTORE PRIVATE KEY", "ENCRYPTED COSIGN PRIVATE KEY")
_N, _R, _P = 65536, 8, 1
_LARGEST_N, _LARGEST_R, _LARGEST_P = 1 << 20, 32, 16
_MEMORY = 2 << 30
_KEY_SIZE = 32
_SALT_SIZE = 32
_DIGEST = ec.ECDSA(hashes.SHA256())

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


def generate() -> PrivateKey:
    """A new key."""
    return ec.generate_private_key(ec.SECP256R1())


def sign(key: PrivateKey, content: bytes) -> bytes:
    """A signature in ASN.1, as Go's ``ecdsa.SignASN1`` makes it."""
    return key.sign(content, _DIGEST)


def is_signed(key: PublicKey, signature: bytes, content: bytes) -> bool:
    """Whether it is the key's signature of this content."""
    try:
        key.verify(signature, content, _DIGEST)
    except InvalidSignature:
        return False
    return True


def fingerprint(key: PublicKey) -> Digest:
    """What people compare: SHA-256 of the key's SubjectPublicKeyInfo."""
    encoding = serialization.Encoding.DER
    return Digest.of(key.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo))


def write_public(key: PublicKey) -> bytes:
    """As PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_public(content: bytes, name: str) -> PublicKey:
    """From PEM. Raises :class:`ConfigurationError`."""
    try:
        key = serialization.load_pem_public_key(content)
    except ValueError as error:
        raise ConfigurationError(
            f"{name} is no public key", why=str(error)[:200], hint="it begins with -----BEGIN PUBLIC KEY-----"
        ) from None
    if not isinstance(key, PublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"{name} is of another kind", hint="keys are ECDSA over P-256")
    return key


def write_private(key: PrivateKey, password: bytes) -> bytes:
    """Encrypted, as PEM."""
    encoding, no = serialization.Encoding.DER, serialization.NoEncryption()
    plain = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no)
    salt = os.urandom(_SALT_SIZE)
    sealed = SecretBox(_derive(password, salt, _N, _R, _P)).encrypt(plain)
    document = {
        "kdf": {"name": "scrypt", "params": {"N": _N, "r": _R, "p": _P}, "salt": _text(salt)},
        "cipher": {"name": "nacl/secretbox", "nonce": _text(sealed.nonce)},
        "ciphertext": _text(sealed.ciphertext),
    }
    return _pem(_LABELS[0], json.dumps(document, separators=(",", ":")).encode())


def read_private(content: bytes, password: bytes, name: str) -> PrivateKey:
    """Raises :class:`ConfigurationError` for what is no such key, and for a wrong password."""
    try:
        node = parse(_pem_content(content, name), "private key")
        plain = _opened(node, password)
    except VerificationError as error:
        raise ConfigurationError(f"{name} is no private key", why=error.message) from None
    except CryptoError:
        raise ConfigurationError(
            f"cannot open {name}", why="the password is wrong, or the file is damaged"
        ) from None
    try:
        key = serialization.load_der_private_key(plain, password=None)
    except ValueError as error:
        raise ConfigurationError(f"{name} is no private key", why=str(error)[:200]) from None
    if not isinstance(key, PrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"{name} is of another kind", hint="keys are ECDSA over P-256")
    return key


def _opened(node: Node, password: bytes) -> bytes:
    kdf, cipher = node.field("kdf"), node.field("cipher")
    for place, expected in ((kdf.field("name"), "scrypt"), (cipher.field("name"), "nacl/secretbox")):
        if place.text() != expected:
            place.refuse(f"expected {expected}")
    numbers = [kdf.field("params").field(name) for name in ("N", "r", "p")]
    n, r, p = (each.number() for each in numbers)
    if n & (n - 1) or not 1 < n <= _LARGEST_N or not 0 < r <= _LARGEST_R or not 0 < p <= _LARGEST_P:
        kdf.field("params").refuse("out of range")
    nonce = _bytes(cipher.field("nonce"))
    if len(nonce) != SecretBox.NONCE_SIZE:
        cipher.field("nonce").refuse("has another length")
    box = SecretBox(_derive(password, _bytes(kdf.field("salt")), n, r, p))
    return bytes(box.decrypt(_bytes(node.field("ciphertext")), nonce))


def _derive(password: bytes, salt: bytes, n: int, r: int, p: int) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY - 1, dklen=_KEY_SIZE)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(node: Node) -> bytes:
    try:
        return base64.b64decode(node.text(), validate=True)
    except ValueError as error:
        node.refuse(f"not base64 ({error})")


def _pem(label: str, content: bytes) -> bytes:
    text = _text(content)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _pem_content(content: bytes, name: str) -> bytes:
    lines: list[Any] = content.decode("ascii", "replace").split()
    text = " ".join(lines)
    for label in _LABELS:
        begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
        if len(content) <= MAXIMUM_KEY and text.startswith(begin) and text.endswith(end):
            try:
                return base64.b64decode(text[len(begin) : -len(end)].replace(" ", ""), validate=True)
            except ValueError:
                break
    raise ConfigurationError(
        f"{name} is no encrypted private key",
        hint=f"it begins with -----BEGIN {_LABELS[0]}-----; make one with imagewright keygen or cosign",
    )
