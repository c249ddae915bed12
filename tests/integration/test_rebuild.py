# SPDX-License-Identifier: Apache-2.0
"""A published image built again from source, by what it says of itself alone; and one that says nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from peers.fixtures import QUICK, Built
from peers.registries import RealRegistry, real_registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


def test_the_digest_comes_out_of_the_provenance_alone(
    registry: RealRegistry, quick_image: Built, tmp_path: Path
) -> None:
    """In a directory without a lock, with a compression that only the provenance tells; all of it done anew."""
    where = f"{registry.host}/team/python"
    words = ("--compression", "zstd")
    published = quick_image.workshop.apart(tmp_path).answer("push", *QUICK, *words, where, "--force")
    (tmp_path / "imagewright.lock").unlink()
    elsewhere = replace(quick_image.workshop, directory=tmp_path, lock=tmp_path / "none.lock")
    answer = elsewhere.answer(
        "rebuild", f"{where}:{QUICK[0]}", "--platform", published["images"][0]["platforms"][0]
    )
    assert answer["identical"]
    assert answer["ran"] == answer["steps"]
    assert not (tmp_path / "none.lock").exists()


def test_an_image_that_says_nothing_cannot_be_built_again(registry: RealRegistry, quick_image: Built) -> None:
    where = f"{registry.host}/team/silent"
    quick_image.workshop.call("push", *QUICK, where, "--force", "--no-attestations")
    ended = quick_image.workshop.call("rebuild", f"{where}:{QUICK[0]}", "--json", expect=8)
    error = json.loads(ended.stdout)["error"]
    assert "nobody says how" in error["message"]
    assert "pushed with its attestations" in error["hint"]
