# SPDX-License-Identifier: Apache-2.0
"""Releases from 3.14 on: the release manager's Sigstore bundle, from services on loopback (PEP 761)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sigstore.models import ClientTrustConfig, TrustedRoot
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext
from sigstore.verify import Verifier

from app.test_updating import Site, only, site, source
from imagewright.archives.cpython.sigstore import MAXIMUM_BUNDLE, verify_bundle
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import VerificationError
from imagewright.events import Note
from imagewright.model.options import UpdateOptions
from support.sigstore_services import ISSUER, Services, run_services

__all__ = ["site"]  # the fixture

pytestmark = pytest.mark.loopback
MANAGER, STRANGER = "manager@example.org", "stranger@example.org"
NEWER = UpdateOptions(series=("3.14",), packages=False)
SERIES = f"""
[[catalog.series]]
name = "3.14"
status = "bugfix"
end_of_life = "2030-10"
current = "3.14.10"
suites = ["trixie"]
setuptools = false
lang = false
sigstore = {{ identity = "{MANAGER}", issuer = "{ISSUER}" }}
"""


@dataclass(frozen=True, slots=True)
class Signers:
    """Services that certify anybody whom they have a token of."""

    services: Services
    directory: Path

    def sign(self, data: bytes, identity: str) -> bytes:
        """A bundle over bytes, as a release manager makes one."""
        config = ClientTrustConfig.from_json(json.dumps(self.services.trust_config()))
        token = IdentityToken(self.services.token(identity))
        with SigningContext.from_trust_config(config).signer(token) as signer:
            return str(signer.sign_artifact(data).to_json()).encode()


@pytest.fixture
def signers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Signers]:
    """They stand for Sigstore's own, whose keys the library carries."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with run_services() as services:
        path = tmp_path / "root.json"
        path.write_text(json.dumps(services.trusted_root()))

        def production(*, offline: bool) -> Verifier:
            assert offline
            return Verifier(trusted_root=TrustedRoot.from_file(str(path)))

        monkeypatch.setattr(Verifier, "production", production)
        yield Signers(services, tmp_path)


def publish(site: Site, version: str, bundle: bytes | None) -> bytes:
    """A release on python.org whose bundle is beside it, or is only said to be."""
    configuration = site.directory / "imagewright.toml"
    if "catalog.series" not in configuration.read_text():
        configuration.write_text(configuration.read_text() + SERIES)
    data = source(version)
    path = f"ftp/python/{version}/Python-{version}.tar.xz.sigstore"
    if bundle is not None:
        site.files[path] = bundle
    site.publish(version, data, sigstore_bundle_file=f"https://www.python.org/{path}")
    return data


def test_the_release_managers_identity_vouches_for_a_release(site: Site, signers: Signers) -> None:
    publish(site, "3.14.99", signers.sign(source("3.14.99"), MANAGER))
    release = only(site.update(NEWER))
    assert (release.taken, release.provenance) == (True, f"sigstore {MANAGER}")
    assert f'provenance = "sigstore {MANAGER}"' in site.found.read_text()


@pytest.mark.parametrize("debian", [False, True])
def test_another_identity_is_an_error_whoever_else_vouches(site: Site, signers: Signers, debian: bool) -> None:
    data = publish(site, "3.14.99", signers.sign(source("3.14.99"), STRANGER))
    if debian:
        site.in_debian("3.14.99", data)
    with pytest.raises(VerificationError, match="does not hold"):
        site.update(NEWER)
    assert not site.found.exists()


def test_a_bundle_of_another_release_is_an_error(site: Site, signers: Signers) -> None:
    publish(site, "3.14.99", signers.sign(source("3.14.98"), MANAGER))
    with pytest.raises(VerificationError, match=r"Python-3\.14\.99\.tar\.xz does not hold"):
        site.update(NEWER)


def test_a_bundle_that_is_not_there_vouches_for_nothing(site: Site, signers: Signers) -> None:
    publish(site, "3.14.99", None)
    release = only(site.update(NEWER))
    assert (release.taken, release.provenance) == (False, "unverified")
    assert any("is not to be had" in event.text for event in site.events if isinstance(event, Note))


@pytest.mark.parametrize("bundle", [b"", b"{}", b"not json", b'{"mediaType": "x"}'])
def test_what_is_no_bundle_is_refused(tmp_path: Path, signers: Signers, bundle: bytes) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(VerificationError):
        verify_bundle(tmp_path / "file", bundle, identity=MANAGER, issuer=ISSUER, subject="file")


def test_an_endless_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="more than"):
        verify_bundle(
            tmp_path / "none", b" " * (MAXIMUM_BUNDLE + 1), identity=MANAGER, issuer=ISSUER, subject="file"
        )


def test_every_series_from_3_14_on_names_an_identity_and_no_key() -> None:
    series = {name: one for name, one in shipped_catalog().by_series.items() if not name.startswith("2.")}
    newer = {name: one for name, one in series.items() if int(name.split(".")[1]) >= 14}
    assert {"3.14", "3.15"} <= set(newer)
    assert all(one.sigstore is not None and not one.openpgp for one in newer.values())
    assert all(one.openpgp for name, one in series.items() if name not in newer)
