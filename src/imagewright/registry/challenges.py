# SPDX-License-Identifier: Apache-2.0
"""``WWW-Authenticate`` (RFC 9110, section 11.6.1), and the bearer tokens of registries.

The token protocol is Docker's (distribution/distribution, docs/spec/auth/token.md and oauth.md). Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from imagewright.errors import RegistryError
from imagewright.oci.reading import parse

_LONGEST = 8192
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*({_WORD})(?=\s|,|$)", re.ASCII)
_PARAMETER = re.compile(rf'\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))\s*(?:,|$)', re.ASCII)
_DEFAULT_LIFE = 60
_LONGEST_LIFE = 3600


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in that a server offers: ``scheme`` in lower case, and its parameters by lower-case name."""

    scheme: str
    parameters: tuple[tuple[str, str], ...] = ()

    def parameter(self, name: str) -> str:
        """A parameter's value, "" where there is none."""
        return dict(self.parameters).get(name, "")


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and for how many seconds it holds."""

    value: str
    seconds: int


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """All challenges of a header, in its order. What cannot be read ends the list; it never raises."""
    found: list[Challenge] = []
    rest = header[:_LONGEST]
    while match := _SCHEME.match(rest):
        rest = rest[match.end() :]
        parameters: dict[str, str] = {}
        while parameter := _PARAMETER.match(rest):
            name, quoted, plain = parameter.groups()
            value = plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            parameters.setdefault(name.lower(), value)
            rest = rest[parameter.end() :]
        found.append(Challenge(match[1].lower(), tuple(sorted(parameters.items()))))
        rest = rest.lstrip(" \t,")
    return tuple(found)


def choose(challenges: tuple[Challenge, ...]) -> Challenge | None:
    """The best challenge that we can meet: bearer before basic."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.parameter("realm")):
                return challenge
    return None


def scope_of(repository: str, *actions: str) -> str:
    """``repository:library/python:pull,push``."""
    return f"repository:{repository}:{','.join(sorted(actions))}"


def token_url(challenge: Challenge, scopes: tuple[str, ...], account: str = "") -> str:
    """Where to ask for a token, with GET. Raises :class:`RegistryError` for a realm that is no address."""
    realm = challenge.parameter("realm")
    if urlsplit(realm).scheme not in {"http", "https"} or not urlsplit(realm).hostname:
        raise RegistryError("the registry names no usable token server", why=f"its realm is {realm[:100]!r}")
    words = [("service", challenge.parameter("service")), *(("scope", scope) for scope in scopes)]
    if account:
        words.append(("account", account))
    query = urlencode([(name, value) for name, value in words if value])
    return f"{realm}{'&' if '?' in realm else '?'}{query}"


def token_form(challenge: Challenge, scopes: tuple[str, ...], refresh_token: str) -> bytes:
    """The body of a POST that trades an identity token for an access token (oauth.md)."""
    words = {
        "grant_type": "refresh_token",
        "service": challenge.parameter("service"),
        "client_id": "imagewright",
        "scope": " ".join(scopes),
        "refresh_token": refresh_token,
    }
    return urlencode(words).encode()


def parse_token(content: bytes) -> Token:
    """A token server's answer. Raises ``VerificationError`` for one that makes no sense."""
    node = parse(content, "token server's answer")
    value = node.field("token").text("") or node.field("access_token").text("")
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        node.refuse("it holds no token")
    life = node.field("expires_in")
    return Token(value, _DEFAULT_LIFE if life.missing else min(max(life.number(), 1), _LONGEST_LIFE))
