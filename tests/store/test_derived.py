# SPDX-License-Identifier: Apache-2.0
"""What was made of other things: found again while it is there and its making is the same."""

from __future__ import annotations

from pathlib import Path

from imagewright.model.digest import Digest
from imagewright.store.gc import collect
from imagewright.store.store import Store
from support.fake_store import FakeClock

SOURCE = Digest.of(b"source").hex


def test_found_again_but_by_another_kind_or_revision(tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=FakeClock()) as store:
        assert store.derived("kind", "1 a").get(SOURCE) is None
        made = store.blobs.put([b"made"])
        store.derived("kind", "1 a").put(SOURCE, made)
    with Store.open(tmp_path, clock=FakeClock()) as store:
        assert store.derived("kind", "1 a").get(SOURCE) == made
        assert store.derived("kind", "1 b").get(SOURCE) is None
        assert store.derived("other", "1 a").get(SOURCE) is None
        store.derived("kind", "1 b").put(SOURCE, other := store.blobs.put([b"other"]))
        assert store.derived("kind", "1 b").get(SOURCE) == other
        assert store.derived("kind", "1 a").get(SOURCE) is None


def test_what_is_collected_is_forgotten(tmp_path: Path) -> None:
    with Store.open(tmp_path, clock=FakeClock(), exclusive=True) as store:
        tables = store.derived("kind", "1")
        tables.put(SOURCE, made := store.blobs.put([b"made"]))
        store.facts("others").put(SOURCE, "1 no digest at all")
        collect(store)
        assert tables.get(SOURCE) is not None
        store.blobs.remove(made)
        assert tables.get(SOURCE) is None
        collect(store)
        assert store.facts("derived kind").all() == {}
        assert store.facts("others").all() == {SOURCE: "1 no digest at all"}
