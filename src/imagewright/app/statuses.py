# SPDX-License-Identifier: Apache-2.0
"""What the store remembers of builds, failures and pushes, and ``imagewright status`` which tells it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from imagewright.app.registries import client, repository
from imagewright.app.tagging import listed_images, tagging
from imagewright.app.transferring import images_of
from imagewright.app.world import World, own_platform
from imagewright.catalog.listing import Listed
from imagewright.describe.status import Key, Remembered, checked_manifests, make_status
from imagewright.errors import BuildError, ConfigurationError, FetchError, ImagewrightError, VerificationError
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.images import ImageDefinition
from imagewright.model.platforms import PLATFORMS
from imagewright.model.ports import Clock
from imagewright.model.references import RegistryReference, Repository
from imagewright.model.results import BuiltImage
from imagewright.model.statuses import Status, StatusOptions
from imagewright.oci.config import Config
from imagewright.oci.descriptor import Descriptor, Target
from imagewright.oci.index import Index
from imagewright.oci.manifest import Manifest
from imagewright.registry.client import RepositoryClient
from imagewright.registry.source import RegistrySource
from imagewright.store.store import Store

_AT_ONCE = 8
"""Tags that a registry is asked for side by side."""

_FAILED = "failed"
_PUSHED = "pushed"
CHECKED_AGAIN = "it did not pass when it was checked again"


def note_failure(store: Store, key: Key, moment: int, what: str) -> None:
    """Remember that an image was not built: its name and platform, when, and why."""
    store.facts(_FAILED).put(" ".join(key), canonical_json([moment, what]).decode())


def forget_failure(store: Store, key: Key, *, checked: bool) -> None:
    """An image that failed once was built; ``checked`` says whether its checks ran now, or long ago."""
    facts = store.facts(_FAILED)
    known = facts.get(" ".join(key))
    if known is not None and (checked or not _failure(known)[1].startswith(CHECKED_AGAIN)):
        facts.put(" ".join(key), canonical_json([0, ""]).decode())


def note_pushed(store: Store, images: Iterable[BuiltImage], repository: str) -> None:
    """Remember what a repository has been given."""
    facts = store.facts(_PUSHED)
    for image in images:
        name = f"{image.image} {image.platform}"
        known = _mapping(facts.get(name))
        facts.put(name, canonical_json({**known, repository: str(image.digest)}).decode())


@contextmanager
def noting_failures(store: Store, clock: Clock, definitions: Iterable[ImageDefinition]) -> Iterator[None]:
    """What ends a build before any of its steps could run is remembered of every image that was asked for."""
    try:
        yield
    except (BuildError, ConfigurationError, FetchError, VerificationError) as error:
        moment = int(clock.now().timestamp())
        for definition in definitions:
            note_failure(store, key_of(definition), moment, told_of(error))
        raise


def told_of(error: BaseException) -> str:
    """What happened and why, on one line."""
    why = error.why if isinstance(error, ImagewrightError) else ""
    return ": ".join(filter(None, (str(error), why)))


def key_of(definition: ImageDefinition) -> Key:
    """How the store names an image's records."""
    return str(definition.name), str(definition.platform)


def status(world: World, store: Store, options: StatusOptions) -> Status:
    """What became of the images of a catalog, by the store's records and by what repositories have.

    Raises what asking a registry raises.
    """
    found = tagging(world, options.catalog)
    platforms = options.platforms or (() if options.every else (own_platform(),))
    images = listed_images(world, (), options)
    asked = {
        str(where): _published(world, where, images, options) for where in map(repository, options.registries)
    }
    known = replace(remembered(store), published=asked)
    return make_status(found.catalog, images, platforms, known, apart=options.apart)


def _published(
    world: World, where: Repository, images: Iterable[Listed], options: StatusOptions
) -> dict[Key, Digest]:
    """What a repository has now under the fullest tag of each image, by platform."""
    there = client(world, where, options.access)
    tags = set(there.tags())
    wanted = [image for image in images if _fullest(image) in tags]
    with ThreadPoolExecutor(_AT_ONCE) as workers:
        found = workers.map(lambda image: _platforms(there, where, _fullest(image)), wanted)
        return {
            (str(image.name), platform): digest
            for image, entries in zip(wanted, found, strict=True)
            for platform, digest in entries.items()
        }


def _fullest(image: Listed) -> str:
    """The tag that says the release, which another release never takes."""
    tags = image.tags.simple
    return next((tag for tag in tags if tag.startswith(image.name.release)), tags[0])


def _platforms(asked: RepositoryClient, where: Repository, tag: str) -> dict[str, Digest]:
    """The images of a tag by platform, in this program's names; of other platforms none."""
    source = RegistrySource(asked, RegistryReference(where, tag))
    root = source.root()
    entries: list[Descriptor] = []
    for entry in images_of(root):
        known = entry
        if entry.platform is None:
            config = source.document(Manifest.parse(source.document(entry)).config)
            known = replace(entry, platform=Config.parse(config).platform)
        entries.append(known)
    there = Index(tuple(entries))
    found = ((str(platform), there.find(Target.of(platform))) for platform in PLATFORMS)
    return {name: entry.digest for name, entry in found if entry is not None}


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
