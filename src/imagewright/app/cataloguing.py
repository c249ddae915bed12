# SPDX-License-Identifier: Apache-2.0
"""``site``: pages about images, from the store and from anywhere else.

Images are read one after another and their pages written at once, so that a large site needs little memory. What
is in an image follows from its digest: it is remembered in the store, and read again only if it is gone from there
or if the code that reads changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from imagewright.app.catalogue_sources import Known, Sources
from imagewright.app.describing import read_content
from imagewright.app.site_files import SiteFiles
from imagewright.app.statuses import remembered
from imagewright.app.tagging import listed_images, tagging
from imagewright.app.world import World
from imagewright.attest import cyclonedx, spdx
from imagewright.attest.bill import Bill
from imagewright.attest.image import ImageFacts, image_bill
from imagewright.describe.catalogue.facts import Findings, Part, findings
from imagewright.describe.catalogue.pages import Site, assets, image_pages, index_page, list_pages, status_page
from imagewright.describe.catalogue.search import IMAGES, PARTS, SearchData
from imagewright.describe.status import make_status
from imagewright.errors import UsageError, VerificationError
from imagewright.events import Note, Sink
from imagewright.inventory.stock import take_stock
from imagewright.model.catalogues import CatalogueOptions, NotShown, WrittenSite
from imagewright.model.statuses import StatusOptions
from imagewright.store.store import Store

_REMEMBERED = "catalogue"
_LARGEST = 64 << 20
_ROOMS = ("attest", "describe", "inventory", "model")
"""Rooms whose code decides what is found in an image."""

_NOT_READ = "its layers were not read."


@dataclass(slots=True)
class _Reading:
    """What is in images: remembered, or read now."""

    world: World
    store: Store
    sink: Sink
    read: int = 0

    def __call__(self, known: Known) -> Findings:
        """Raises ``UsageError`` and ``VerificationError`` where an image cannot be read."""
        remembered = self.store.derived(_REMEMBERED, revision())
        key = f"{known.image.digest} {known.bill_name}"
        digest = remembered.get(key)
        if digest is not None:
            return Findings.decode(self.store.blobs.read(digest, limit=_LARGEST))
        self.sink(Note(f"reading {known.image.name} for {known.image.platform}"))
        found = self._read(known)
        self.read += 1
        remembered.put(key, self.store.blobs.put([found.encode()]))
        return found

    def _read(self, known: Known) -> Findings:
        content = read_content(self.world, self.store, known.reference, known.source, known.entry, self.sink)
        stock = take_stock(content.scan.gathered)
        bill = image_bill(
            ImageFacts(
                name=known.bill_name,
                digest=content.digest,
                platform=known.image.platform,
                created=content.config.created or 0,
                environment=dict(content.config.execution.environment),
                packages={},
            ),
            stock,
        )
        documents = (spdx.encode(bill).decode(), cyclonedx.encode(bill).decode())
        return findings(content, stock, _parts(bill), documents)


def write_site(world: World, store: Store, directory: Path, options: CatalogueOptions, sink: Sink) -> WrittenSite:
    """Write a site, or bring it up to date. Raises :class:`UsageError` for a directory with other things."""
    sources = Sources(world, store, tagging(world, options.catalog).catalog, options)
    status = None
    if options.stored or not options.refs:
        records = remembered(store)
        sources.from_store(records)
        every = listed_images(world, (), StatusOptions(options.catalog, every=True))
        status = make_status(sources.catalog, every, (), records, apart=True)
    for ref in options.refs:
        sources.from_reference(ref)
    images = sources.images()
    site = Site(world.publication, status, {str(one.image.digest): one.image.page for one in images})
    reading = _Reading(world, store, sink)
    data = SearchData()
    not_shown = sources.not_shown
    with SiteFiles(directory, world.umask) as tree:
        tree.expect(_expected(images, site))
        for known in images:
            found, why = _found(reading, known, content=options.content)
            if why and options.content:
                not_shown.append(NotShown(known.image.name, known.image.platform, f"without content: {why}"))
            data.add(known.image, found)
            for path, content in image_pages(site, known.image, found, why):
                tree.put(path, content)
        # What leads to the images comes last, so that no link ever leads nowhere.
        for path, content in _common(site, data, images):
            tree.put(path, content)
        counts = tree.finish()
    return WrittenSite(
        directory=directory,
        images=len(images),
        files=counts.files,
        bytes=counts.bytes,
        written=counts.written,
        unchanged=counts.unchanged,
        removed=counts.removed,
        read=reading.read,
        not_shown=tuple(not_shown),
    )


def _found(reading: _Reading, known: Known, *, content: bool) -> tuple[Findings | None, str]:
    """What is in an image, or why that is not known."""
    if not content:
        return None, _NOT_READ
    try:
        return reading(known), ""
    except (UsageError, VerificationError) as error:
        return None, f"{error.message}: {error.why}" if error.why else error.message


def _expected(images: list[Known], site: Site) -> Iterator[str]:
    """Every file that the site may have."""
    for known in images:
        directory = f"images/{known.image.digest.hex}"
        for name in ("index.html", "contents.html", "materials.html", "sbom.spdx.json", "sbom.cdx.json"):
            yield f"{directory}/{name}"
    yield from (path for path, _ in list_pages(site, [known.image for known in images]))
    yield from (path for path, _ in assets())
    yield from (IMAGES, PARTS, "index.html", "status.html")


def _common(site: Site, data: SearchData, images: list[Known]) -> Iterator[tuple[str, bytes]]:
    yield from assets()
    yield PARTS, data.parts()
    yield IMAGES, data.images()
    yield from list_pages(site, [known.image for known in images])
    if site.status is not None:
        yield "status.html", status_page(site)
    yield "index.html", index_page(site, data, len(images))


def _parts(bill: Bill) -> list[Part]:
    return [
        Part(one.kind.value, one.name, one.version, one.licence, one.purl, one.supplier)
        for one in sorted(bill.components, key=lambda one: (one.name.lower(), one.version, one.reference))
    ]


@cache
def revision() -> str:
    """Changes whenever code does that decides what is found in an image."""
    state = hashlib.sha256()
    for room in _ROOMS:
        for name, content in _programs(files(f"imagewright.{room}"), room):
            state.update(f"{name}\0{len(content)}\0".encode() + content)
    return state.hexdigest()[:16]


def _programs(directory: Traversable, name: str) -> Iterator[tuple[str, bytes]]:
    for each in sorted(directory.iterdir(), key=lambda one: one.name):
        if each.is_dir():
            yield from _programs(each, f"{name}/{each.name}")
        elif each.name.endswith(".py"):
            yield f"{name}/{each.name}", each.read_bytes()
