# SPDX-License-Identifier: Apache-2.0
"""Signing as an identity, with what an instance of Sigstore may have besides: a browser to say who one is in, an
authority for timestamps, and a TUF repository that keeps the trusted root current."""

from __future__ import annotations

import base64
import json
import re
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sigstore._internal.oidc.oauth import _OAuthFlow

from app.test_keyless import ALL, OFFLINE, TEAM, Scene, refusal, scene, words
from app.test_signing import ACCESS, WORLD
from imagewright.app.signing import sign
from imagewright.app.verifying import verify
from imagewright.errors import FetchError, OfflineError, RegistryError, UsageError
from imagewright.model.attestations import Signed, SignOptions, TrustOptions, VerifyOptions
from support.sigstore_services import ISSUER
from support.timestamps import TimestampAuthority
from support.trust_repository import TrustRepository

__all__ = ["scene"]
pytestmark = pytest.mark.loopback


# Who signs, in a browser


@pytest.fixture(autouse=True)
def _redirect_server_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """sigstore 4.5 stops the server that a browser comes back to, and leaves its socket to the collector."""
    leave = _OAuthFlow.__exit__

    def closing(flow: _OAuthFlow, *about: Any) -> None:
        leave(flow, *about)
        flow._server.server_close()

    monkeypatch.setattr(_OAuthFlow, "__exit__", closing)


def interactively(scene: Scene) -> Signed:
    config = scene.directory / "trust.json"
    config.write_text(json.dumps(scene.services.trust_config()))
    return sign(WORLD, scene.reference, SignOptions(trust_config=config, interactive=True), ACCESS)


