# SPDX-License-Identifier: Apache-2.0
"""Whom we believe: certificates as data, and which of them may sign what (``keys/keys.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from imagewright.archives.openpgp import Certificate, load_certificate
from imagewright.errors import ConfigurationError, VerificationError


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What keys.toml says about a certificate; ``expires`` is an ISO 8601 date or empty."""

    fingerprint: str
    owner: str
    expires: str
    origin: str


@dataclass(frozen=True, slots=True)
class Keyring:
    """Certificates in armour by fingerprint, and the fingerprints that may sign each suite (by codename)."""

    facts: Mapping[str, KeyFacts]
    armoured: Mapping[str, bytes]
    suites: Mapping[str, tuple[str, ...]]

    def certificate(self, fingerprint: str) -> Certificate | None:
        """The certificate with this fingerprint, if there is one. Raises ``VerificationError`` if unusable."""
        data = self.armoured.get(fingerprint.upper())
        return None if data is None else load_certificate(data, fingerprint.upper())

    def for_suite(self, codename: str, *, fingerprints: Sequence[str] = ()) -> tuple[Certificate, ...]:
        """The certificates that may sign a suite; ``fingerprints``, where given, replace those known for it.

        Raises ``ConfigurationError`` for a suite nobody may sign or a fingerprint without a certificate, and
        ``VerificationError`` where none of the certificates can be used any more.
        """
        wanted = tuple(fingerprint.upper() for fingerprint in fingerprints) or self.suites.get(codename, ())
        if not wanted:
            raise ConfigurationError(
                f"no key is known that may sign the suite {codename}",
                hint="name the certificate and its fingerprint in imagewright.toml",
            )
        usable: list[Certificate] = []
        unusable: list[VerificationError] = []
        for fingerprint in wanted:
            try:
                certificate = self.certificate(fingerprint)
            except VerificationError as error:  # another one may do
                unusable.append(error)
                continue
            if certificate is None:
                raise ConfigurationError(f"there is no certificate {fingerprint}, which is to sign {codename}")
            usable.append(certificate)
        if not usable:
            raise unusable[0]
        return tuple(usable)

    def extended(self, armoured: Mapping[str, bytes], suites: Mapping[str, Sequence[str]]) -> Keyring:
        """With a user's certificates and suites, which replace, not widen, what is here for the same suite."""
        own = {fingerprint.upper(): data for fingerprint, data in armoured.items()}
        return Keyring(
            {**self.facts, **{print_: KeyFacts(print_, "", "", "imagewright.toml") for print_ in own}},
            {**self.armoured, **own},
            {**self.suites, **{name: tuple(value.upper() for value in values) for name, values in suites.items()}},
        )


def shipped_keyring() -> Keyring:
    """The keyring that comes with this program."""
    folder = resources.files("imagewright.archives") / "keys"
    document = tomllib.loads((folder / "keys.toml").read_text(encoding="utf-8"))
    facts = {
        entry["fingerprint"]: KeyFacts(
            entry["fingerprint"], entry["owner"], str(entry.get("expires", "")), entry["origin"]
        )
        for entry in document["certificate"]
    }
    armoured = {fingerprint: (folder / f"{fingerprint}.asc").read_bytes() for fingerprint in facts}
    suites = {
        suite: tuple(archive["fingerprints"]) for archive in document["archive"] for suite in archive["suites"]
    }
    return Keyring(facts, armoured, suites)
