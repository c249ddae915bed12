# SPDX-License-Identifier: Apache-2.0
"""Registries as this machine knows them: credentials from their usual places, certificates, time."""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from imagewright import __version__
from imagewright.app.proxies import more_authorities, proxies_of
from imagewright.app.world import World
from imagewright.errors import ConfigurationError, OfflineError, UsageError
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
from imagewright.registry.credentials import AuthFile, Keychain, from_environment, read_auth_file
from imagewright.registry.source import RegistrySource
from imagewright.registry.transport import RegistryOptions, Transport

_CERTIFICATES = (Path("/etc/docker/certs.d"), Path("/etc/containers/certs.d"))
_LARGEST_FILE = 1 << 20
_HELPER_SECONDS = 60


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
    keychain = Keychain(files=tuple(_auth_files()), explicit=from_environment(os.environ), ask=_ask_helper)
    transport = Transport(
        options, keychain, sleep=time.sleep, jitter=random.random, monotonic=world.clock.monotonic
    )
    return RepositoryClient(transport, where)


def outside_source(world: World, reference: Reference, access: RegistryAccess) -> ImageSource:
    """An image that is not in the store. Raises :class:`UsageError` for one that is."""
    match reference:
        case RegistryReference():
            return RegistrySource(client(world, reference.repository, access), reference)
        case LayoutReference():
            from imagewright.oci.layout import LayoutDirectory
            from imagewright.oci.source import LayoutSource

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


def _auth_files() -> Iterator[AuthFile]:
    home = Path(os.environ.get("HOME") or "/")
    docker = Path(os.environ.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    places = [Path(os.environ["REGISTRY_AUTH_FILE"])] if os.environ.get("REGISTRY_AUTH_FILE") else []
    places += [Path(runtime) / "containers/auth.json"] if runtime else []
    places += [home / ".config/containers/auth.json", docker]
    for path in places:
        try:
            with path.open("rb") as file:
                content = file.read(_LARGEST_FILE)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigurationError(f"cannot read the credentials in {path}", why=str(error)) from None
        yield read_auth_file(content, str(path))


def _ask_helper(name: str, server: str) -> bytes:
    """``docker-credential-NAME get`` (docker-credential-helpers, "Development")."""
    program = f"docker-credential-{name}"
    try:
        ended = subprocess.run(
            [program, "get"], input=server.encode(), capture_output=True, timeout=_HELPER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(
            f"cannot ask {program} for credentials", why=str(error), hint="Docker's config.json names it"
        ) from None
    return ended.stdout if ended.returncode == 0 else b""
