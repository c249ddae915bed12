# SPDX-License-Identifier: Apache-2.0
"""Pushes through random misfortune: never a wrong byte, never a tag that names something half there."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.errors import RegistryError, VerificationError
from imagewright.oci.descriptor import Target
from imagewright.registry.publish import Publication
from imagewright.registry.pull import pull
from registry.test_push_and_pull import Pauses, client_of, image_of, publish
from support.blobs import DirectoryBlobs
from support.registry import Fault, Faults, Registry, run_registry

pytestmark = pytest.mark.loopback
AMD64 = Target("linux", "amd64")
SCHEDULES = 60
_MOST_RUNS = 60


def misfortune(chance: random.Random, often: float) -> Faults:
    """A schedule: each request goes wrong with that probability, in one of the ways."""

    def fault(method: str, path: str) -> Fault | None:
        del method, path
        if chance.random() >= often:
            return None
        return chance.choice(
            [
                Fault(status=chance.choice([429, 500, 502, 503])),
                Fault(status=429, headers={"Retry-After": "1"}),
                Fault(lose=True),
                Fault(reset=chance.randrange(3000)),
                Fault(truncate=chance.randrange(200)),
                Fault(flip=chance.randrange(3000)),
            ]
        )

    return fault


def push_until_done(registry: Registry, publication: Publication, pauses: Pauses, seen: Counter[str]) -> None:
    """What a person does: run it again. After each run, nothing that can be seen may be wrong."""
    for _ in range(_MOST_RUNS):
        before = dict(registry.repository("team/python").tags)
        try:
            publish(client_of(registry, pauses), publication)
        except (RegistryError, VerificationError):
            seen["failed"] += 1
            assert registry.audit() == []
            after = registry.repository("team/python").tags
            moved = [tag for tag in publication.tags if after.get(tag) != before.get(tag)]
            assert len(moved) in {0, len(publication.tags)}, f"half moved: {moved}"
        else:
            seen["pushed"] += 1
            return
    raise AssertionError(f"not pushed after {_MOST_RUNS} runs")


@pytest.mark.parametrize("often", [0.05, 0.25, 0.5])
def test_every_push_comes_to_its_end_and_nothing_wrong_is_ever_published(often: float, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for seed in range(SCHEDULES // 3):
        chance = random.Random(f"{seed} {often}")
        layers = [chance.randbytes(chance.randrange(1, 5000)) for _ in range(3)]
        old = Publication(
            "3.13.15-slim", ("3.13.15-slim", "3.13-slim", "slim"), (image_of(AMD64, b"old", *layers),)
        )
        new = replace(old, platforms=(image_of(AMD64, b"new", *layers),))
        with run_registry() as registry:
            pauses = Pauses()
            publish(client_of(registry, pauses), old)
            registry.faults = misfortune(chance, often)
            push_until_done(registry, new, pauses, seen)
            registry.faults = lambda method, path: None
            assert registry.audit() == []
            assert len(set(registry.repository("team/python").tags.values())) == 1
            blobs = DirectoryBlobs(tmp_path / f"{seed}-{often}")
            (image,) = pull(client_of(registry, pauses), "slim", [AMD64], blobs, lambda *_: None).images
            assert image.manifest.digest == new.platforms[0].manifest.digest
    assert seen["pushed"] == SCHEDULES // 3
    if often == 0.5:
        assert seen["failed"], "so much misfortune should stop some pushes"
