# SPDX-License-Identifier: Apache-2.0
"""Who we are to a registry: Docker's ``config.json``, Podman's ``auth.json``, credential helpers, environment.

Formats: docker/cli, "docker login" (credential stores, credential helpers); containers/image,
containers-auth.json(5). Reading a document is pure; asking a helper is an adapter's business.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from imagewright.errors import ConfigurationError, RegistryError, VerificationError
from imagewright.model.references import DOCKER_HUB, Repository
from imagewright.oci.reading import Node, parse

USERNAME_VARIABLE = "IMAGEWRIGHT_REGISTRY_USERNAME"
PASSWORD_VARIABLE = "IMAGEWRIGHT_REGISTRY_PASSWORD"  # noqa: S105 - the variable's name

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")
_TOKEN_USER = "<token>"  # noqa: S105 - docker-credential-helpers: the secret is an identity token

HelperCall = Callable[[str, str], bytes]
"""Asks ``docker-credential-NAME get`` for a server; gives its answer, empty where it knows nothing."""


@dataclass(frozen=True, slots=True)
class Credential:
    """Name and password, or an identity token that a token server trades for access."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """The value of a Basic ``Authorization`` header (RFC 7617); "" without a name."""
        if not self.username:
            return ""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode("ascii")


ANONYMOUS = Credential()


@dataclass(frozen=True, slots=True)
class AuthFile:
    """One document of credentials: by server (or ``server/namespace``), and the helpers that know more."""

    credentials: Mapping[str, Credential]
    helpers: Mapping[str, str]
    store: str = ""


def read_auth_file(content: bytes, path: str) -> AuthFile:
    """Read ``config.json`` or ``auth.json``. Raises :class:`ConfigurationError`."""
    try:
        node = parse(content, "credentials file")
        auths = node.field("auths")
        credentials = {key: _entry(auths.field(key)) for key in auths.names()}
        helpers = dict(node.field("credHelpers").mapping())
        store = node.field("credsStore").text("")
    except VerificationError as error:
        raise ConfigurationError(f"cannot read the credentials in {path}", why=error.message) from None
    return AuthFile(credentials, helpers, store)


@dataclass(frozen=True, slots=True)
class Keychain:
    """Answers who we are. ``explicit`` (flags, environment) comes before the files, earlier files before later."""

    files: Sequence[AuthFile] = ()
    explicit: Credential = ANONYMOUS
    ask: HelperCall | None = None

    def find(self, repository: Repository) -> Credential:
        """The credential for a repository; anonymous where nobody knows one. Raises :class:`RegistryError`."""
        if self.explicit != ANONYMOUS:
            return self.explicit
        for file in self.files:
            found = self._in_file(file, repository)
            if found != ANONYMOUS:
                return found
        return ANONYMOUS

    def _in_file(self, file: AuthFile, repository: Repository) -> Credential:
        keys = _keys_for(repository)
        helper = next((file.helpers[key] for key in keys if key in file.helpers), file.store)
        if helper and self.ask is not None:
            server = _HUB_KEYS[0] if repository.registry == DOCKER_HUB else repository.registry
            found = parse_helper_answer(self.ask(helper, server), helper)
            if found != ANONYMOUS:
                return found
        return next((file.credentials[key] for key in keys if key in file.credentials), ANONYMOUS)


def from_environment(environment: Mapping[str, str]) -> Credential:
    """The credential that the environment holds, if it holds one."""
    name = environment.get(USERNAME_VARIABLE, "")
    return Credential(name, environment.get(PASSWORD_VARIABLE, "")) if name else ANONYMOUS


def parse_helper_answer(content: bytes, helper: str) -> Credential:
    """What a credential helper printed. Raises :class:`RegistryError` for what makes no sense."""
    if not content.strip():
        return ANONYMOUS
    try:
        document = json.loads(content)
        name, secret = str(document["Username"]), str(document["Secret"])
    except (ValueError, TypeError, KeyError):
        raise RegistryError(
            f"the credential helper docker-credential-{helper} answered what it should not",
            hint="log in again, or take it out of Docker's config.json",
        ) from None
    return Credential(identity_token=secret) if name == _TOKEN_USER else Credential(name, secret)


def _keys_for(repository: Repository) -> tuple[str, ...]:
    """The most special first: ``server/team/python``, ``server/team``, ``server``, then old forms of it."""
    if repository.registry == DOCKER_HUB:
        return _HUB_KEYS
    words = repository.name.split("/")
    paths = [f"{repository.registry}/{'/'.join(words[:count])}" for count in range(len(words), 0, -1)]
    server = repository.registry
    return (
        *paths,
        server,
        f"https://{server}",
        f"https://{server}/v1/",
        f"https://{server}/v2/",
        f"http://{server}",
    )


def _entry(node: Node) -> Credential:
    if node.missing:
        return ANONYMOUS
    token = node.field("identitytoken").text("")
    name, secret = node.field("username").text(""), node.field("password").text("")
    packed = node.field("auth").text("")
    if packed and not name:
        try:
            name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            node.field("auth").refuse("not base64 of name:password")
    return Credential(name, secret.rstrip("\0"), token)
