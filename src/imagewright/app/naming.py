# SPDX-License-Identifier: Apache-2.0
"""Naming what was built in the store's index: an image by its name, and by the tags that never move."""

from __future__ import annotations

from dataclasses import replace

from imagewright.app.world import World
from imagewright.catalog.model import Catalog
from imagewright.catalog.settings import Settings
from imagewright.catalog.specs import parse_spec
from imagewright.catalog.tags import dated_tags
from imagewright.model.images import Profile
from imagewright.model.results import BuiltImage
from imagewright.store.images import StoredImage
from imagewright.store.store import Store


def with_dates(image: BuiltImage, catalog: Catalog, settings: Settings) -> BuiltImage:
    """The image with tags that say when its content was made, where wanted; not one for tests."""
    if not settings.dated or image.profile != Profile.RELEASE:
        return image
    scheme = catalog.by_scheme[settings.scheme]
    dated = dated_tags(parse_spec(image.image, catalog), catalog, scheme, image.created)
    return replace(image, tags=tuple(dict.fromkeys((*image.tags, *dated))))


def immutable_patterns(catalog: Catalog, settings: Settings) -> tuple[str, ...]:
    """Which tags never move: what the scheme says, and what the person added."""
    return tuple(dict.fromkeys((*catalog.by_scheme[settings.scheme].immutable, *settings.immutable)))


def remember(world: World, store: Store, image: BuiltImage) -> BuiltImage:
    """Name the image in the store's index, unless it says so already; what it is called now.

    A dated tag is an entry of its own, so that it stays when a later build takes the image's name. Raises
    :class:`ImmutableTagError` before anything is named otherwise.
    """
    settings = world.settings()
    called = with_dates(image, world.catalog, settings)
    immutable = immutable_patterns(world.catalog, settings)
    finished = int(world.clock.now().timestamp())
    main = StoredImage(image.image, image.platform, image.digest, image.tags, image.size, finished)
    entries = [main, *(replace(main, spec=tag, tags=()) for tag in called.tags[len(image.tags) :])]
    new = [entry for entry in entries if not _is_known(entry, store)]
    if new:
        store.images.put(*new, immutable=immutable)
    return called


def _is_known(entry: StoredImage, store: Store) -> bool:
    known = store.images.get(entry.spec, entry.platform)
    return known is not None and (known.manifest, known.tags) == (entry.manifest, entry.tags)
