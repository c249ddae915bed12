# SPDX-License-Identifier: Apache-2.0
"""Statements signed without a key, by an identity: Sigstore's certificates and transparency log.

Verified by the library ``sigstore``, without the network: the bundle holds the certificate, the signature and the
log's proof, the trusted root the keys of those who issued them. The library is an extra of this program
(``imagewright[sigstore]``): importing this module fails without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate
from sigstore._utils import cert_is_leaf
from sigstore.errors import Error
from sigstore.models import Bundle, InvalidBundle, TransparencyLogEntry, TrustedRoot
from sigstore.verify import Verifier, policy

from imagewright.attest.signature import OLD_BUNDLE, PAYLOAD, Layer, promised_bundle, stands_for
from imagewright.attest.statement import MEDIA_TYPE, Statement
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.reading import MAX_DOCUMENT, parse

if TYPE_CHECKING:
    from sigstore._internal.trust import RekorKeyring

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
        with _refused():
            kind, payload = self.verifier.verify_dsse(_loaded(bundle), self._policy())
        if kind != MEDIA_TYPE:
            raise VerificationError(f"refused a bundle: what is signed is {kind[:80]!r}, not a statement")
        return Statement.parse(payload)

    def signed(self, layer: Layer, subject: Digest) -> bool:
        """Whether a layer of cosign's is a signature of an image by one of the identities."""
        if layer.described.media_type != PAYLOAD or not stands_for(layer.content, subject):
            return False
        try:
            bundle = promised_bundle(layer)
            if bundle is None:
                return False
            with _refused():
                self.verifier.verify_artifact(layer.content, _loaded(bundle), self._policy())
        except VerificationError:
            return False
        return True

    def layer_opened(self, layer: Layer) -> Statement | None:
        """The statement in a layer of cosign's, if one of the identities signed it."""
        try:
            bundle = promised_bundle(layer)
            return None if bundle is None else self.opened(bundle)
        except VerificationError:  # the registry may hold anything; what is no statement proves nothing
            return None

    def _policy(self) -> policy.VerificationPolicy:
        return policy.AnyOf([policy.Identity(identity=one, issuer=self.issuer) for one in self.identities])


@contextmanager
def _refused() -> Iterator[None]:
    """What is in a bundle comes from anybody; the library lets errors of the parsers below it through."""
    try:
        yield
    except (Error, ValueError, TypeError, KeyError, AttributeError) as error:
        why = " ".join(str(error).split())[:_SHOWN] or type(error).__name__
        raise VerificationError("refused a bundle: it does not hold", why=why) from None


class _PromisedEntry(TransparencyLogEntry):
    """An entry that the log promised to take in, and signed the time of; there is no proof that it did.

    That is all that cosign 2 keeps, and all that it asks for. The library has the check of the promise, but wants
    the proof as well: these two methods leave that out, and nothing else.
    """

    def _validate(self) -> None:
        if not (self._inner.inclusion_promise and self._inner.integrated_time):
            raise InvalidBundle("its log entry has neither proof nor promise")

    def _verify(self, keyring: RekorKeyring) -> None:
        self._verify_set(keyring)


class _PromisedBundle(Bundle):
    """A bundle of version 0.1 without the log's proof (sigstore_bundle.proto: the promise is enough there)."""

    def _verify(self) -> None:
        material = self._inner.verification_material
        if material.x509_certificate_chain is None:
            raise InvalidBundle("it has no certificate")
        (certificate,) = material.x509_certificate_chain.certificates
        (entry,) = material.tlog_entries
        self._signing_certificate = load_der_x509_certificate(certificate.raw_bytes)
        if not cert_is_leaf(self._signing_certificate):
            raise InvalidBundle("its certificate is an authority's")
        self._log_entry = _PromisedEntry(entry)


def _loaded(bundle: bytes) -> Bundle:
    node = parse(bundle, "Sigstore bundle")
    material = node.field("verificationMaterial")
    entries = [entry.value for entry in material.field("tlogEntries").items() if isinstance(entry.value, dict)]
    old = node.field("mediaType").text("") == OLD_BUNDLE
    if not old or not entries or any("inclusionProof" in entry for entry in entries):
        return Bundle.from_json(bundle)
    for entry in entries:
        entry["inclusionProof"] = _NO_PROOF
    return _PromisedBundle.from_json(canonical_json(node.value))


_NO_PROOF = {"checkpoint": {"envelope": ""}, "hashes": [], "logIndex": "0", "rootHash": "", "treeSize": "1"}
"""The library's model of an entry must have one; nobody looks at it."""
