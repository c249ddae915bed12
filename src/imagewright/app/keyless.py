# SPDX-License-Identifier: Apache-2.0
"""Signing without a key: an identity provider says who signs, Sigstore's services write it down.

A certificate for a key that exists for minutes comes from Fulcio, against a token of the identity provider; the
signature goes into the transparency log Rekor. Which services, and whose certificates are believed, is Sigstore's
public instance, kept current by TUF, or what a file says. The library ``sigstore`` does the work; it is an extra.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright.app.world import World
from imagewright.attest.bundle import Witness
from imagewright.errors import (
    ConfigurationError,
    FetchError,
    MachineError,
    OfflineError,
    RegistryError,
    UsageError,
)
from imagewright.model.attestations import SignOptions, TrustOptions

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore.oidc import IdentityToken
    from sigstore.sign import Signer

TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN"  # noqa: S105 - the variable's name, also cosign's and GitLab's
_LARGEST_FILE = 4 << 20
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class KeylessSealer:
    """Signs statements with a certificate that was issued a moment ago."""

    signer: Signer

    def seal(self, statement: bytes) -> bytes:
        """A bundle of the statement, in the transparency log. Raises :class:`RegistryError`."""
        from sigstore.dsse import Statement

        with _services("the transparency log did not take a signature"):
            return str(self.signer.sign_dsse(Statement(statement)).to_json()).encode()

    def sign(self, content: bytes) -> bytes:
        """A bundle of a signature over bytes. Raises :class:`RegistryError`."""
        with _services("the transparency log did not take a signature"):
            return str(self.signer.sign_artifact(content).to_json()).encode()


def keyless_sealer(world: World, options: SignOptions) -> tuple[KeylessSealer, str]:
    """Who signs, and the identity that the certificate names.

    Raises :class:`OfflineError`, :class:`UsageError` where nobody says who signs, :class:`RegistryError` where the
    services refuse, :class:`MachineError` without the library.
    """
    _need_library()
    if world.options.offline:
        raise OfflineError(
            "signing without a key needs Sigstore's services, and --offline was said",
            hint="leave --offline out, or sign with --key",
        )
    from sigstore.sign import SigningContext

    trust = _configuration(options.trust_config)
    token = _token(trust, interactive=options.interactive)
    with _services("Sigstore's certificate authority gave no certificate"):
        context = SigningContext.from_trust_config(trust)
        with context.signer(token) as signer:
            return KeylessSealer(signer), str(token.identity)


def identity_witness(world: World, options: TrustOptions) -> Witness:
    """Who is believed by identity. Raises :class:`ConfigurationError`, :class:`MachineError`, ``FetchError``."""
    _need_library()
    from sigstore.errors import Error

    from imagewright.attest.identities import IdentityWitness

    root = _root(world, options.trusted_root)
    try:
        return IdentityWitness.of(root, options.identities, options.issuer)
    except (Error, ValueError) as error:
        raise ConfigurationError("the trusted root cannot be used", why=_reason(error)) from None


def _root(world: World, path: Path | None) -> TrustedRoot:
    """Certificates and logs that are believed; offline, as they were known when they were last fetched."""
    from sigstore.models import ClientTrustConfig

    if path is not None:
        return _root_of_file(path)
    try:
        return ClientTrustConfig.production(offline=world.options.offline).trusted_root
    except Exception as error:  # noqa: BLE001 - the library wraps what TUF and the network raise, but not all of it
        raise FetchError(
            "cannot bring Sigstore's trusted root up to date",
            why=_reason(error),
            hint="--offline uses the copy that is here; --trusted-root names another",
        ) from None


def _root_of_file(path: Path) -> TrustedRoot:
    """A trusted root, by itself or within a client's configuration."""
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore_models.trustroot import v1

    content = _read(path)
    try:
        if b"clienttrustconfig" in content:
            return ClientTrustConfig.from_json(content.decode()).trusted_root
        return TrustedRoot(v1.TrustedRoot.from_json(content))
    except (Error, ValueError) as error:
        raise ConfigurationError(f"{path} is no trusted root of Sigstore", why=_reason(error)) from None


def _configuration(path: Path | None) -> ClientTrustConfig:
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig

    if path is not None:
        try:
            return ClientTrustConfig.from_json(_read(path).decode())
        except (Error, ValueError) as error:
            raise ConfigurationError(
                f"{path} is no configuration of a Sigstore client", why=_reason(error)
            ) from None
    try:
        return ClientTrustConfig.production()
    except Exception as error:  # noqa: BLE001 - see above
        raise FetchError(
            "cannot ask for Sigstore's services",
            why=_reason(error),
            hint="signing without a key needs the network; sign with --key where there is none",
        ) from None


def _token(trust: ClientTrustConfig, *, interactive: bool) -> IdentityToken:
    """Who signs: what the environment says, or the person in a browser. Raises :class:`UsageError`."""
    from sigstore.oidc import IdentityError, IdentityToken, Issuer, detect_credential

    try:
        found = os.environ.get(TOKEN_VARIABLE) or detect_credential()
        if found:
            return IdentityToken(found.strip())
    except IdentityError as error:
        raise UsageError(
            "the identity that is to sign cannot be used",
            why=_reason(error),
            hint="get a fresh token for the audience 'sigstore'; on GitHub, the job needs `id-token: write`",
        ) from None
    if not interactive:
        raise UsageError(
            "nobody says who signs",
            why=f"{TOKEN_VARIABLE} is empty, no CI provider offers a token, and there is no terminal to ask at",
            hint=f"set {TOKEN_VARIABLE} to an OIDC token for the audience 'sigstore', or sign with --key",
        )
    with _services("the identity provider gave no token"):
        return Issuer(trust.signing_config.get_oidc_url()).identity_token()


@contextmanager
def _services(what: str) -> Iterator[None]:
    """What comes of a service that fails or refuses, as an error of ours."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - what the library raises for its services is not public
        raise RegistryError(what, why=_reason(error), hint="try again later, or sign with --key") from None


def _need_library() -> None:
    try:
        import sigstore  # noqa: F401 - asked for, and used elsewhere
    except ImportError:
        raise MachineError(
            "identities need the library sigstore, which is not installed",
            hint="install imagewright[sigstore], or use --key",
        ) from None
    # It warns of what was asked for (an offline root); without a handler that lands on standard error.
    logging.getLogger("sigstore").addHandler(logging.NullHandler())


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}", why=error.strerror or str(error)) from None


def _reason(error: Exception) -> str:
    found: BaseException = error
    while not str(found) and found.__cause__ is not None:
        found = found.__cause__
    return " ".join(str(found).split())[:_SHOWN] or type(found).__name__
