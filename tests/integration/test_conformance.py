# SPDX-License-Identifier: Apache-2.0
"""The same points of the specification's conformance tests, with Debian's docker-registry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from imagewright.model.references import parse_repository
from imagewright.registry.client import RepositoryClient
from imagewright.registry.credentials import Keychain
from imagewright.registry.transport import RegistryOptions, Transport
from peers.registries import RealRegistry, real_registry
from support.registry_contract import RegistryContract, There

pytestmark = pytest.mark.integration
_NUMBERS = count()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    directory: Path = tmp_path_factory.mktemp("registry")
    with real_registry(directory) as running:
        yield running


@pytest.fixture
def there(registry: RealRegistry) -> There:
    """Repositories of this test's own."""
    place = f"{registry.host}/t{next(_NUMBERS)}"

    def client(name: str, chunk: int = 1 << 20) -> RepositoryClient:
        transport = Transport(
            RegistryOptions(chunk=chunk, read_timeout=10),
            Keychain,
            sleep=lambda _: None,
            jitter=lambda: 0.5,
            monotonic=lambda: 0.0,
        )
        return RepositoryClient(transport, parse_repository(f"{place}/{name}"))

    return client


class TestDockerRegistry(RegistryContract):
    """Version 2, which has no referrers API: the tag scheme stands in for it."""
