# SPDX-License-Identifier: Apache-2.0
"""What vouches for images, as results. Field names and order are those of ``--json``."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from imagewright.model.digest import Digest
from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess


class DocumentKind(StrEnum):
    """Documents about an image."""

    SPDX = "spdx"
    CYCLONEDX = "cyclonedx"
    PROVENANCE = "provenance"


@dataclass(frozen=True, slots=True)
class AttestedImage:
    """One platform's image: which ``documents`` were attached to it; ``components`` counts what is in it."""

    platform: str
    digest: Digest
    documents: tuple[str, ...]
    components: int


@dataclass(frozen=True, slots=True)
class Attested:
    """What was attached to the images that a reference names."""

    ref: str
    digest: Digest
    images: tuple[AttestedImage, ...]


@dataclass(frozen=True, slots=True)
class SignOptions:
    """How to sign: with the private ``key`` in a file, protected by ``password``, or without one as an identity.

    ``bundle`` is a file that everything signed is written to, as Sigstore bundles. Without a key, ``trust_config``
    names other services than Sigstore's public ones; ``interactive`` says that a person may be sent to a browser.
    """

    key: Path | None = None
    password: bytes = b""
    bundle: Path | None = None
    trust_config: Path | None = None
    interactive: bool = False


@dataclass(frozen=True, slots=True)
class TrustOptions:
    """Whom to believe: the public ``key`` in a file, or one of ``identities`` that ``issuer`` vouched for.

    ``trusted_root`` is a file with the certificates and logs of a Sigstore instance; none: the public one's.
    """

    key: Path | None = None
    identities: tuple[str, ...] = ()
    issuer: str = ""
    trusted_root: Path | None = None

    @property
    def anybody(self) -> bool:
        """Whether nobody was named."""
        return self.key is None and not self.identities


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Whom to believe; ``bundle`` is a file of signed statements, instead of what is attached to the image.

    ``signature_only`` leaves documents out.
    """

    trust: TrustOptions
    bundle: Path | None = None
    signature_only: bool = False


@dataclass(frozen=True, slots=True)
class RebuildOptions:
    """Which platform to build again (none: this machine's), and whose provenance to believe (anybody's).

    ``cached``: steps that are in the store need not be done again.
    """

    platform: Platform | None = None
    trust: TrustOptions = field(default_factory=TrustOptions)
    cached: bool = False
    access: RegistryAccess = field(default_factory=RegistryAccess)


@dataclass(frozen=True, slots=True)
class SignedItem:
    """One thing that was signed: ``what`` is ``signature`` or the kind of the attestation."""

    what: str
    platform: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class Signed:
    """What was signed. ``key`` is the SHA-256 of the public key (DER, SubjectPublicKeyInfo), or ``identity`` who.

    ``bundles`` counts the Sigstore bundles.
    """

    ref: str
    digest: Digest
    key: Digest | None
    signed: tuple[SignedItem, ...]
    identity: str = ""
    bundles: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``detail`` says what was seen, or why it cannot be believed."""

    what: str
    platform: str
    digest: Digest
    detail: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What can be believed of a reference, and what cannot."""

    ref: str
    digest: Digest
    verified: tuple[Finding, ...]
    failed: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """The files of a new pair of keys."""

    private: Path
    public: Path
    key: Digest


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of building an image again. ``ran`` of its ``steps`` were done anew, others were in the store."""

    ref: str
    platform: str
    digest: Digest
    rebuilt_digest: Digest
    identical: bool
    ran: int
    steps: int
