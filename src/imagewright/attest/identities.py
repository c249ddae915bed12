# SPDX-License-Identifier: Apache-2.0
"""Statements signed without a key, by an identity: Sigstore's certificates and transparency log.

Verified by the library ``sigstore``, without the network: the bundle holds the certificate, the signature and the
log's proof, the trusted root the keys of those who issued them. The library is an extra of this program
(``imagewright[sigstore]``): importing this module fails without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sigstore.errors import Error
from sigstore.models import Bundle, TrustedRoot
from sigstore.verify import Verifier, policy

from imagewright.attest.statement import MEDIA_TYPE, Statement
from imagewright.errors import VerificationError
from imagewright.oci.reading import MAX_DOCUMENT

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class IdentityWitness:
    """Whoever the ``issuer`` (OIDC) knew as one of ``identities`` when they signed."""

    verifier: Verifier
    identities: tuple[str, ...]
    issuer: str

    @classmethod
    def of(cls, root: TrustedRoot, identities: Sequence[str], issuer: str) -> IdentityWitness:
        """With the certificates and logs of a trusted root."""
        return cls(Verifier(trusted_root=root), tuple(identities), issuer)

    @property
    def name(self) -> str:
        """What people call them."""
        return " or ".join(self.identities)

    def opened(self, bundle: bytes) -> Statement:
        """The statement in a bundle. Raises ``VerificationError`` unless one of the identities signed it."""
        if len(bundle) > MAX_DOCUMENT:
            raise VerificationError(f"refused a bundle: it is larger than {MAX_DOCUMENT} bytes")
        believed = policy.AnyOf([policy.Identity(identity=one, issuer=self.issuer) for one in self.identities])
        try:
            kind, payload = self.verifier.verify_dsse(Bundle.from_json(bundle), believed)
        # What is in a bundle comes from anybody; the library lets errors of the parsers below it through.
        except (Error, ValueError, TypeError, KeyError, AttributeError) as error:
            why = " ".join(str(error).split())[:_SHOWN] or type(error).__name__
            raise VerificationError("refused a bundle: it does not hold", why=why) from None
        if kind != MEDIA_TYPE:
            raise VerificationError(f"refused a bundle: what is signed is {kind[:80]!r}, not a statement")
        return Statement.parse(payload)