def no_browser(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> None:
    """Where there is none, the code that the page shows is typed."""
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    monkeypatch.setattr("builtins.input", answer)


def test_a_person_says_who_they_are_in_a_browser(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")
    shown: list[str] = []

    def browse(url: str) -> bool:
        """What the browser ends with: the page of the redirect server, after the provider sent it back there."""
        threading.Thread(
            target=lambda: shown.append(urlopen(url, timeout=10).read().decode()), daemon=True
        ).start()
        return True

    monkeypatch.setattr(webbrowser, "open", browse)
    assert interactively(scene).identity == "somebody@example.org"
    assert words(scene.verify("somebody@example.org")) == (ALL, [])


def test_without_a_browser_the_address_is_shown_and_the_code_typed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def code(prompt: str) -> str:
        assert "code" in prompt
        address = re.search(r"https?://\S+", capsys.readouterr().err)
        assert address is not None, "the address is shown"
        with urlopen(address[0], timeout=10) as page:
            return str(page.read().decode())

    no_browser(monkeypatch, code)
    scene.services.somebody = TEAM
    assert interactively(scene).identity == TEAM
    assert words(scene.verify(TEAM)) == (ALL, [])


def test_a_wrong_code_signs_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    no_browser(monkeypatch, lambda prompt: "guessed")
    said = refusal(lambda: interactively(scene), RegistryError)
    assert "the identity provider gave no token" in said
    assert "400" in said
    assert scene.services.log.bodies == []


def test_a_provider_that_is_out_of_order_is_said(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    no_browser(monkeypatch, lambda prompt: "guessed")
    scene.services.refuse = "/identities/token"
    assert "the identity provider gave no token" in refusal(lambda: interactively(scene), RegistryError)


def test_offline_nobody_is_sent_to_a_browser(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    no_browser(monkeypatch, lambda prompt: pytest.fail("asked"))
    options = SignOptions(interactive=True)
    said = refusal(lambda: sign(OFFLINE, scene.reference, options, ACCESS), OfflineError)
    assert "--offline" in said


def test_without_a_terminal_nobody_is_asked(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    no_browser(monkeypatch, lambda prompt: pytest.fail("asked"))
    assert "no terminal" in refusal(scene.sign, UsageError)


# Timestamps


def test_an_authority_signs_the_time_too(scene: Scene) -> None:
    authority = scene.services.timestamps = TimestampAuthority()
    scene.sign(bundle=scene.bundle)
    assert authority.asked >= 4
    material = json.loads(scene.bundle.read_bytes().splitlines()[0])["verificationMaterial"]
    assert len(material["timestampVerificationData"]["rfc3161Timestamps"]) == 1
    assert words(scene.verify(TEAM)) == (ALL, [])


def _with_other_times(scene: Scene, change: Callable[[bytes], bytes]) -> tuple[list[str], list[str]]:
    """The bundles again, with changed timestamps."""
    lines = []
    for line in scene.bundle.read_bytes().splitlines():
        document = json.loads(line)
        (stamp,) = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
        stamp["signedTimestamp"] = base64.b64encode(change(base64.b64decode(stamp["signedTimestamp"]))).decode()
        lines.append(json.dumps(document).encode())
    scene.bundle.write_bytes(b"\n".join(lines))
    return words(verify(OFFLINE, scene.pinned, VerifyOptions(scene.trust(TEAM), scene.bundle), ACCESS))


def without_promises(scene: Scene) -> None:
    """Take the log's own promise of a time away: then nothing but the authority's says when it was signed."""
    lines = []
    for line in scene.bundle.read_bytes().splitlines():
        document = json.loads(line)
        (entry,) = document["verificationMaterial"]["tlogEntries"]
        del entry["inclusionPromise"]
        lines.append(json.dumps(document).encode())
    scene.bundle.write_bytes(b"\n".join(lines))


def test_the_authoritys_time_is_enough(scene: Scene) -> None:
    scene.services.timestamps = TimestampAuthority()
    scene.sign(bundle=scene.bundle)
    without_promises(scene)
    assert _with_other_times(scene, lambda stamp: stamp) == (ALL, [])


@pytest.mark.parametrize("how", ["damaged", "by another authority", "of another signature"])
def test_a_time_that_nobody_vouches_for_is_none(scene: Scene, how: str) -> None:
    authority = scene.services.timestamps = TimestampAuthority()
    scene.sign(bundle=scene.bundle)
    without_promises(scene)
    stamps: list[bytes] = []

    def change(stamp: bytes) -> bytes:
        stamps.append(stamp)
        if how == "damaged":
            return stamp[:-1] + bytes([stamp[-1] ^ 1])
        return stamp if how == "by another authority" else stamps[0]

    if how == "by another authority":
        scene.services.timestamps = TimestampAuthority()
    good, failed = _with_other_times(scene, change)
    assert failed == (ALL[1:] if how == "of another signature" else ALL), "the first has its own time"
    assert good == [what for what in ALL if what not in failed]
    assert authority.asked


def test_a_time_at_which_the_certificate_was_not_valid_proves_nothing(scene: Scene) -> None:
    scene.services.timestamps = TimestampAuthority(ahead=timedelta(hours=2))
    scene.sign(bundle=scene.bundle)
    without_promises(scene)
    assert _with_other_times(scene, lambda stamp: stamp) == ([], ALL)


def test_an_authority_that_is_out_of_order_is_done_without_where_the_log_says_the_time(scene: Scene) -> None:
    authority = scene.services.timestamps = TimestampAuthority()
    scene.services.refuse = "/timestamp"
    scene.sign()
    assert words(scene.verify(TEAM)) == (ALL, [])
    assert authority.asked == 0


# The trusted root, by TUF


@pytest.fixture
def at_home(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Scene:
    """Sigstore's public instance is ours, and this machine never heard of it before."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sigstore.models.DEFAULT_TUF_URL", f"{scene.services.url}/tuf")
    config = scene.services.trust_config()
    targets = {"trusted_root.json": config["trustedRoot"], "signing_config.v0.2.json": config["signingConfig"]}
    publish(scene, TrustRepository(targets), monkeypatch)
    return scene


def publish(scene: Scene, repository: TrustRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    def embedded(name: str, url: str) -> bytes:
        if name != "root.json":
            raise FileNotFoundError(name)
        return repository.root

    monkeypatch.setattr("sigstore._internal.tuf.read_embedded", embedded)
    scene.services.repository = repository


def by_tuf(scene: Scene) -> tuple[list[str], list[str]]:
    """Where no root is named: the one that TUF leads to."""
    options = VerifyOptions(TrustOptions(identities=(TEAM,), issuer=ISSUER))
    return words(verify(WORLD, scene.reference, options, ACCESS))


def test_root_and_services_come_by_tuf(at_home: Scene) -> None:
    signed = sign(WORLD, at_home.reference, SignOptions(), ACCESS)
    assert signed.identity == TEAM
    assert by_tuf(at_home) == (ALL, [])


def test_offline_the_root_is_as_it_was_known_last(at_home: Scene) -> None:
    sign(WORLD, at_home.reference, SignOptions(bundle=at_home.bundle), ACCESS)
    at_home.services.repository = None
    options = VerifyOptions(TrustOptions(identities=(TEAM,), issuer=ISSUER), at_home.bundle)
    assert words(verify(OFFLINE, at_home.pinned, options, ACCESS)) == (ALL, [])
    assert "--offline uses the copy that is here" in refusal(lambda: by_tuf(at_home), FetchError)


@pytest.mark.parametrize("how", ["target", "metadata", "expired", "by another root"])
def test_a_root_that_tuf_does_not_vouch_for_is_not_used(
    at_home: Scene, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    repository = at_home.services.repository
    assert repository is not None
    at_home.sign()
    match how:
        case "target":
            (name,) = (one for one in repository.files if one.endswith(".trusted_root.json"))
            repository.files[name] = repository.files[name].replace(b"example", b"exbmple")
        case "metadata":
            repository.files["1.targets.json"] = repository.files["1.targets.json"].replace(
                b"sha256", b"sha257", 1
            )
        case "expired":
            publish(at_home, replace(repository, life=timedelta(hours=-1), files={}), monkeypatch)
        case "by another root":
            at_home.services.repository = TrustRepository(repository.targets)
    assert "cannot bring Sigstore's trusted root up to date" in refusal(lambda: by_tuf(at_home), FetchError)
