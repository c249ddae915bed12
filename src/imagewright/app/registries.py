# SPDX-License-Identifier: Apache-2.0
"""Registries as this machine knows them: credentials from their usual places, certificates, time."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright import __version__
from imagewright.app.proxies import more_authorities, proxies_of
from imagewright.errors import OfflineError, UsageError
from imagewright.model.references import (
    ArchiveReference,
    LayoutReference,
    Reference,
    RegistryReference,
    Repository,
    parse_reference,
    parse_repository,
)
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.source import ImageSource
from imagewright.registry.client import RepositoryClient
from imagewright.registry.source import RegistrySource
from imagewright.registry.transport import RegistryOptions, Transport

if TYPE_CHECKING:
    from imagewright.app.world import World
    from imagewright.registry.credentials import Keychain

_CERTIFICATES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))


def read_reference(text: str) -> Reference:
    """A REF as it was said. Raises :class:`UsageError`."""
    try:
        return parse_reference(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:120]!r} is not a REF",
            why=str(error),
            hint="for example registry.example/team/python:3.13, oci:DIR, docker-archive:FILE or store:SPEC",
        ) from None


def registry_reference(text: str) -> RegistryReference:
    """A REF that must be in a registry. Raises :class:`UsageError`."""
    found = read_reference(text)
    if not isinstance(found, RegistryReference):
        raise UsageError(f"{text} is not in a registry", hint="for example registry.example/team/python:3.13")
    return found


def repository(text: str) -> Repository:
    """A repository as it was said. Raises :class:`UsageError`."""
    try:
        return parse_repository(text)
    except ValueError as error:
        raise UsageError(
            f"{text[:120]!r} is not a repository", why=str(error), hint="for example registry.example/team/python"
        ) from None


def client(
    world: World, where: Repository, access: RegistryAccess, *, patience: RegistryOptions | None = None
) -> RepositoryClient:
    """A client of one repository, as patient as said. Raises :class:`OfflineError` without a network."""
    if world.options.offline:
        raise OfflineError(f"{where} is on the network, and --offline was said", hint="leave --offline out")
    more = more_authorities(world)
    options = replace(
        patience or RegistryOptions(),
        authorities=(*map(str, access.authorities), *((more,) if more else ()), *_certificates(where)),
        plain=(where.registry,) if access.plain else (),
        proxies=proxies_of(world),
        user_agent=f"imagewright/{__version__}",
    )
    transport = Transport(
        options, _keychain, sleep=time.sleep, jitter=random.random, monotonic=world.clock.monotonic
    )
    return RepositoryClient(transport, where)


def outside_source(world: World, reference: Reference, access: RegistryAccess) -> ImageSource:
    """An image that is not in the store. Raises :class:`UsageError` for one that is."""
    match reference:
        case RegistryReference():
            return RegistrySource(client(world, reference.repository, access), reference)
        case LayoutReference():
            from imagewright.oci.layout_source import LayoutDirectory, LayoutSource

            return LayoutSource(LayoutDirectory(Path(reference.path)), reference.name)
        case ArchiveReference():
            from imagewright.oci.archive_source import ArchiveSource

            return ArchiveSource(Path(reference.path), reference.name)
        case _:
            raise UsageError(f"{reference} is in the store")


def _certificates(where: Repository) -> Iterator[str]:
    """What Docker and Podman trust for this registry (Docker, "Verify repository client with certificates")."""
    for directory in _CERTIFICATES:
        yield from sorted(str(path) for path in (directory / where.server).glob("*.crt"))


def _keychain() -> Keychain:
    from imagewright.app.credentials import keychain

    return keychain()
