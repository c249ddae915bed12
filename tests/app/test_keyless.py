# SPDX-License-Identifier: Apache-2.0
"""Signing as an identity, by services on loopback, and believing it; bundles of either kind without a registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import pytest
from sigstore.errors import TUFError
from sigstore.models import ClientTrustConfig

from app.test_signing import ACCESS, WORLD, Place, image_of
from imagewright.app.registries import client
from imagewright.app.signing import keygen, sign
from imagewright.app.verifying import verify
from imagewright.attest.bundle import MEDIA_TYPE
from imagewright.attest.signature import PAYLOAD
from imagewright.errors import (
    ConfigurationError,
    FetchError,
    ImagewrightError,
    OfflineError,
    RegistryError,
    UsageError,
)
from imagewright.model.attestations import Signed, SignOptions, TrustOptions, Verified, VerifyOptions
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.references import parse_repository
from imagewright.oci.manifest import Manifest
from support.registry import Registry, run_registry
from support.sigstore_services import ISSUER, Services, run_services

pytestmark = pytest.mark.loopback
TEAM, OTHER = "team@example.org", "https://ci.example/workflow@refs/heads/main"
OFFLINE = replace(WORLD, options=GlobalOptions(offline=True))
ALL = ["signature", "provenance", "spdx"]


@dataclass(frozen=True, slots=True)
class Scene:
    """Services, a registry with an image in it, and files."""

    services: Services
    registry: Registry
    directory: Path
    digest: Digest

    @property
    def reference(self) -> str:
        return f"{self.registry.host}/team/python:1"

    @property
    def pinned(self) -> str:
        return f"{self.registry.host}/team/python@{self.digest}"

    @property
    def bundle(self) -> Path:
        return self.directory / "image.jsonl"

    def sign(self, *, world: object = WORLD, bundle: Path | None = None) -> Signed:
        config = self.directory / "trust.json"
        config.write_text(json.dumps(self.services.trust_config()))
        options = SignOptions(trust_config=config, bundle=bundle)
        return sign(world, self.reference, options, ACCESS)  # type: ignore[arg-type] # a world of either kind

    def trust(self, *identities: str, issuer: str = ISSUER) -> TrustOptions:
        root = self.directory / "root.json"
        root.write_text(json.dumps(self.services.trusted_root()))
        return TrustOptions(identities=identities, issuer=issuer, trusted_root=root)

    def verify(self, *identities: str, issuer: str = ISSUER) -> Verified:
        return verify(WORLD, self.reference, VerifyOptions(self.trust(*identities, issuer=issuer)), ACCESS)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    with run_services() as services, run_registry() as registry:
        place = Place(client(WORLD, parse_repository(f"{registry.host}/team/python"), ACCESS), tmp_path)
        digest = place.push("1", b"layer")
        monkeypatch.setenv("SIGSTORE_ID_TOKEN", services.token(TEAM))
        yield Scene(services, registry, tmp_path, digest)


def words(found: Verified) -> tuple[list[str], list[str]]:
    return [one.what for one in found.verified], [one.what for one in found.failed]


def test_an_identity_signs_and_is_believed(scene: Scene) -> None:
    assert words(scene.verify(TEAM)) == ([], ALL)
    signed = scene.sign()
    assert (signed.key, signed.identity, signed.bundles) == (None, TEAM, 4)
    assert [item.what for item in signed.signed] == ["signature", "signature", "provenance", "spdx"]
    found = scene.verify(TEAM)
    assert words(found) == (ALL, [])
    assert found.verified[0].detail == f"signed by {TEAM}"
    assert words(scene.verify("nobody@example.org", TEAM)) == (ALL, [])
    assert len(scene.services.log.bodies) == 4 + 2, "each image is also signed as cosign 2 does"


@pytest.mark.parametrize(
    ("identity", "issuer"), [("nobody@example.org", ISSUER), (TEAM, "https://elsewhere.example"), (OTHER, ISSUER)]
)
def test_another_identity_or_issuer_is_not_believed(scene: Scene, identity: str, issuer: str) -> None:
    scene.sign()
    found = scene.verify(identity, issuer=issuer)
    assert words(found) == ([], ALL)
    assert "none of 4 bundles holds" in found.failed[0].detail


def test_a_workflow_is_an_identity_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", scene.services.token(OTHER))
    scene.sign()
    assert words(scene.verify(OTHER)) == (ALL, [])


def test_what_other_services_vouch_for_is_not_believed(scene: Scene) -> None:
    """Their certificates look the same but for the keys."""
    scene.sign()
    with run_services() as others:
        assert words(replace(scene, services=others).verify(TEAM)) == ([], ALL)


def as_cosign_2(scene: Scene, change: Callable[[dict[str, str]], None] = lambda marks: None) -> None:
    """Leave nothing but what cosign 2 makes by default: a layer with certificate and promise as annotations."""
    repository = scene.registry.repository("team/python")
    for digest, (kind, content) in list(repository.manifests.items()):
        document = json.loads(content)
        if document.get("artifactType") == MEDIA_TYPE:
            del repository.manifests[digest]
        elif document.get("layers", [{}])[0].get("mediaType") == PAYLOAD:
            change(document["layers"][0]["annotations"])
            new = json.dumps(document).encode()
            repository.manifests[str(Digest.of(new))] = (kind, new)
            tag = next(tag for tag, named in repository.tags.items() if named == digest)
            repository.tags[tag] = str(Digest.of(new))


def test_what_cosign_2_keeps_of_an_identity_is_believed(scene: Scene) -> None:
    scene.sign()
    as_cosign_2(scene)
    found = scene.verify(TEAM)
    assert words(found) == (ALL[:1], ALL[1:]), "it signs the image, and no documents"
    assert found.verified[0].detail == f"signed by {TEAM}"
    other = scene.verify("nobody@example.org")
    assert words(other) == ([], ALL)
    assert other.failed[0].detail == "none of 1 signatures is by nobody@example.org"
    with run_services() as others:
        assert words(replace(scene, services=others).verify(TEAM)) == ([], ALL)


def _spoiled(marks: dict[str, str], how: str) -> None:
    promise = json.loads(marks["dev.sigstore.cosign/bundle"])
    match how:
        case "signature":
            marks["dev.cosignproject.cosign/signature"] = marks["dev.cosignproject.cosign/signature"][::-1]
        case "time":
            promise["Payload"]["integratedTime"] += 3600
        case "promise":
            promise["SignedEntryTimestamp"] = "MEUCIQ" + promise["SignedEntryTimestamp"][6:][::-1]
        case "entry of another signature":
            body = json.loads(base64.b64decode(promise["Payload"]["body"]))
            body["spec"]["data"]["hash"]["value"] = "0" * 64
            promise["Payload"]["body"] = base64.b64encode(json.dumps(body).encode()).decode()
        case "body":
            promise["Payload"]["body"] = "?"
        case "log":
            promise["Payload"]["logID"] = "xyz"
        case "number":
            promise["Payload"]["logIndex"] = -1
        case "no promise":
            del marks["dev.sigstore.cosign/bundle"]
            return
        case "certificate":
            marks["dev.sigstore.cosign/certificate"] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
    marks["dev.sigstore.cosign/bundle"] = json.dumps(promise)


@pytest.mark.parametrize(
    "how",
    ["signature", "time", "promise", "entry of another signature", "body", "log", "number", "no promise",
     "certificate"],
)  # fmt: skip
def test_a_spoiled_signature_of_cosign_2_proves_nothing(scene: Scene, how: str) -> None:
    scene.sign()
    as_cosign_2(scene, lambda marks: _spoiled(marks, how))
    assert words(scene.verify(TEAM)) == ([], ALL)


def test_a_signature_of_cosign_2_holds_for_its_image_alone(scene: Scene) -> None:
    scene.sign()
    as_cosign_2(scene)
    repository = scene.registry.repository("team/python")
    place = Place(client(WORLD, parse_repository(f"{scene.registry.host}/team/python"), ACCESS), scene.directory)
    other = place.push("2", b"another layer")
    (signed,) = [named for tag, named in repository.tags.items() if tag == f"sha256-{scene.digest.hex}.sig"]
    repository.tags[f"sha256-{other.hex}.sig"] = signed
    options = VerifyOptions(scene.trust(TEAM), signature_only=True)
    moved = verify(WORLD, f"{scene.registry.host}/team/python:2", options, ACCESS)
    assert words(moved) == ([], ["signature"])


def test_bundles_are_attached_as_referrers(scene: Scene) -> None:
    scene.sign()
    there = client(WORLD, parse_repository(f"{scene.registry.host}/team/python"), ACCESS)
    (about,) = there.referrers(scene.digest, MEDIA_TYPE)
    assert dict(Manifest.parse(there.get(str(about.digest)).content).annotations) == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
    }
    platform = image_of(b"layer").manifest.digest
    assert len(there.referrers(platform, MEDIA_TYPE)) == 3


def test_a_file_of_bundles_needs_no_registry(scene: Scene) -> None:
    scene.sign(bundle=scene.bundle)
    assert len(scene.bundle.read_bytes().splitlines()) == 4
    options = VerifyOptions(scene.trust(TEAM), scene.bundle)
    assert words(verify(WORLD, scene.reference, options, ACCESS)) == (ALL, [])
    scene.registry.faults = lambda method, path: pytest.fail("the registry was asked")
    assert words(verify(OFFLINE, scene.pinned, options, ACCESS)) == (ALL, [])
    other = scene.pinned.replace(str(scene.digest), str(Digest.of(b"other")))
    assert words(verify(OFFLINE, other, options, ACCESS)) == ([], ALL)
    with pytest.raises(OfflineError):
        verify(OFFLINE, scene.reference, options, ACCESS)


def test_a_key_makes_bundles_too(scene: Scene) -> None:
    keygen(scene.directory / "ours", b"secret")
    keygen(scene.directory / "theirs", b"secret")
    options = SignOptions(scene.directory / "ours.key", b"secret", scene.bundle)
    assert sign(WORLD, scene.reference, options, ACCESS).bundles == 4
    first = scene.bundle.read_bytes()
    sign(WORLD, scene.reference, options, ACCESS)
    assert scene.bundle.read_bytes() == first, "what is there is not signed again"

    def seen(key: str, world: object = OFFLINE) -> tuple[list[str], list[str]]:
        trust = VerifyOptions(TrustOptions(scene.directory / f"{key}.pub"), scene.bundle)
        return words(verify(world, scene.pinned, trust, ACCESS))  # type: ignore[arg-type] # of either kind

    assert seen("ours") == seen("ours", WORLD) == (ALL, [])
    assert seen("theirs") == ([], ALL)
    assert words(verify(OFFLINE, scene.pinned, VerifyOptions(scene.trust(TEAM), scene.bundle), ACCESS)) == (
        [],
        ALL,
    )


def changed(bundle: bytes, how: str) -> bytes:
    """One bundle, spoiled."""
    document = json.loads(bundle)
    material, envelope = document["verificationMaterial"], document["dsseEnvelope"]
    (entry,) = material["tlogEntries"]
    match how:
        case "payload":
            envelope["payload"] = envelope["payload"].replace("e", "f", 1)
        case "signature":
            envelope["signatures"][0]["sig"] = "MEUCIQ" + envelope["signatures"][0]["sig"][6:][::-1]
        case "certificate":
            raw = material["certificate"]["rawBytes"]
            material["certificate"]["rawBytes"] = raw[:400] + ("A" if raw[400] != "A" else "B") + raw[401:]
        case "proof":
            entry["inclusionProof"]["rootHash"] = "A" * 43 + "="
        case "time":
            entry["integratedTime"] = str(int(entry["integratedTime"]) + 3600)
        case "no log":
            material["tlogEntries"] = []
        case "kind":
            document["mediaType"] = "application/json"
        case "nothing":
            document = {}
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "how", ["payload", "signature", "certificate", "proof", "time", "no log", "kind", "nothing"]
)
def test_a_spoiled_bundle_proves_nothing(scene: Scene, how: str) -> None:
    scene.sign(bundle=scene.bundle)
    lines = scene.bundle.read_bytes().splitlines()
    scene.bundle.write_bytes(b"\n".join(changed(line, how) for line in lines))
    options = VerifyOptions(scene.trust(TEAM), scene.bundle)
    found = verify(OFFLINE, scene.pinned, options, ACCESS)
    assert words(found) == ([], ALL)
    assert "none of 4 bundles holds" in found.failed[0].detail


def refusal(action: Callable[[], object], kind: type[ImagewrightError]) -> str:
    with pytest.raises(kind) as caught:
        action()
    return " ".join(caught.value.lines())


def test_offline_nothing_is_signed_without_a_key(scene: Scene) -> None:
    assert "needs Sigstore's services" in refusal(lambda: scene.sign(world=OFFLINE), OfflineError)


def test_without_an_identity_nothing_is_signed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")
    assert "nobody says who signs" in refusal(scene.sign, UsageError)
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", "no token")
    assert "cannot be used" in refusal(scene.sign, UsageError)
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", scene.services.token(TEAM, minutes=-10))
    assert "cannot be used" in refusal(scene.sign, UsageError)
    assert scene.services.log.bodies == []


def test_a_job_of_github_actions_is_who_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its identity is asked for where the job's environment says."""
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{scene.services.url}/github/{quote(OTHER, safe='')}")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")
    assert scene.sign().identity == OTHER
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of another job")
    assert "id-token: write" in refusal(scene.sign, UsageError)


