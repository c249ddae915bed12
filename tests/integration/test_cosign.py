# SPDX-License-Identifier: Apache-2.0
"""Real cosign and docker buildx read what we attach and sign, in a real registry; and we what cosign signs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.fixtures import QUICK, Workshop
from peers.programs import HERE, output, peers_directory
from peers.registries import RealRegistry, real_registry
from support.machine import need_root, program

pytestmark = pytest.mark.integration
PASSWORD = "secret"


@dataclass(frozen=True, slots=True)
class Cosign:
    """cosign in the root that tests/peers makes; ``home`` is a directory both of us see."""

    root: Path
    home: Path

    def call(self, *words: str, expect: int = 0) -> str:
        inside = f"/{self.home.relative_to(self.root)}"
        environment = [f"HOME={inside}", f"COSIGN_PASSWORD={PASSWORD}", "PATH=/usr/bin:/bin"]
        ended = subprocess.run(
            [
                "chroot",
                self.root,
                "/usr/bin/env",
                "-i",
                *environment,
                "sh",
                "-c",
                f'cd {inside} && "$@"',
                "-",
                *words,
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (ended.returncode == 0) == (expect == 0), ended.stderr
        return ended.stdout if expect == 0 else ended.stderr

    def verify(self, reference: str, key: str, *words: str, expect: int = 0) -> str:
        command = "verify-attestation" if words else "verify"
        flags = ["--key", key, "--insecure-ignore-tlog=true", "--allow-insecure-registry"]
        return self.call("cosign", command, *flags, *words, reference, expect=expect)


@pytest.fixture(scope="module")
def cosign() -> Iterator[Cosign]:
    need_root()
    program("mmdebstrap", "mmdebstrap")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    home = root / "tmp" / "imagewright-cosign"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    yield Cosign(root, home)
    shutil.rmtree(home)


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
    """From cached steps here: that an empty store gives the same digest is tested elsewhere."""
    answer = workshop.answer("rebuild", signed, "--key", cosign.home / "ours.pub")
    assert answer["identical"]
    assert answer["rebuilt_digest"] == answer["digest"]
