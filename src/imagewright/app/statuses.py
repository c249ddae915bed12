# SPDX-License-Identifier: Apache-2.0
"""What the store remembers of builds, failures and pushes, and ``imagewright status`` which tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable

from imagewright.app.tagging import listed_images, tagging
from imagewright.app.world import World, own_platform
from imagewright.describe.status import Key, Remembered, checked_manifests, make_status
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.results import BuiltImage
from imagewright.model.statuses import Status, StatusOptions
from imagewright.store.store import Store

_FAILED = "failed"
_PUSHED = "pushed"


def note_failure(store: Store, key: Key, moment: int, what: str) -> None:
    """Remember that an image was not built: its name and platform, when, and why."""
    store.facts(_FAILED).put(" ".join(key), canonical_json([moment, what]).decode())


def forget_failure(store: Store, key: Key) -> None:
    """An image that failed once was built."""
    facts = store.facts(_FAILED)
    if facts.get(" ".join(key)) is not None:
        facts.put(" ".join(key), canonical_json([0, ""]).decode())


def note_pushed(store: Store, images: Iterable[BuiltImage], repository: str) -> None:
    """Remember what a repository has been given."""
    facts = store.facts(_PUSHED)
    for image in images:
        name = f"{image.image} {image.platform}"
        known = _mapping(facts.get(name))
        facts.put(name, canonical_json({**known, repository: str(image.digest)}).decode())


def status(world: World, store: Store, options: StatusOptions) -> Status:
    """What became of the images of a catalog, by the store's records."""
    found = tagging(world, options.catalog)
    platforms = options.platforms or (() if options.every else (own_platform(),))
    return make_status(found.catalog, listed_images(world, (), options), platforms, remembered(store))


def remembered(store: Store) -> Remembered:
    """Everything that a store knows of its images."""
    built: dict[Key, tuple[Digest, int]] = {
        (image.spec, image.platform): (image.manifest, image.finished) for image in store.images.all()
    }
    return Remembered(
        built=built,
        checked=checked_manifests(record for record, _ in store.steps.all()),
        failed={_key(name): _failure(value) for name, value in store.facts(_FAILED).all().items()},
        pushed={_key(name): _mapping(value) for name, value in store.facts(_PUSHED).all().items()},
    )


def _key(name: str) -> Key:
    spec, _, platform = name.partition(" ")
    return spec, platform


def _failure(text: str) -> tuple[int, str]:
    moment, what = json.loads(text)
    return int(moment), str(what)


def _mapping(text: str | None) -> dict[str, str]:
    return {str(where): str(digest) for where, digest in json.loads(text or "{}").items()}