def test_sigstores_own_root_is_used_where_none_is_named(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Offline it is the one that came with the library; one that cannot be brought up to date is said."""
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    scene.sign(bundle=scene.bundle)
    options = VerifyOptions(TrustOptions(identities=(TEAM,), issuer=ISSUER), scene.bundle)
    assert words(verify(OFFLINE, scene.pinned, options, ACCESS)) == ([], ALL)

    def unreachable(offline: bool = False) -> None:
        raise TUFError("Failed to refresh TUF metadata")

    monkeypatch.setattr(ClientTrustConfig, "production", unreachable)
    assert "--offline uses the copy" in refusal(
        lambda: verify(WORLD, scene.reference, options, ACCESS), FetchError
    )
    assert "cannot ask for Sigstore's services" in refusal(
        lambda: sign(WORLD, scene.reference, SignOptions(), ACCESS), FetchError
    )


@pytest.mark.parametrize("service", ["signingCert", "log/entries"])
def test_a_service_that_fails_is_said(scene: Scene, service: str) -> None:
    scene.services.refuse = service
    refusal(scene.sign, RegistryError)
    assert words(scene.verify(TEAM)) == ([], ALL)


def test_a_token_of_somebody_else_gets_no_certificate(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    good = scene.services.token(TEAM)
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", good[: good.rindex(".")] + ".c2lnbmF0dXJl")
    assert "no certificate" in refusal(scene.sign, RegistryError)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"mediaType":"application/vnd.other"}'])
def test_what_is_no_configuration_is_refused(scene: Scene, content: str) -> None:
    path = scene.directory / "other.json"
    path.write_text(content)
    refusal(lambda: sign(WORLD, scene.reference, SignOptions(trust_config=path), ACCESS), ConfigurationError)
    trust = replace(scene.trust(TEAM), trusted_root=path)
    refusal(lambda: verify(WORLD, scene.reference, VerifyOptions(trust), ACCESS), ConfigurationError)


def test_an_image_that_is_in_no_registry_needs_a_file_of_bundles(scene: Scene) -> None:
    options = VerifyOptions(scene.trust(TEAM))
    assert "--bundle" in refusal(lambda: verify(WORLD, "oci:nowhere", options, ACCESS), UsageError)
    missing = replace(options, bundle=scene.directory / "none")
    assert "cannot read the bundles" in refusal(
        lambda: verify(WORLD, scene.reference, missing, ACCESS), ConfigurationError
    )
