# SPDX-License-Identifier: Apache-2.0
"""Names in the store's index: dated tags stay where they are, everything else moves on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.naming import remember
from imagewright.app.world import SystemClock, World
from imagewright.errors import ImmutableTagError
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.results import BuiltImage
from imagewright.store.store import Store

TAGS = ("3.13.15-slim-trixie", "3.13-slim", "3.13.15-final")
NOON = 1_795_176_000  # 2026-11-20 12:00 UTC
DATED = "3.13.15-slim-trixie-20261120"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", clock=SystemClock()) as opened:
        yield opened


def world(tmp_path: Path, text: str) -> World:
    path = tmp_path / "imagewright.toml"
    path.write_text(text)
    return World(GlobalOptions(config=path), SystemClock(), 0o022)


def image(store: Store, content: bytes, *, created: int = NOON, platform: str = "linux/amd64") -> BuiltImage:
    digest = store.blobs.put([content])
    return BuiltImage(
        spec="3.13-slim",
        image=TAGS[0],
        platform=platform,
        digest=digest,
        config_digest=digest,
        size=1,
        layers=(),
        tags=TAGS,
        steps=(),
        created=created,
    )


def index(store: Store) -> dict[str, str]:
    document = json.loads((store.layout.root / "index.json").read_text())
    return {
        item["annotations"]["org.opencontainers.image.ref.name"]: item["digest"] for item in document["manifests"]
    }


def found(store: Store, word: str) -> list[Digest]:
    return [one.manifest for one in store.images.find(word)]


def test_without_dates_nothing_is_added_and_tags_move(tmp_path: Path, store: Store) -> None:
    plain = world(tmp_path, "")
    one, two = image(store, b"one"), image(store, b"two")
    assert remember(plain, store, one).tags == TAGS
    assert remember(plain, store, two) == two
    assert found(store, "3.13-slim") == [two.digest]


def test_a_dated_tag_stays_when_a_later_build_takes_the_name(tmp_path: Path, store: Store) -> None:
    dated = world(tmp_path, "[tags]\ndated = true\n")
    one, two = image(store, b"one"), image(store, b"two", created=NOON + 86_400)
    assert remember(dated, store, one).tags == (*TAGS, DATED)
    assert remember(dated, store, two).tags == (*TAGS, "3.13.15-slim-trixie-20261121")
    assert found(store, DATED) == [one.digest]
    assert found(store, "3.13-slim") == [two.digest]
    assert index(store)[DATED] == str(one.digest)
    assert index(store)["3.13.15-slim-trixie-20261121"] == str(two.digest)


def test_other_content_of_the_same_date_is_refused_and_nothing_moves(tmp_path: Path, store: Store) -> None:
    dated = world(tmp_path, "[tags]\ndated = true\n")
    one = image(store, b"one")
    remember(dated, store, one)
    before = index(store)
    with pytest.raises(ImmutableTagError, match=f"the tag {DATED} must not move"):
        remember(dated, store, image(store, b"two"))
    assert index(store) == before
    assert found(store, "3.13-slim") == [one.digest]
    assert remember(dated, store, one).tags == (*TAGS, DATED)  # the same again is no move


def test_each_platform_has_its_own_content(tmp_path: Path, store: Store) -> None:
    dated = world(tmp_path, "[tags]\ndated = true\n")
    one, two = image(store, b"one"), image(store, b"two", platform="linux/386")
    remember(dated, store, one)
    remember(dated, store, two)
    assert sorted(map(str, found(store, DATED))) == sorted(map(str, (one.digest, two.digest)))


def test_a_person_may_name_more_tags_that_never_move(tmp_path: Path, store: Store) -> None:
    chosen = world(tmp_path, '[tags]\nimmutable = ["*-final"]\n')
    remember(chosen, store, image(store, b"one"))
    with pytest.raises(ImmutableTagError, match=r"3\.13\.15-final must not move"):
        remember(chosen, store, image(store, b"two"))


def test_an_image_for_tests_has_no_dated_tag(tmp_path: Path, store: Store) -> None:
    dated = world(tmp_path, "[tags]\ndated = true\n")
    quick = replace(image(store, b"quick"), profile="quick")
    assert remember(dated, store, quick).tags == TAGS
    assert found(store, DATED) == []
