# SPDX-License-Identifier: Apache-2.0
"""REF as people write it, challenges and credentials as servers and Docker write them."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import ConfigurationError, RegistryError, VerificationError
from imagewright.model.references import (
    ArchiveReference,
    LayoutReference,
    RegistryReference,
    StoreReference,
    parse_reference,
    parse_registry_reference,
    parse_repository,
)
from imagewright.registry.challenges import Challenge, choose, parse_challenges, parse_token, scope_of, token_url
from imagewright.registry.credentials import (
    ANONYMOUS,
    AuthFile,
    Credential,
    Keychain,
    from_environment,
    parse_helper_answer,
    read_auth_file,
)

HEX = "a" * 64


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("python", "docker.io/library/python"),
        ("python:3.13", "docker.io/library/python:3.13"),
        ("team/python:3.13-slim", "docker.io/team/python:3.13-slim"),
        ("docker.io/python", "docker.io/library/python"),
        ("index.docker.io/library/python:3", "docker.io/library/python:3"),
        ("localhost/p", "localhost/p"),
        ("localhost:5000/p", "localhost:5000/p"),
        ("LOCALHOST/p", "LOCALHOST/p"),
        (f"localhost:5000/p@sha256:{HEX}", f"localhost:5000/p@sha256:{HEX}"),
        (f"registry.example/a/b-c/d__e:V1.0@sha256:{HEX}", f"registry.example/a/b-c/d__e:V1.0@sha256:{HEX}"),
        ("[::1]:5000/p:x", "[::1]:5000/p:x"),
        ("docker://quay.example/p:x", "quay.example/p:x"),
    ],
)
def test_names_are_completed_as_docker_does(text: str, whole: str) -> None:
    found = parse_reference(text)
    assert isinstance(found, RegistryReference)
    assert str(found) == whole
    assert parse_reference(whole) == found


@pytest.mark.parametrize(
    "text",
    ["", ":", "python:", "Python", "a//b", "a/", "/a", "a:b:c", "x@sha256:12", "x@md5:1", "a b", "a..b",
     "h:99999/p", "p:" + "t" * 129, "p:-x", "é"],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_reference(text)


def test_other_places_have_their_own_words() -> None:
    assert parse_reference("oci:dir") == LayoutReference("dir")
    assert parse_reference("oci:a/b:3.13") == LayoutReference("a/b", "3.13")
    assert parse_reference("docker-archive:x.tar") == ArchiveReference("x.tar")
    assert parse_reference("oci-archive:/a/x.tar:python:3.13") == ArchiveReference(
        "/a/x.tar", "oci-archive", "python:3.13"
    )
    assert parse_reference("store:3.13-slim") == StoreReference("3.13-slim")
    with pytest.raises(ValueError, match="names nothing"):
        parse_reference("oci:")


def test_a_digest_decides_over_a_tag() -> None:
    found = parse_reference(f"p:tag@sha256:{HEX}")
    assert isinstance(found, RegistryReference)
    assert found.target == f"sha256:{HEX}"
    assert parse_registry_reference("p").target == "latest"


@given(st.text(max_size=200))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    try:
        found = parse_reference(text)
    except ValueError:
        return
    assert parse_reference(str(found)) == found


CHALLENGE = 'Bearer realm="https://auth.example/token?a=b",service="registry",scope="repository:a/b:pull,push"'


def test_challenges_are_read_as_the_specification_writes_them() -> None:
    (bearer,) = parse_challenges(CHALLENGE)
    assert bearer.scheme == "bearer"
    assert bearer.parameter("scope") == "repository:a/b:pull,push"
    both = parse_challenges(f'Basic realm="a \\"quoted\\" one", {CHALLENGE}')
    assert [challenge.scheme for challenge in both] == ["basic", "bearer"]
    assert both[0].parameter("realm") == 'a "quoted" one'
    assert choose(both) == both[1]
    assert choose(parse_challenges("Negotiate")) is None
    assert (
        token_url(bearer, (scope_of("a/b", "push", "pull"),), "me")
        == "https://auth.example/token?a=b&service=registry&scope=repository%3Aa%2Fb%3Apull%2Cpush&account=me"
    )


def test_a_realm_that_is_no_address_is_refused() -> None:
    with pytest.raises(RegistryError, match="no usable token server"):
        token_url(Challenge("bearer", (("realm", "file:///etc/passwd"),)), ())


@given(st.text(max_size=300))
def test_any_header_can_be_read(text: str) -> None:
    for challenge in parse_challenges(text):
        assert challenge.scheme == challenge.scheme.lower()


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b'{"token": "a b"}', b'{"token": "\\n"}', b"no json", b'{"token": 1}']
)
def test_a_token_server_that_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(VerificationError):
        parse_token(body)


def test_tokens_have_a_life() -> None:
    assert parse_token(b'{"access_token": "x"}').seconds == 60
    assert parse_token(b'{"token": "x", "expires_in": 900000}').seconds == 3600


def auth_file(**documents: object) -> AuthFile:
    return read_auth_file(json.dumps(documents).encode(), "config.json")


def packed(name: str, secret: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{name}:{secret}".encode()).decode()}


def test_the_most_special_credential_counts() -> None:
    file = auth_file(
        auths={
            "registry.example": packed("host", "1"),
            "registry.example/team": packed("team", "2"),
            "https://index.docker.io/v1/": packed("hub", "3"),
            "other.example": {"identitytoken": "long"},
        }
    )
    keychain = Keychain(files=[file])
    assert keychain.find(parse_repository("registry.example/x")) == Credential("host", "1")
    assert keychain.find(parse_repository("registry.example/team/python")) == Credential("team", "2")
    assert keychain.find(parse_repository("python")) == Credential("hub", "3")
    assert keychain.find(parse_repository("other.example/x")) == Credential(identity_token="long")
    assert keychain.find(parse_repository("unknown.example/x")) == ANONYMOUS
    assert Keychain(files=[file], explicit=Credential("me", "x")).find(parse_repository("python")).username == "me"


def test_a_helper_is_asked_first_and_an_entry_serves_where_it_knows_nothing() -> None:
    asked: list[tuple[str, str]] = []

    def ask(helper: str, server: str) -> bytes:
        asked.append((helper, server))
        return b'{"Username": "<token>", "Secret": "s"}' if helper == "special" else b""

    file = auth_file(
        credHelpers={"registry.example": "special"}, credsStore="desktop", auths={"b.example": packed("b", "4")}
    )
    keychain = Keychain(files=[file], ask=ask)
    assert keychain.find(parse_repository("registry.example/x")) == Credential(identity_token="s")
    assert keychain.find(parse_repository("b.example/x")) == Credential("b", "4")
    assert asked == [("special", "registry.example"), ("desktop", "b.example")]
    with pytest.raises(RegistryError, match="docker-credential-x"):
        parse_helper_answer(b"panic", "x")


def test_secrets_are_not_shown() -> None:
    assert "hush" not in repr(Credential("me", "hush", "hush"))


@pytest.mark.parametrize(
    "text", ["[]", '{"auths": []}', '{"auths": {"a": {"auth": "%%"}}}', "{", '{"auths": {"a": 1}}']
)
def test_a_broken_credentials_file_says_where(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"config\.json"):
        read_auth_file(text.encode(), "config.json")


def test_the_environment_may_hold_a_credential() -> None:
    assert from_environment({}) == ANONYMOUS
    found = from_environment({"IMAGEWRIGHT_REGISTRY_USERNAME": "a", "IMAGEWRIGHT_REGISTRY_PASSWORD": "b"})
    assert found == Credential("a", "b")
