# SPDX-License-Identifier: Apache-2.0
"""The release manager's Sigstore bundle over a source archive of CPython (from 3.14; PEP 761).

Checked by the library ``sigstore`` against the trust root it carries, without the network: the bundle holds the
certificate, the signature and the transparency log's promise. The library is an extra of this program
(``imagewright[sigstore]``), because only this needs it and it brings fifteen others: importing this module
fails without it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from sigstore.errors import Error
from sigstore.hashes import Hashed
from sigstore.models import Bundle
from sigstore.verify import Verifier, policy
from sigstore_models.common.v1 import HashAlgorithm

from imagewright.errors import VerificationError

MAXIMUM_BUNDLE = 1 << 20
"""Bytes in one bundle; they have about 10,000."""


def verify_bundle(path: Path, bundle: bytes, *, identity: str, issuer: str, subject: str) -> None:
    """Whether ``bundle`` is a signature over the file by ``identity``, as ``issuer`` (OIDC) knows them.

    Raises ``VerificationError``.
    """
    if len(bundle) > MAXIMUM_BUNDLE:
        raise VerificationError(f"the Sigstore bundle of {subject} has more than {MAXIMUM_BUNDLE} bytes")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    try:
        Verifier.production(offline=True).verify_artifact(
            Hashed(algorithm=HashAlgorithm.SHA2_256, digest=digest),
            Bundle.from_json(bundle),
            policy.Identity(identity=identity, issuer=issuer),
        )
    except (Error, ValueError) as error:
        raise VerificationError(
            f"the Sigstore bundle of {subject} does not hold",
            why=" ".join(str(error).split())[:300] or type(error).__name__,
            hint=f"it must be signed by {identity} ({issuer}); somebody changed the file, or the signer changed",
        ) from None
