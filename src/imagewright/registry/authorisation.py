# SPDX-License-Identifier: Apache-2.0
"""Keeps what proves who we are: one challenge for each server, one token for each server and scope."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from imagewright.model.references import Repository
from imagewright.registry.challenges import (
    Challenge,
    choose,
    parse_challenges,
    parse_token,
    scope_of,
    token_form,
    token_url,
)
from imagewright.registry.credentials import Keychain

TokenExchange = Callable[[str, Mapping[str, str], bytes | None], bytes]
"""Asks a token server: address, headers, form (``None``: GET); gives the body of a good answer."""

_EARLY = 0.2
"""The part of a token's life that is not used: clocks differ, and requests take time."""


@dataclass(frozen=True, slots=True)
class _Kept:
    header: str
    until: float


class Authorisation:
    """Gives the ``Authorization`` header for a request. Safe for threads."""

    def __init__(self, keychain: Keychain, exchange: TokenExchange, monotonic: Callable[[], float]) -> None:
        self._keychain = keychain
        self._exchange = exchange
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._challenges: dict[str, Challenge] = {}
        self._kept: dict[tuple[str, tuple[str, ...]], _Kept] = {}

    def header(self, repository: Repository, actions: tuple[str, ...], also: tuple[str, ...]) -> str:
        """What is known to be needed; "" before the first challenge. Raises ``RegistryError``."""
        with self._guard:
            challenge = self._challenges.get(repository.server)
        return "" if challenge is None else self._prove(repository, challenge, _scopes(repository, actions, also))

    def meet(
        self, repository: Repository, actions: tuple[str, ...], also: tuple[str, ...], header: str, refused: str
    ) -> str:
        """The answer to a challenge after ``refused`` was sent; "" if there is none that could differ."""
        challenge = choose(parse_challenges(header))
        if challenge is None:
            return ""
        scopes = _scopes(repository, actions, also)
        with self._guard:
            self._challenges[repository.server] = challenge
            kept = self._kept.get((repository.server, scopes))
            if kept is not None and kept.header == refused:
                del self._kept[repository.server, scopes]
        proof = self._prove(repository, challenge, scopes)
        return "" if proof == refused else proof

    def _prove(self, repository: Repository, challenge: Challenge, scopes: tuple[str, ...]) -> str:
        key = (repository.server, scopes)
        with self._guard:
            kept = self._kept.get(key)
        if kept is not None and self._monotonic() < kept.until:
            return kept.header
        credential = self._keychain.find(repository)
        if challenge.scheme == "basic":
            return credential.basic
        if credential.identity_token:
            realm = challenge.parameter("realm")
            answer = self._exchange(realm, {}, token_form(challenge, scopes, credential.identity_token))
        else:
            headers = {"Authorization": credential.basic} if credential.basic else {}
            answer = self._exchange(token_url(challenge, scopes, credential.username), headers, None)
        token = parse_token(answer)
        until = self._monotonic() + token.seconds * (1 - _EARLY)
        with self._guard:
            self._kept[key] = _Kept(f"Bearer {token.value}", until)
        return f"Bearer {token.value}"


def _scopes(repository: Repository, actions: tuple[str, ...], also: tuple[str, ...]) -> tuple[str, ...]:
    return (scope_of(repository.name, *actions), *(scope_of(name, "pull") for name in also))
