# SPDX-License-Identifier: Apache-2.0
"""Words of attest, keygen, sign and verify, and what a person or a script reads."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.attestations import DocumentKind, RebuildOptions, SignOptions, TrustOptions, VerifyOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.pushing import PushOptions
from imagewright.model.transfers import RegistryAccess
from support.fake_application import FakeApplication
from support.fake_transfers import INDEX, UNVERIFIED, WHERE

REF = f"{WHERE}:3.13"
Call = Callable[..., int]


@pytest.fixture
def application() -> FakeApplication:
    return FakeApplication()


@pytest.fixture
def call(application: FakeApplication) -> Call:
    def imagewright(*words: str) -> int:
        return run(words, {}, make=application.make, clock=lambda: 0.0)

    return imagewright


def test_attest_says_what_was_attached(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("attest", REF, "--plain-http") == 0
    assert application.asked[1:] == [("attest", REF, RegistryAccess(plain=True))]
    assert "linux/amd64: spdx, cyclonedx, provenance; 113 components" in capsys.readouterr().out


def test_a_document_is_printed_as_it_is(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("attest", "store:3.13", "--show", "spdx") == 0
    assert application.asked[1:] == [("show", "store:3.13", DocumentKind.SPDX, RegistryAccess())]
    assert json.loads(capsys.readouterr().out) == {"spdxVersion": "SPDX-2.3"}
    assert call("attest", "store:3.13", "--show", "other") == 2


def test_push_may_leave_documents_out(call: Call, application: FakeApplication) -> None:
    assert call("push", "3.13", WHERE, "--no-attestations") == 0
    assert application.asked[1:] == [("push", ("3.13",), WHERE, PushOptions(attestations=False))]


def test_sign_takes_the_password_from_the_environment(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("sign", REF, "--key", "team.key") == 0
    assert application.asked[-1] == ("sign", REF, SignOptions(Path("team.key"), b"secret"), RegistryAccess())
    assert "signed: spdx linux/amd64" in capsys.readouterr().out


def test_without_password_and_terminal_nothing_is_signed(
    call: Call,
    application: FakeApplication,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application.password = None
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert call("sign", REF, "--key", "team.key") == 2
    assert "IMAGEWRIGHT_KEY_PASSWORD" in capsys.readouterr().err


def test_keygen_names_both_files(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("keygen", "team") == 0
    said = capsys.readouterr().out
    assert "team.key" in said
    assert "team.pub" in said


def test_verify_ends_with_8_unless_all_is_proven(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("verify", REF, "--key", "team.pub", "-q") == 0
    assert capsys.readouterr().out == f"{INDEX}\n"
    application.verified = UNVERIFIED
    assert call("verify", REF, "--key", "team.pub", "--signature-only", "--json") == 8
    assert application.asked[-1] == (
        "verify",
        REF,
        VerifyOptions(TrustOptions(Path("team.pub")), signature_only=True),
        RegistryAccess(),
    )
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verified"], len(answer["failed"])) == ([], 1)
    assert call("verify", REF, "--key", "team.pub") == 8
    assert "NOT provenance linux/amd64: there is none" in capsys.readouterr().out


def test_who_is_believed_must_be_said(call: Call, application: FakeApplication) -> None:
    assert call("verify", REF) == 2
    assert call("verify", REF, "--identity", "me@example.org") == 2
    assert call("verify", REF, "--issuer", "https://a.example") == 2
    assert call("verify", REF, "--key", "k", "--identity", "me@example.org", "--issuer", "https://a.example") == 2
    words = ("--identity", "me@example.org", "--identity", "you", "--issuer", "https://a.example")
    assert call("verify", REF, *words, "--trusted-root", "root.json", "--bundle", "image.jsonl") == 0
    trust = TrustOptions(None, ("me@example.org", "you"), "https://a.example", Path("root.json"))
    options = VerifyOptions(trust, Path("image.jsonl"))
    assert application.asked[-1] == ("verify", REF, options, RegistryAccess())
    assert call("rebuild", REF, *words) == 0
    assert application.asked[-1] == ("rebuild", REF, RebuildOptions(trust=replace(trust, trusted_root=None)))


def test_it_is_signed_with_a_key_or_without(
    call: Call, application: FakeApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert call("sign", REF) == 2
    assert call("sign", REF, "--key", "team.key", "--keyless") == 2
    assert call("sign", REF, "--key", "team.key", "--trust-config", "trust.json") == 2
    assert call("sign", REF, "--keyless", "--trust-config", "trust.json", "--bundle", "image.jsonl") == 0
    options = SignOptions(bundle=Path("image.jsonl"), trust_config=Path("trust.json"))
    assert application.asked[-1] == ("sign", REF, options, RegistryAccess())


def test_rebuild_ends_with_8_unless_the_digest_is_the_same(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("rebuild", REF, "--platform", "arm64v8", "--key", "team.pub") == 0
    options = RebuildOptions(parse_platform("arm64v8"), TrustOptions(Path("team.pub")))
    assert application.asked[-1] == ("rebuild", REF, options)
    assert "2 of 6 steps done anew" in capsys.readouterr().out
    application.rebuilt = replace(application.rebuilt, identical=False)
    assert call("rebuild", REF, "--json") == 8
    assert json.loads(capsys.readouterr().out)["identical"] is False
    assert call("rebuild", REF, "--platform", "amd64,arm64v8") == 2
