# SPDX-License-Identifier: Apache-2.0
"""Certificates as data (``keys/``), found by fingerprint. Who may sign what is the catalog's to say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from imagewright.archives.openpgp import Certificate, load_certificate, split_certificates
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
    """Certificates in armour, by fingerprint in upper case; ``facts`` tell a person whose they are."""

    armoured: Mapping[str, bytes]
    facts: Mapping[str, KeyFacts]

    def certificate(self, fingerprint: str) -> Certificate | None:
        """The certificate with this fingerprint, if there is one. Raises ``VerificationError`` if unusable."""
        data = self.armoured.get(fingerprint.upper())
        return None if data is None else load_certificate(data, fingerprint.upper())

    def joined(self, data: bytes, *, origin: str) -> Keyring:
        """This keyring with the certificates of a file; its copy of one that is here already is the newer one.

        It only makes them known: who may sign what is the catalog's to say. Raises ``VerificationError``.
        """
        return Keyring({**self.armoured, **split_certificates(data, subject=origin)}, self.facts)

    def for_suite(self, codename: str, *, fingerprints: Sequence[str]) -> tuple[Certificate, ...]:
        """The certificates that may sign a suite; any one of them is enough, so one may be unusable.

        Raises ``ConfigurationError`` without fingerprints or for one without a certificate, and
        ``VerificationError`` where none of the certificates can be used any more.
        """
        usable: list[Certificate] = []
        unusable: list[VerificationError] = []
        for fingerprint in fingerprints:
            try:
                certificate = self.certificate(fingerprint)
            except VerificationError as error:
                unusable.append(error)
                continue
            if certificate is None:
                raise ConfigurationError(
                    f"there is no certificate {fingerprint}, which is to sign {codename}",
                    hint="correct it, or name a file that has it: catalog.keyrings in imagewright.toml",
                )
            usable.append(certificate)
        if unusable and not usable:
            raise unusable[0]
        if not usable:
            raise ConfigurationError(f"no key is known that may sign the suite {codename}")
        return tuple(usable)


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
    return Keyring(
        {fingerprint: (folder / f"{fingerprint}.asc").read_bytes() for fingerprint in facts},
        facts,
    )
