# SPDX-License-Identifier: Apache-2.0
"""Layers of a store are read once, and a damaged one leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.app.tables import layer_contents
from imagewright.errors import VerificationError
from imagewright.oci.descriptor import MANIFEST, Descriptor
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import StoredSource
from imagewright.store.store import Store
from support.catalogue import Words, put_image
from support.contents import base, table
from support.fake_store import FakeClock


class Counted(StoredSource):
    """An image of a store that counts how often a blob was begun."""

    begun = 0

    def pieces(self, descriptor: Descriptor) -> Iterator[bytes]:
        """See :class:`ImageSource`."""
        self.begun += 1
        yield from super().pieces(descriptor)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", clock=FakeClock())


@pytest.fixture
def layer(store: Store) -> Descriptor:
    digest = put_image(store, [base()], Words("3.13.0-bookworm", ()))
    return Manifest.parse(store.blobs.read(digest, limit=1 << 20)).layers[0]


def source(store: Store) -> Counted:
    return Counted(store.blobs, Descriptor(MANIFEST, store.images.all()[0].manifest, 1))


def test_a_layer_is_read_once(store: Store, layer: Descriptor) -> None:
    read = source(store)
    once = list(layer_contents(store, read, layer))
    again = list(layer_contents(store, read, layer))
    assert read.begun == 1
    assert once == again
    assert {one.entry.path: (one.digest, one.content) for one in once} == {
        one.entry.path: (one.digest, one.content) for one in table(base())
    }


def test_a_damaged_table_is_refused(store: Store, layer: Descriptor) -> None:
    before = {digest for digest, _ in store.blobs.all()}
    assert list(layer_contents(store, source(store), layer))
    ((table, _),) = [(digest, found) for digest, found in store.blobs.all() if digest not in before]
    path = store.layout.blob(table)
    whole = path.read_bytes()
    path.chmod(0o644)
    for damaged in (whole[:-1], b"", bytes([whole[0] ^ 1, *whole[1:]])):
        path.write_bytes(damaged)
        with pytest.raises(VerificationError, match="damaged"):
            list(layer_contents(store, source(store), layer))


def test_a_damaged_layer_is_refused_and_not_remembered(store: Store, layer: Descriptor) -> None:
    path = store.layout.blob(layer.digest)
    whole = path.read_bytes()
    path.chmod(0o644)
    for damaged in (whole[:-1], whole + b"\0", bytes([*whole[:-9], whole[-9] ^ 1, *whole[-8:]])):
        path.write_bytes(damaged)
        with pytest.raises(VerificationError):
            list(layer_contents(store, source(store), layer))
    path.write_bytes(whole)
    read = source(store)
    assert list(layer_contents(store, read, layer))
    assert read.begun == 1
