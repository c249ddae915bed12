# SPDX-License-Identifier: Apache-2.0
"""The index of an archive of Alpine's (APKINDEX.tar.gz): believed first, then read.

A segment with signatures, and one with two files, ``DESCRIPTION`` and ``APKINDEX``; the latter has a paragraph for
each package, one letter and a colon before each field (apk-index(5), "APKINDEX").
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from sys import intern

from cryptography.hazmat.primitives.asymmetric import rsa

from imagewright.archives.alpine.keys import Signature, check_signature, signature_of
from imagewright.archives.alpine.relations import Relation, parse_relations
from imagewright.archives.alpine.segments import Segments
from imagewright.archives.alpine.version import key
from imagewright.archives.debian.tar import TarLimits, read_tar
from imagewright.errors import VerificationError
from imagewright.model.tree import Kind

MAXIMUM_FILE = 64 << 20
"""Bytes of a compressed index; Alpine's largest has about 3 MB."""

MAXIMUM_INDEX = 512 << 20
"""Bytes of a decompressed one."""

MAXIMUM_PACKAGES = 500_000
"""Packages in one; Alpine's largest has about 25,000."""

MAXIMUM_APK = 16 << 30
"""Bytes of one package."""

_SIGNATURES = TarLimits(entries=16, total=1 << 20)
_NAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.+-]*", re.ASCII)
_ARCHITECTURE = re.compile(r"[a-z0-9_]+", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_CHECKSUM = re.compile(r"Q1([A-Za-z0-9+/]{27}=)", re.ASCII)
_SHA1_SIZE = 20


@dataclass(frozen=True, slots=True)
class ApkPackage:
    """One package of an index.

    ``checksum`` is the SHA-1 of its compressed control segment, ``size`` that of the whole file in bytes,
    ``built`` when it was built, in seconds since 1970 (0: not said). ``archive`` names the
    :class:`imagewright.model.lock.LockedArchive` it is in, ``path`` is its place below the archive's address,
    ``rank`` the place of its archive among those that were asked, 0 first. Relations are kept as text, as few are
    ever asked for; the properties read them, at each call.
    """

    name: str
    version: str
    architecture: str
    origin: str
    checksum: bytes
    size: int
    built: int
    archive: str
    path: str
    rank: int = 0
    depends_text: str = ""
    provides_text: str = ""
    install_if_text: str = ""
    provider_priority: int = 0

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"

    @property
    def depends(self) -> tuple[Relation, ...]:
        """What it depends on. Raises ``VerificationError`` if malformed, as do the other properties."""
        return self._relations("D", self.depends_text)

    @property
    def provides(self) -> tuple[Relation, ...]:
        """Further names it goes by; a version, where given, has the operator ``=``."""
        return self._relations("p", self.provides_text)

    @property
    def install_if(self) -> tuple[Relation, ...]:
        """What must be there for it to be installed by itself; nothing: it never is."""
        return self._relations("i", self.install_if_text)

    def _relations(self, field: str, text: str) -> tuple[Relation, ...]:
        try:
            return parse_relations(text)
        except ValueError as error:
            raise VerificationError(
                f"{field}: of {self} in {self.archive} cannot be read", why=str(error)
            ) from None


@dataclass(frozen=True, slots=True)
class SignedIndex:
    """An index that was believed: the text of its paragraphs, its description, who signed it.

    ``written`` is when (seconds since 1970), by what the signed archive says of its own file.
    """

    text: bytes
    description: str
    key: str
    written: int


def open_index(data: bytes, keys: Mapping[str, rsa.RSAPublicKey], *, subject: str) -> SignedIndex:
    """Verify and unpack an index. Raises ``VerificationError``; nothing that is not signed is decompressed but
    the signatures themselves."""
    segments = Segments(io.BytesIO(data), subject)
    first = segments.next()
    signatures: list[Signature] = []
    for entry, content in read_tar(first.tar(), f"{subject} (signatures)", limits=_SIGNATURES):
        found = signature_of(entry.path, content.read()) if content is not None else None
        if found is not None:
            signatures.append(found)
    signed = b"".join(iter(segments.raw, b""))
    signer = check_signature(tuple(signatures), signed, keys, subject)
    return _unpacked(signed, signer, subject)


def _unpacked(signed: bytes, signer: str, subject: str) -> SignedIndex:
    segment = Segments(io.BytesIO(signed), subject).next(everything=True)
    text: bytes | None = None
    description, written = "", 0
    limits = TarLimits(entries=64, total=MAXIMUM_INDEX)
    for entry, content in read_tar(segment.tar(), subject, limits=limits):
        if entry.kind is Kind.FILE and content is not None and entry.path == "APKINDEX":
            text, written = content.read(), entry.mtime
        elif entry.kind is Kind.FILE and content is not None and entry.path == "DESCRIPTION":
            description = content.read().decode("utf-8", "replace").strip()
    if text is None:
        raise VerificationError(f"{subject} has no APKINDEX in it")
    return SignedIndex(text, description, signer, written)


def parse_index(text: bytes, *, archive: str, folder: str, rank: int = 0) -> Iterator[ApkPackage]:
    """Yield the packages of an index; ``folder`` is where they are, below the archive's address.

    Raises ``VerificationError`` naming the first thing that is wrong.
    """
    where = archive
    try:
        for count, (line, fields) in enumerate(paragraphs(text), 1):
            where = f"{archive}, line {line} ({fields.get('P', '')[:60] or 'nameless'})"
            if count > MAXIMUM_PACKAGES:
                raise ValueError(f"more than {MAXIMUM_PACKAGES} packages")
            yield _package(fields, archive, folder, rank)
    except ValueError as error:
        raise VerificationError(f"the index of {where} cannot be read", why=str(error)) from None


def paragraphs(text: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each paragraph's first line's number and fields, by their letters. Raises ``ValueError``."""
    fields: dict[str, str] = {}
    start = 1
    for number, line in enumerate(_lines(text), 1):
        if not line:
            if fields:
                yield start, fields
            fields, start = {}, number + 1
            continue
        if line[1:2] != ":":
            raise ValueError(f"line {number} is {line[:60]!r} and not LETTER:VALUE")
        if line[0] in fields:
            raise ValueError(f"line {number} says {line[0]}: twice")
        fields[line[0]] = line[2:]
    if fields:
        yield start, fields


def _lines(text: bytes) -> Iterable[str]:
    return text.decode("utf-8").split("\n")  # UnicodeDecodeError is a ValueError


def _package(fields: Mapping[str, str], archive: str, folder: str, rank: int) -> ApkPackage:
    name, version = _match(_NAME, fields, "P"), fields.get("V", "")
    key(version)
    return ApkPackage(
        name=name,
        version=version,
        architecture=intern(_match(_ARCHITECTURE, fields, "A")),
        origin=intern(fields["o"]) if _NAME.fullmatch(fields.get("o", "")) else name,
        checksum=parse_checksum(fields.get("C", "")),
        size=_number(fields, "S", MAXIMUM_APK),
        built=_number(fields, "t", 1 << 40) if "t" in fields else 0,
        archive=archive,
        path=f"{folder}/{name}-{version}.apk",
        rank=rank,
        depends_text=fields.get("D", ""),
        provides_text=fields.get("p", ""),
        install_if_text=fields.get("i", ""),
        provider_priority=_number(fields, "k", 1 << 31) if "k" in fields else 0,
    )


def parse_checksum(text: str) -> bytes:
    """``Q1`` and a SHA-1 in base 64. Raises ``ValueError``."""
    match = _CHECKSUM.fullmatch(text)
    try:
        value = base64.b64decode(match[1], validate=True) if match else b""
    except binascii.Error:
        value = b""
    if len(value) != _SHA1_SIZE:
        raise ValueError(f"C: is {text[:60]!r} and not Q1 with a SHA-1")
    return value


def format_checksum(value: bytes) -> str:
    """A SHA-1 as indexes and apk's database write it."""
    return "Q1" + base64.b64encode(value).decode()


def _match(pattern: re.Pattern[str], fields: Mapping[str, str], letter: str) -> str:
    value = fields.get(letter, "")
    if not pattern.fullmatch(value):
        raise ValueError(f"{letter}: is {value[:80]!r}")
    return value


def _number(fields: Mapping[str, str], letter: str, maximum: int) -> int:
    value = fields.get(letter, "")
    if not _NUMBER.fullmatch(value) or int(value) > maximum:
        raise ValueError(f"{letter}: is {value[:40]!r}")
    return int(value)
