# SPDX-License-Identifier: Apache-2.0
"""The release manager's signature on a source archive of CPython (up to 3.13; PEP 761).

What a source is, its pinned SHA-256 says, always. The signature is a second witness where one is to be had:
one that can be fetched and does not hold is fatal; one that cannot be fetched, or cannot be judged because our
copy of the certificate expired before it was made, is reported. So whoever keeps a signature from us gains
nothing: the digest holds without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from imagewright.archives.keyring import Keyring
from imagewright.archives.mirrors import Mirrors
from imagewright.archives.openpgp import MAXIMUM_SIGNATURE, UnjudgedError, verify_detached
from imagewright.errors import FetchError
from imagewright.events import Note, Sink, Warned
from imagewright.model.lock import LockedSource
from imagewright.model.ports import BlobStore, Fetcher


class Witness(StrEnum):
    """What became of the second witness."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    NO_CERTIFICATE = "no-certificate"
    NOT_FOUND = "not-found"
    UNJUDGED = "unjudged"


class Memory(Protocol):
    """Remembers small texts between runs."""

    def get(self, name: str) -> str | None:
        """The text kept under ``name``."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep ``value`` under ``name``."""
        ...


def check_source(
    source: LockedSource,
    *,
    mirrors: Mirrors,
    blobs: BlobStore,
    fetcher: Fetcher,
    keyring: Keyring,
    memory: Memory,
    sink: Sink,
) -> Witness:
    """Check the signature of a source that is in the store already, and tell ``sink`` where there is none.

    A good signature is remembered, so that it is fetched once. Raises ``VerificationError`` for a signature that
    does not hold, and ``KeyError`` if the source is not in the store.
    """
    if not source.fingerprint or not source.signature_urls:
        return Witness.UNSIGNED
    if memory.get(str(source.sha256)) == source.fingerprint:
        return Witness.SIGNED
    certificate = keyring.certificate(source.fingerprint)
    if certificate is None:
        sink(Note(f"{source.filename} is known by its SHA-256 alone: no certificate {source.fingerprint} is here"))
        return Witness.NO_CERTIFICATE
    urls = tuple(url for template in source.signature_urls for url in mirrors.resolve(template))
    signature = _fetch(urls, fetcher)
    if signature is None:
        sink(Note(f"{source.filename} is known by its SHA-256 alone: its signature is not to be had"))
        return Witness.NOT_FOUND
    try:
        verify_detached(blobs.path(source.sha256), signature, (certificate,), subject=source.filename)
    except UnjudgedError as error:
        sink(Warned(f"{source.filename} is known by its SHA-256 alone: {error.message} ({error.why})"))
        return Witness.UNJUDGED
    memory.put(str(source.sha256), source.fingerprint)
    return Witness.SIGNED


def _fetch(urls: Sequence[str], fetcher: Fetcher) -> bytes | None:
    """The signature from the first address that has it. ``VerificationError`` for one that is absurdly large."""
    for url in urls:
        try:
            return b"".join(fetcher.stream(url, maximum=MAXIMUM_SIGNATURE))
        except FetchError:
            continue
    return None
