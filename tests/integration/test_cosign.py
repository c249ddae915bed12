# SPDX-License-Identifier: Apache-2.0
"""Real cosign and docker buildx read what we attach and sign, in a real registry; and we what cosign signs."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from peers.cosign import PASSWORD, Cosign
from peers.fixtures import QUICK, Workshop
from peers.registries import RealRegistry, real_registry
from support.sigstore_services import ISSUER, Services, run_services

pytestmark = pytest.mark.integration
TEAM = "team@example.org"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def pushed(registry: RealRegistry, workshop: Workshop) -> str:
    """An image with everything that push attaches; the reference."""
    repository = f"{registry.host}/team/python"
    workshop.call("push", *QUICK, repository, "--force")
    return f"{repository}:{QUICK[0]}"


@pytest.fixture(scope="module")
def signed(pushed: str, cosign: Cosign, workshop: Workshop) -> str:
    """The same, signed by a key of ours."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEWRIGHT_KEY_PASSWORD", PASSWORD)
        workshop.call("keygen", cosign.home / "ours")
        answer = workshop.answer("sign", pushed, "--key", cosign.home / "ours.key")
    what = [item["what"] for item in answer["signed"]]
    assert what == ["signature", "signature", "cyclonedx", "provenance", "spdx"]
    return pushed


def test_cosign_verifies_our_signature(signed: str, cosign: Cosign) -> None:
    (claim,) = json.loads(cosign.verify(signed, "ours.pub"))
    assert claim["critical"]["type"] == "cosign container image signature"


@pytest.mark.parametrize("kind", ["slsaprovenance1", "https://spdx.dev/Document", "https://cyclonedx.org/bom"])
def test_cosign_verifies_our_attestations(signed: str, cosign: Cosign, kind: str) -> None:
    assert json.loads(cosign.verify(signed, "ours.pub", "--type", kind).splitlines()[0])["payload"]


def test_we_verify_our_own(signed: str, cosign: Cosign, workshop: Workshop) -> None:
    answer = workshop.answer("verify", signed, "--key", cosign.home / "ours.pub")
    assert [finding["what"] for finding in answer["verified"]] == ["signature", "provenance", "spdx"]
    assert answer["failed"] == []


def test_another_key_is_refused_by_both(signed: str, cosign: Cosign, workshop: Workshop) -> None:
    cosign.call("cosign", "generate-key-pair", "--output-key-prefix", "other")
    assert "no matching signatures" in cosign.verify(signed, "other.pub", expect=1)
    answer = workshop.answer("verify", signed, "--key", cosign.home / "other.pub", expect=8)
    assert answer["verified"] == []
    assert len(answer["failed"]) == 3


def test_we_verify_what_cosign_signed(
    pushed: str, registry: RealRegistry, cosign: Cosign, workshop: Workshop
) -> None:
    copied = f"{registry.host}/team/theirs:1"
    workshop.call("copy", pushed, copied)
    cosign.call("cosign", "generate-key-pair", "--output-key-prefix", "theirs")
    flags = ["--key", "theirs.key", "--tlog-upload=false", "--allow-insecure-registry", "-y"]
    cosign.call("cosign", "sign", *flags, copied)
    answer = workshop.answer("verify", copied, "--key", cosign.home / "theirs.pub", "--signature-only")
    assert answer["failed"] == []
    answer = workshop.answer("verify", copied, "--key", cosign.home / "theirs.pub", expect=8)
    assert [finding["what"] for finding in answer["failed"]] == ["provenance", "spdx"]


def test_cosigns_key_signs_here_and_both_keys_hold(signed: str, cosign: Cosign, workshop: Workshop) -> None:
    cosign.call("cosign", "generate-key-pair", "--output-key-prefix", "second")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSIGN_PASSWORD", PASSWORD)
        workshop.call("sign", signed, "--key", cosign.home / "second.key")
    for key in ("ours.pub", "second.pub"):
        cosign.verify(signed, key)
        cosign.verify(signed, key, "--type", "slsaprovenance1")
        workshop.call("verify", signed, "--key", cosign.home / key)


def test_another_image_under_the_tag_is_refused_by_both(
    signed: str, registry: RealRegistry, cosign: Cosign, workshop: Workshop
) -> None:
    """Somebody puts other content where the signed image was: the signatures are still there, and of no use."""
    repository = f"{registry.host}/team/python"
    workshop.call("push", *QUICK, repository, "--force", "--no-attestations", "--replace")
    assert "no signatures found" in cosign.verify(signed, "ours.pub", expect=1)
    answer = workshop.answer("verify", signed, "--key", cosign.home / "ours.pub", expect=8)
    assert answer["failed"][0]["what"] == "signature"
    workshop.call("push", *QUICK, repository, "--force")
    cosign.verify(signed, "ours.pub")


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    """Sigstore's services of our own; cosign and we believe the same trusted root."""
    with run_services() as running:
        yield running


