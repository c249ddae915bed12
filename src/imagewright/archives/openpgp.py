# SPDX-License-Identifier: Apache-2.0
"""OpenPGP signatures (RFC 9580) by certificates whose fingerprints were chosen beforehand.

Pure: bytes in, typed objects out. The one thing taken from outside is the machine's time, which Sequoia reads
itself to refuse signatures from the future and algorithms that are no longer safe. It judges a key's validity
at the time of the signature.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pysequoia
from pysequoia.packet import PacketPile, Tag

from imagewright.errors import VerificationError

MAXIMUM_CERTIFICATE = 1 << 20
"""Bytes in one armoured certificate."""

MAXIMUM_MESSAGE = 16 << 20
"""Bytes in one cleartext-signed message; Debian's largest InRelease has about 250 kB."""

MAXIMUM_SIGNATURE = 1 << 16
"""Bytes in one detached signature file, or in the signature part of a message."""

MAXIMUM_SIGNATURES = 16
"""Signatures on one thing."""

_FINGERPRINT = re.compile(r"[0-9A-F]{40}|[0-9A-F]{64}", re.ASCII)
_BEGIN_MESSAGE = b"-----BEGIN PGP SIGNED MESSAGE-----"
_BEGIN_SIGNATURE = b"-----BEGIN PGP SIGNATURE-----"
_END_SIGNATURE = b"-----END PGP SIGNATURE-----"
_HASH_HEADER = re.compile(rb"Hash: [A-Za-z0-9,/ -]{1,200}")
_ARMOUR_LINE = re.compile(rb"[A-Za-z0-9+/=]{0,100}|[A-Za-z]{1,20}: [ -~]{0,200}")
_SEQUOIA_ERRORS = (RuntimeError, ValueError, OSError)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate whose primary key has ``fingerprint`` (upper-case hexadecimal).

    ``expires`` is when our copy of it does, ``None`` if never; ``keys`` are the fingerprints of its keys.
    """

    fingerprint: str
    expires: datetime | None
    keys: frozenset[str]
    handle: pysequoia.Cert = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SignedText:
    """What was signed, exactly; ``signers`` are the primary fingerprints whose signatures are good."""

    text: bytes
    signers: tuple[str, ...]


class UnjudgedError(VerificationError):
    """A signature was made after our copy of its certificate expired, so it can be neither good nor bad."""

    kind = "unjudged-signature"


def is_fingerprint(text: str) -> bool:
    """Whether it is a whole fingerprint in upper-case hexadecimal; never a short or long key id."""
    return _FINGERPRINT.fullmatch(text) is not None


def load_certificate(data: bytes, fingerprint: str) -> Certificate:
    """Read one certificate and hold it to its fingerprint.

    Raises ``VerificationError`` if it is not exactly one certificate with exactly that primary key, or if it
    can make no valid signature any more by today's rules (revoked, or bound by broken algorithms only).
    """
    if not is_fingerprint(fingerprint):
        raise VerificationError(f"not an OpenPGP fingerprint: {fingerprint[:80]!r}")
    if len(data) > MAXIMUM_CERTIFICATE:
        raise VerificationError(f"the certificate {fingerprint} has more than {MAXIMUM_CERTIFICATE} bytes")
    try:
        certificates = pysequoia.Cert.split_bytes(data)
        found = [certificate.fingerprint.upper() for certificate in certificates]
        if found != [fingerprint]:
            raise VerificationError(
                f"the certificate file for {fingerprint} holds something else",
                why=f"it holds {', '.join(found[:3]) or 'no certificate'}",
            )
        (certificate,) = certificates
        if certificate.is_revoked:
            raise VerificationError(f"the certificate {fingerprint} is revoked")
        return Certificate(fingerprint, certificate.expiration, _keys(certificate), certificate)
    except _SEQUOIA_ERRORS as error:
        raise VerificationError(f"the certificate {fingerprint} cannot be used", why=_first_line(error)) from None


def split_certificates(data: bytes, *, subject: str) -> Mapping[str, bytes]:
    """The certificates in a file, armoured or not, by fingerprint, each in armour again.

    Raises ``VerificationError`` if the file is too large, cannot be read, or holds none.
    """
    if len(data) > MAXIMUM_CERTIFICATE:
        raise VerificationError(f"{subject} has more than {MAXIMUM_CERTIFICATE} bytes")
    try:
        found = {each.fingerprint.upper(): str(each).encode() for each in pysequoia.Cert.split_bytes(data)}
    except _SEQUOIA_ERRORS as error:
        raise VerificationError(f"{subject} holds no readable certificate", why=_first_line(error)) from None
    if not found:
        raise VerificationError(f"{subject} holds no certificate")
    return found


def verify_cleartext(message: bytes, certificates: Sequence[Certificate], *, subject: str) -> SignedText:
    """Verify a message in the cleartext signature framework (RFC 9580, 7) and give back what was signed.

    One good signature by one of ``certificates`` is enough; others do not count, whoever made them. The message
    must be one signed block and nothing else, so that nothing unsigned can be read. ``subject`` is for errors.
    Raises ``VerificationError``.
    """
    if len(message) > MAXIMUM_MESSAGE:
        raise VerificationError(f"{subject} has more than {MAXIMUM_MESSAGE} bytes")
    try:
        framed, armour = _unframe(message)
    except ValueError as error:
        raise VerificationError(f"{subject} is not one signed message", why=str(error)) from None
    signatures = _signatures(armour, subject)
    if not certificates:
        raise _nobody(subject, signatures, certificates)
    handles = [certificate.handle for certificate in certificates]
    try:
        result = pysequoia.verify(message, store=lambda _: handles)
    except _SEQUOIA_ERRORS:
        raise _nobody(subject, signatures, certificates) from None
    signers = _signers(result, certificates)
    if not signers:
        raise _nobody(subject, signatures, certificates)
    if result.bytes is None or result.bytes.rstrip(b"\n") != framed.rstrip(b"\n"):
        raise VerificationError(f"{subject} reads differently than it was signed")
    return SignedText(result.bytes, signers)


def verify_detached(
    path: Path, signature: bytes, certificates: Sequence[Certificate], *, subject: str
) -> tuple[str, ...]:
    """Verify a detached signature over a file; the primary fingerprints of ``certificates`` that signed.

    Streams the file. Raises :class:`UnjudgedError` where the only fault is that our copy of the certificate
    expired before the signature was made, else ``VerificationError``.
    """
    signatures = _signatures(signature, subject)
    handles = [certificate.handle for certificate in certificates]
    for one in signatures if handles else ():
        try:
            single = pysequoia.Sig.from_bytes(one.data)
            result = pysequoia.verify(file=path, signature=single, store=lambda _: handles)
        except _SEQUOIA_ERRORS:
            continue
        if signers := _signers(result, certificates):
            return signers
    for one in signatures:
        _refuse_to_judge(one, certificates, subject)
    raise _nobody(subject, signatures, certificates)


def _keys(certificate: pysequoia.Cert) -> frozenset[str]:
    packets = PacketPile.from_bytes(bytes(certificate))
    return frozenset(
        (packet.fingerprint or "").upper() for packet in packets if packet.tag in (Tag.PublicKey, Tag.PublicSubkey)
    )


def _unframe(message: bytes) -> tuple[bytes, bytes]:
    """The text of the only signed block, unescaped, and its signature's armour. Raises ``ValueError``.

    Stricter than the RFC on purpose: line ends are ``\\n``, there is nothing before or after the block, the only
    header is Hash, and no line of the text may be taken for armour.
    """
    if b"\r" in message or b"\0" in message:
        raise ValueError("it contains carriage returns or NUL")
    lines = message.rstrip(b"\n").split(b"\n")
    if lines[0] != _BEGIN_MESSAGE:
        raise ValueError(f"it starts with {lines[0][:60]!r}")
    if lines[-1] != _END_SIGNATURE:
        raise ValueError(f"it ends with {lines[-1][:60]!r}")
    if lines.count(_BEGIN_SIGNATURE) != 1:
        raise ValueError("it does not hold exactly one block of signatures")
    begin = lines.index(_BEGIN_SIGNATURE)
    if b"" not in lines[:begin]:
        raise ValueError("no empty line ends its headers")
    start = lines.index(b"")
    for line in lines[1:start]:
        if not _HASH_HEADER.fullmatch(line):
            raise ValueError(f"it has the header {line[:60]!r}")
    for line in lines[begin + 1 : -1]:
        if not _ARMOUR_LINE.fullmatch(line):
            raise ValueError(f"its signature block has the line {line[:60]!r}")
    text = b"\n".join(_unescape(line) for line in lines[start + 1 : begin])
    return text, b"\n".join(lines[begin:]) + b"\n"


def _unescape(line: bytes) -> bytes:
    """Undo dash-escaping (RFC 9580, 7.2): a line may start with a dash only as ``- ``."""
    if not line.startswith(b"-"):
        return line
    if not line.startswith(b"- "):
        raise ValueError(f"its text has the unescaped line {line[:60]!r}")
    return line[2:]


@dataclass(frozen=True, slots=True)
class _Signature:
    """One signature packet: its bytes, who it says made it (upper case, or ``?``), and when."""

    data: bytes
    issuer: str
    made: datetime | None


def _signatures(armour: bytes, subject: str) -> list[_Signature]:
    if len(armour) > MAXIMUM_SIGNATURE:
        raise VerificationError(f"the signature of {subject} has more than {MAXIMUM_SIGNATURE} bytes")
    found: list[_Signature] = []
    try:
        for packet in PacketPile.from_bytes(armour):
            if packet.tag != Tag.Signature:
                raise ValueError("it is not made of signatures")
            if len(found) == MAXIMUM_SIGNATURES:
                raise ValueError(f"it has more than {MAXIMUM_SIGNATURES} signatures")
            issuer = packet.issuer_fingerprint or packet.issuer_key_id or "?"
            found.append(_Signature(bytes(packet), issuer.upper(), packet.signature_created))
    except _SEQUOIA_ERRORS as error:
        raise VerificationError(f"the signature of {subject} cannot be read", why=_first_line(error)) from None
    if not found:
        raise VerificationError(f"the signature of {subject} cannot be read", why="it is empty")
    return found


def _signers(result: pysequoia.Decrypted, certificates: Sequence[Certificate]) -> tuple[str, ...]:
    """Of the good signatures, those whose certificate's primary fingerprint is among those chosen."""
    good = {str(valid.certificate).upper() for valid in result.valid_sigs}
    return tuple(sorted(good & {certificate.fingerprint for certificate in certificates}))


def _refuse_to_judge(signature: _Signature, certificates: Sequence[Certificate], subject: str) -> None:
    """Raise :class:`UnjudgedError` if one of ``certificates`` made it, but had expired in our copy by then."""
    for certificate in certificates:
        expires = certificate.expires
        if expires and signature.made and signature.made > expires and signature.issuer in certificate.keys:
            raise UnjudgedError(
                f"the signature of {subject} is newer than our copy of the certificate that made it",
                why=f"{certificate.fingerprint} expired here on {expires:%Y-%m-%d}, "
                f"and the signature is of {signature.made:%Y-%m-%d}",
                hint="a newer imagewright may have the renewed certificate",
            )


def _nobody(
    subject: str, signatures: Sequence[_Signature], certificates: Sequence[Certificate]
) -> VerificationError:
    issuers = sorted({signature.issuer for signature in signatures})
    wanted = [certificate.fingerprint for certificate in certificates]
    return VerificationError(
        f"{subject} has no good signature by a key that may sign it",
        why=f"signatures say they are by {', '.join(issuers[:3])}; believed are {', '.join(wanted[:3]) or 'none'}",
        hint="somebody changed it on the way, or it is another archive than it should be; try another mirror",
        details={"issuers": issuers, "believed": wanted},
    )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
