# SPDX-License-Identifier: Apache-2.0
"""The client with a registry that does what the specification says, and what the specification lets it do."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from imagewright.errors import RegistryError
from imagewright.registry.untagging import delete_tag
from imagewright.registry.upload import Uploader, Way
from registry.test_push_and_pull import Pauses, client_of
from support.registry import Fault, Registry, run_registry
from support.registry_contract import CHUNK, RegistryContract, There, blob_of, image

pytestmark = pytest.mark.loopback


@pytest.fixture(params=["referrers", "fall-back"])
def registry(request: pytest.FixtureRequest) -> Iterator[Registry]:
    with run_registry(referrers=request.param == "referrers", page=3) as running:
        yield running


@pytest.fixture
def there(registry: Registry) -> There:
    return lambda name, chunk=1 << 20: client_of(registry, Pauses(), name, chunk)


class TestRegistry(RegistryContract):
    """Pages of three tags; with a referrers API, and without."""

    def test_push_chunks_out_of_order(self, registry: Registry, there: There) -> None:
        """PATCH with another chunk than the one that is wanted: 416 and the progress, from where it goes on."""
        refused = []

        def forget(method: str, path: str) -> Fault | None:
            if method == "PATCH" and len(refused) == 0:
                (number,) = registry.uploads
                if len(registry.uploads[number]) == 2 * CHUNK:
                    registry.uploads[number] = registry.uploads[number][: CHUNK // 2]
                    refused.append(path)
            return None

        registry.faults = forget
        client, content = there("push/order", chunk=CHUNK), random.Random(7).randbytes(5 * CHUNK)
        assert Uploader(client).send(blob_of(content)) is Way.UPLOADED
        assert refused
        assert registry.repository("push/order").blobs[str(blob_of(content).digest)] == content

    def test_push_asks_a_stale_session_how_far_it_came(self, registry: Registry, there: There) -> None:
        """GET of an upload: 204 and the progress; what is there is not sent again."""
        left = [Fault(lose=True)]
        registry.faults = lambda method, path: left.pop() if left and method == "PATCH" else None
        client, content = there("push/stale", chunk=CHUNK), random.Random(8).randbytes(3 * CHUNK)
        assert Uploader(client).send(blob_of(content)) is Way.UPLOADED
        assert [line.partition(" ")[0] for line in registry.asked].count("PATCH") == 3
        assert any(line.startswith("GET /v2/push/stale/blobs/uploads/") for line in registry.asked)

    def test_manage_where_deletion_is_not_offered(self, registry: Registry, there: There) -> None:
        """DELETE: 405, of a tag alone or of everything; what cannot be done is told, and nothing has changed."""
        client = there("manage/nothing")
        document = image(client, "stays")
        client.put("one", document)
        registry.faults = lambda method, path: (
            Fault(status=405) if method == "DELETE" and "sha256:" not in path else None
        )
        assert delete_tag(client, "one")
        assert client.find("one") is None
        client.put("one", document)
        registry.faults = lambda method, path: Fault(status=405) if method == "DELETE" else None
        for delete in (
            lambda: client.delete_manifest(str(document.digest)),
            lambda: client.delete_blob(blob_of(b"layer").digest),
        ):
            with pytest.raises(RegistryError, match="405"):
                delete()
        assert client.get("one") == document
