# SPDX-License-Identifier: Apache-2.0
"""Public keys of Alpine's developers, by the names of their files: RSA, PKCS #1 v1.5 (RFC 8017, 8.2).

A signature names the file of the key that made it: ``.SIGN.RSA.NAME`` with SHA-1, ``.SIGN.RSA256.NAME`` with
SHA-256 (abuild-sign(1)). Which names may sign an archive is the catalog's to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from imagewright.errors import VerificationError

MAXIMUM_KEY = 16 << 10
"""Bytes of a key's file."""

MINIMUM_BITS = 2048
"""Of a key's modulus; Alpine's have 2048 and 4096."""

KEY_NAME = r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,150}\.pub"

_SIGNATURE = re.compile(rf"\.SIGN\.(RSA|RSA256)\.({KEY_NAME})", re.ASCII)
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "RSA": hashes.SHA1(),  # noqa: S303 - what Alpine signs with; packages are pinned by SHA-256 besides
    "RSA256": hashes.SHA256(),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: the key's ``name``, ``algorithm`` (``RSA``, ``RSA256``) and its bytes."""

    name: str
    algorithm: str
    value: bytes


def signature_of(file_name: str, value: bytes) -> Signature | None:
    """The signature that a file of a signature segment is; ``None`` for a kind that is not known."""
    match = _SIGNATURE.fullmatch(file_name)
    return Signature(match[2], match[1], value) if match else None


def load_key(data: bytes, name: str) -> rsa.RSAPublicKey:
    """Read a key in PEM. Raises :class:`VerificationError` for what is no RSA key that is long enough."""
    try:
        key = serialization.load_pem_public_key(data[:MAXIMUM_KEY])
    except (ValueError, UnsupportedAlgorithm) as error:
        raise VerificationError(f"{name} is no public key in PEM", why=str(error)) from error
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MINIMUM_BITS:
        raise VerificationError(f"{name} is no RSA key of {MINIMUM_BITS} bits or more")
    return key


def check_signature(
    signatures: tuple[Signature, ...], content: bytes, keys: Mapping[str, rsa.RSAPublicKey], subject: str
) -> str:
    """The name of that of ``keys`` which signed ``content``. Raises :class:`VerificationError` if none did."""
    known = [one for one in signatures if one.name in keys]
    if not known:
        said = ", ".join(sorted({one.name for one in signatures})) or "nobody"
        raise VerificationError(
            f"{subject} is not signed by a key that is believed",
            why=f"it is signed by {said}; believed are {', '.join(sorted(keys)) or 'none'}",
            hint="use another mirror; or name a key that you trust in the suite's `keys`",
        )
    for one in known:
        try:
            keys[one.name].verify(one.value, content, padding.PKCS1v15(), _HASHES[one.algorithm])
        except InvalidSignature:
            continue
        return one.name
    raise VerificationError(
        f"the signature of {subject} is wrong",
        why=f"{known[0].name} did not sign these bytes",
        hint="somebody changed it, or the mirror is being updated: try again later or use another mirror",
    )