@pytest.fixture(scope="module")
def as_identity(
    pushed: str, registry: RealRegistry, services: Services, cosign: Cosign, workshop: Workshop
) -> str:
    """The image in another repository, signed without a key; the bundles are in a file too."""
    (cosign.home / "trust.json").write_text(json.dumps(services.trust_config()))
    (cosign.home / "root.json").write_text(json.dumps(services.trusted_root()))
    for name, content in services.files().items():
        (cosign.home / name).write_bytes(content)
    reference = f"{registry.host}/team/keyless:1"
    workshop.call("copy", pushed, reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGSTORE_ID_TOKEN", services.token(TEAM))
        words = (
            "--keyless",
            "--trust-config",
            cosign.home / "trust.json",
            "--bundle",
            cosign.home / "image.jsonl",
        )
        answer = workshop.answer("sign", reference, *words)
    assert (answer["identity"], answer["bundles"]) == (TEAM, 4)
    return reference


IDENTITY = ("--certificate-identity", TEAM, "--certificate-oidc-issuer", ISSUER)


AS_BUNDLE = ("--new-bundle-format", "--trusted-root", "root.json")


def by_identity(cosign: Cosign, command: str, reference: str, *words: str, expect: int = 0) -> str:
    """cosign's answer, by certificate, log and promise; nothing is left out.

    For images, this cosign takes the trusted root from the environment, piece by piece, and not as a file.
    """
    roots = ["SIGSTORE_ROOT_FILE=fulcio.pem", "SIGSTORE_REKOR_PUBLIC_KEY=rekor.pub"]
    roots += ["SIGSTORE_CT_LOG_PUBLIC_KEY_FILE=ctlog.pub"]
    return cosign.call(
        "env", *roots, "cosign", command, "--allow-insecure-registry", *words, reference, expect=expect
    )


def test_cosign_verifies_the_signature_of_an_identity(as_identity: str, cosign: Cosign) -> None:
    (claim,) = json.loads(by_identity(cosign, "verify", as_identity, *IDENTITY))
    assert claim["optional"]["Issuer"] == ISSUER
    other = ("--certificate-identity", "nobody@example.org", *IDENTITY[2:])
    assert "none of the expected identities" in by_identity(cosign, "verify", as_identity, *other, expect=1)


@pytest.mark.parametrize("kind", ["slsaprovenance1", "https://spdx.dev/Document"])
def test_cosign_verifies_the_bundles_of_an_identity(as_identity: str, cosign: Cosign, kind: str) -> None:
    image = platform_of(as_identity, cosign)
    words = (*AS_BUNDLE, "--type", kind)
    said = by_identity(cosign, "verify-attestation", image, *words, *IDENTITY)
    assert json.loads(said.splitlines()[0])["payload"]
    other = ("--certificate-identity", "nobody@example.org", *IDENTITY[2:])
    by_identity(cosign, "verify-attestation", image, *words, *other, expect=1)


def platform_of(reference: str, cosign: Cosign) -> str:
    """The image of this platform in an index, by digest."""
    index = json.loads(cosign.call("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{reference}"))
    (found,) = [one["digest"] for one in index["manifests"] if one["platform"]["architecture"] == "amd64"]
    return f"{reference.rpartition(':')[0]}@{found}"


def test_we_believe_an_identity_also_offline(as_identity: str, cosign: Cosign, workshop: Workshop) -> None:
    who = ("--identity", TEAM, "--issuer", ISSUER, "--trusted-root", cosign.home / "root.json")
    everything = ["signature", "provenance", "spdx"]
    answer = workshop.answer("verify", as_identity, *who)
    assert [finding["what"] for finding in answer["verified"]] == everything
    pinned = f"{as_identity.rpartition(':')[0]}@{answer['digest']}"
    answer = workshop.answer("verify", pinned, *who, "--bundle", cosign.home / "image.jsonl", "--offline")
    assert [finding["what"] for finding in answer["verified"]] == everything
    answer = workshop.answer("verify", as_identity, "--identity", "nobody@example.org", *who[2:], expect=8)
    assert answer["verified"] == []


def test_we_believe_what_cosign_signed_as_an_identity(
    as_identity: str, registry: RealRegistry, services: Services, cosign: Cosign, workshop: Workshop
) -> None:
    """By cosign's default form: a layer with certificate and promise beside it, and no bundle."""
    reference = f"{registry.host}/team/theirs-keyless:1"
    workshop.call("copy", as_identity, reference)
    (cosign.home / "token").write_text(services.token(TEAM))
    run = {"builder": {"id": "https://builder.example"}, "metadata": {"invocationId": "1"}}
    definition = {"buildType": "https://build.example/v1", "externalParameters": {"spec": "3.13"}}
    (cosign.home / "provenance.json").write_text(json.dumps({"buildDefinition": definition, "runDetails": run}))
    flags = ["-y", "--identity-token", "token", "--fulcio-url", services.url, "--rekor-url", services.url]
    by_identity(cosign, "sign", reference, *flags)
    image = platform_of(reference, cosign)
    by_identity(cosign, "attest", image, *flags, "--type", "slsaprovenance1", "--predicate", "provenance.json")
    by_identity(cosign, "verify", reference, *IDENTITY)
    who = ("--identity", TEAM, "--issuer", ISSUER, "--trusted-root", cosign.home / "root.json")
    answer = workshop.answer("verify", reference, *who, expect=8)
    assert [finding["what"] for finding in answer["verified"]] == ["signature", "provenance"]
    assert [finding["what"] for finding in answer["failed"]] == ["spdx"], "cosign made none"
    answer = workshop.answer("verify", reference, "--identity", "nobody@example.org", *who[2:], expect=8)
    assert answer["verified"] == []


def provenance_in(bundles: Path) -> dict[str, Any]:
    """The bundle of the provenance among others."""
    for line in bundles.read_bytes().splitlines():
        document: dict[str, Any] = json.loads(line)
        if b"slsa.dev/provenance" in base64.b64decode(document["dsseEnvelope"]["payload"]):
            return document
    raise AssertionError("there is none")


def offline(cosign: Cosign, image: str, document: dict[str, Any], *words: str, expect: int = 0) -> str:
    """cosign's answer about a bundle in a file and the manifest it is about, without a registry."""
    (cosign.home / "one.json").write_text(json.dumps(document))
    raw = cosign.call("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{image}")
    (cosign.home / "manifest.json").write_bytes(raw.encode())
    flags = ["--new-bundle-format", "--bundle", "one.json", "--type", "slsaprovenance1", *words]
    return cosign.call("cosign", "verify-blob-attestation", *flags, "manifest.json", expect=expect)


def tampered(document: dict[str, Any]) -> dict[str, Any]:
    """One letter of the statement is another; its subject stays."""
    payload = base64.b64decode(document["dsseEnvelope"]["payload"])
    spoiled = payload.replace(b"trixie", b"trixif", 1)
    assert spoiled != payload
    return document | {"dsseEnvelope": document["dsseEnvelope"] | {"payload": base64.b64encode(spoiled).decode()}}


def test_both_believe_the_file_of_an_identity_and_refuse_a_tampered_one(
    as_identity: str, cosign: Cosign, workshop: Workshop
) -> None:
    image = platform_of(as_identity, cosign)
    good = provenance_in(cosign.home / "image.jsonl")
    words = ("--trusted-root", "root.json", *IDENTITY)
    who = ("--identity", TEAM, "--issuer", ISSUER, "--trusted-root", cosign.home / "root.json")
    for document, expect in ((good, 0), (tampered(good), 1)):
        offline(cosign, image, document, *words, expect=expect)
        answer = workshop.answer(
            "verify", image, *who, "--bundle", cosign.home / "one.json", "--offline", expect=8
        )
        found = [finding["what"] for finding in answer["verified"]]
        assert found == (["provenance"] if expect == 0 else []), "the signature is in another bundle"


def test_both_believe_the_file_of_a_key_and_refuse_a_tampered_one(
    pushed: str, as_identity: str, registry: RealRegistry, cosign: Cosign, workshop: Workshop
) -> None:
    """cosign asks for a trusted root even where a key is all that counts: the one of the other test."""
    reference = f"{registry.host}/team/keyed:1"
    workshop.call("copy", pushed, reference)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEWRIGHT_KEY_PASSWORD", PASSWORD)
        workshop.call("keygen", cosign.home / "bundler")
        workshop.call(
            "sign", reference, "--key", cosign.home / "bundler.key", "--bundle", cosign.home / "keyed.jsonl"
        )
    image, good = platform_of(reference, cosign), provenance_in(cosign.home / "keyed.jsonl")
    words = ("--trusted-root", "root.json", "--key", "bundler.pub", "--insecure-ignore-tlog=true")
    by_identity(cosign, "verify-attestation", image, *AS_BUNDLE[:1], "--type", "slsaprovenance1", *words)
    for document, expect in ((good, 0), (tampered(good), 1)):
        offline(cosign, image, document, *words, expect=expect)
        bundle = ("--bundle", cosign.home / "one.json", "--key", cosign.home / "bundler.pub")
        answer = workshop.answer("verify", image, *bundle, "--offline", expect=8)
        assert [finding["what"] for finding in answer["verified"]] == (["provenance"] if expect == 0 else [])


def test_buildx_shows_bill_and_provenance(pushed: str, cosign: Cosign) -> None:
    def shown(word: str) -> dict[str, object]:
        found = cosign.call(
            "docker", "buildx", "imagetools", "inspect", "--format", f"{{{{json .{word}}}}}", pushed
        )
        return dict(json.loads(found))

    bill, provenance = shown("SBOM")["SPDX"], shown("Provenance")["SLSA"]
    assert isinstance(bill, dict)
    assert isinstance(provenance, dict)
    assert {"libc6", "python", "expat", "pip"} <= {package["name"] for package in bill["packages"]}
    assert provenance["buildDefinition"]["externalParameters"]["platform"] == "linux/amd64"


def test_the_image_can_be_built_again_from_its_own_provenance(
    signed: str, cosign: Cosign, workshop: Workshop
) -> None:
    """From cached steps here; test_rebuild.py does all of it anew."""
    answer = workshop.answer("rebuild", signed, "--key", cosign.home / "ours.pub", "--cached")
    assert answer["identical"]
    assert answer["rebuilt_digest"] == answer["digest"]
