# SPDX-License-Identifier: Apache-2.0
"""Images by name, and ``index.json``, through which other OCI tools see them."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.immutable import refuse_moves
from imagewright.store.blobs import DiskBlobs
from imagewright.store.database import Database
from imagewright.store.layout import replace_file
from imagewright.store.session import Session

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ALL = "SELECT spec, platform, manifest, tags, size, finished, pinned FROM images ORDER BY spec, platform"
_SHORTEST_DIGEST = 7


@dataclass(frozen=True, slots=True)
class StoredImage:
    """One image build in the store.

    ``spec`` and ``platform`` name it (``3.13.15-slim-trixie``, ``linux/amd64``); ``size`` in bytes of its
    layers and configuration; ``finished`` in seconds since the epoch; ``pinned`` ones are never collected.
    """

    spec: str
    platform: str
    manifest: Digest
    tags: tuple[str, ...]
    size: int
    finished: int
    pinned: bool = False


class Images:
    """The newest build of every image, by specification and platform."""

    def __init__(self, database: Database, blobs: DiskBlobs, index: Path, session: Session) -> None:
        self._database = database
        self._blobs = blobs
        self._index = index
        self._session = session

    def put(self, *images: StoredImage, immutable: Sequence[str] = ()) -> None:
        """Keep images, all or none; earlier builds of the same name and platform make room. A pin stays a pin.

        Raises :class:`ImmutableTagError`, and changes nothing, if a name or a tag that matches one of the patterns
        ``immutable`` names other content of that platform.
        """
        with self._database.writing() as connection:
            known = _select(connection) if immutable else []
            for platform in dict.fromkeys(image.platform for image in images) if immutable else ():
                refuse_moves(_named(known, platform), _named(images, platform), immutable)
            connection.executemany(
                "INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (spec, platform) DO UPDATE SET"
                " manifest = excluded.manifest, tags = excluded.tags, size = excluded.size,"
                " finished = excluded.finished, pinned = max(pinned, excluded.pinned)",
                [_row(image) for image in images],
            )
            self._write_index(_select(connection))

    def get(self, spec: str, platform: str) -> StoredImage | None:
        """The image of that name, only if its manifest is in the store."""
        for image in self.all():
            if (image.spec, image.platform) == (spec, platform) and self._blobs.has(image.manifest):
                return image
        return None

    def find(self, word: str) -> list[StoredImage]:
        """Images by specification, tag, or manifest digest (at least its first 7 digits), sorted by name."""
        digits = word.removeprefix("sha256:")
        return [
            image
            for image in self.all()
            if word == image.spec
            or word in image.tags
            or (len(digits) >= _SHORTEST_DIGEST and image.manifest.hex.startswith(digits))
        ]

    def all(self) -> list[StoredImage]:
        """Every image, sorted by name and platform."""
        with self._database.reading() as connection:
            return _select(connection)

    def pin(self, spec: str, *, pinned: bool = True) -> int:
        """Protect all platforms of an image from gc, or no longer; how many there are."""
        with self._database.writing() as connection:
            return connection.execute("UPDATE images SET pinned = ? WHERE spec = ?", (int(pinned), spec)).rowcount

    def remove(self, images: list[StoredImage]) -> None:
        """Forget images by name and platform, unless another build has taken the name meanwhile."""
        with self._database.writing() as connection:
            connection.executemany(
                "DELETE FROM images WHERE spec = ? AND platform = ? AND manifest = ?",
                [(image.spec, image.platform, image.manifest.hex) for image in images],
            )
            self._write_index(_select(connection))

    def rewrite_index(self) -> None:
        """Write ``index.json`` anew (repair)."""
        with self._database.writing() as connection:
            self._write_index(_select(connection))

    def _write_index(self, images: list[StoredImage]) -> None:
        """Called inside the transaction, so that writers come one after another."""
        replace_file(self._index, canonical_json(self._index_of(images)), self._session.name("index"))

    def _index_of(self, images: list[StoredImage]) -> dict[str, Any]:
        taken: set[str] = set()
        manifests: list[dict[str, Any]] = []
        for image in images:
            try:
                with self._blobs.inspect(image.manifest) as file:
                    size = os.fstat(file.fileno()).st_size
            except KeyError:
                continue  # its blob is gone; it is no longer there for others
            words = list(dict.fromkeys((image.spec, *image.tags)))
            for word in words:
                name = word if word not in taken else f"{word}@{image.platform}"
                taken.add(name)
                manifests.append(_descriptor(image, size, name))
        return {"manifests": manifests, "mediaType": "application/vnd.oci.image.index.v1+json", "schemaVersion": 2}


def _descriptor(image: StoredImage, size: int, name: str) -> dict[str, Any]:
    words = image.platform.split("/")
    platform = dict(zip(("os", "architecture", "variant"), words, strict=False))
    return {
        "annotations": {"org.opencontainers.image.ref.name": name},
        "digest": str(image.manifest),
        "mediaType": MANIFEST,
        "platform": platform,
        "size": size,
    }


def _row(image: StoredImage) -> tuple[str, str, str, str, int, int, int]:
    tags = canonical_json(list(image.tags)).decode()
    pinned = int(image.pinned)
    return image.spec, image.platform, image.manifest.hex, tags, image.size, image.finished, pinned


def _named(images: Iterable[StoredImage], platform: str) -> dict[str, Digest]:
    """Every name that images of a platform have, and what it names."""
    return {
        word: image.manifest
        for image in images
        if image.platform == platform
        for word in (*image.tags, image.spec)
    }


def _select(connection: sqlite3.Connection) -> list[StoredImage]:
    found: list[StoredImage] = []
    for spec, platform, manifest, tags, size, finished, pinned in connection.execute(_ALL):
        try:
            words = tuple(str(tag) for tag in json.loads(str(tags)))
            digest = Digest(str(manifest))
        except (ValueError, TypeError):
            continue  # fsck's integrity check is where a broken row is told
        found.append(StoredImage(str(spec), str(platform), digest, words, int(size), int(finished), bool(pinned)))
    return found
