# SPDX-License-Identifier: Apache-2.0
"""What a catalogue knows of its images. Everything an image says of itself is foreign text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from imagewright.catalog.model import Catalog
from imagewright.catalog.versions import is_release, release_key, series_of
from imagewright.describe.contents import Described, contents
from imagewright.describe.page_parts import (
    drawing,
    files_table,
    interpreter_part,
    owners_table,
    packages_by_source,
    table,
)
from imagewright.describe.wording import human
from imagewright.inventory.stock import Inventory
from imagewright.model.contents import Contents
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.reports import ReportedAttachment, ReportedImage

OTHER = "other"
"""Series, variant or suite of an image that does not say."""

_NAME = re.compile(r"(\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)([td]?)(?:-(.+))?", re.ASCII)
_DATED = re.compile(r"-\d{8}$", re.ASCII)


@dataclass(frozen=True, slots=True)
class Package:
    """An installed package; ``kind`` is deb or python."""

    kind: str
    name: str
    version: str
    architecture: str
    source: str
    licence: str


@dataclass(frozen=True, slots=True)
class Part:
    """One entry of a bill of materials, as a table has it."""

    kind: str
    name: str
    version: str
    licence: str
    purl: str
    supplier: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What is in an image. It follows from its layers alone, so it can be remembered by its digest.

    ``suite`` is the distribution's codename or version; ``size`` in bytes, unpacked. ``map`` and ``files`` are
    finished pieces of HTML; ``spdx`` and ``cyclonedx`` documents.
    """

    distribution: str
    suite: str
    python: str
    size: int
    file_count: int
    packages: tuple[Package, ...]
    parts: tuple[Part, ...]
    map: str
    files: str
    spdx: str
    cyclonedx: str

    def encode(self) -> bytes:
        """Canonical bytes, to be remembered."""
        return canonical_json(list(astuple(self)))

    @classmethod
    def decode(cls, content: bytes) -> Findings:
        """What :meth:`encode` gave."""
        distribution, suite, python, size, count, packages, parts, *texts = json.loads(content)
        return cls(
            distribution,
            suite,
            python,
            size,
            count,
            tuple(Package(*each) for each in packages),
            tuple(Part(*each) for each in parts),
            *texts,
        )


@dataclass(frozen=True, slots=True)
class Pull:
    """Where an image can be had: a repository, and those of its tags there (none: only by digest)."""

    repository: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sized:
    """One build of an image's kind: when (seconds since the epoch), how large, and what it is called."""

    moment: int
    size: int
    digest: Digest
    name: str


@dataclass(frozen=True, slots=True)
class CatalogueImage:
    """One platform's image, without what is in its layers.

    ``tags`` are all its names but the first; ``line`` is what it has in common with other builds of its kind,
    whose sizes ``sizes`` tells in the order of time. ``state`` is checked or built, "" where no record is;
    ``moment`` when it was built, or else created, in seconds since the epoch; ``size`` in bytes of what a pull
    transfers: configuration and layers; ``python`` the version that its environment names.
    """

    name: str
    digest: Digest
    platform: str
    tags: tuple[str, ...]
    series: str
    variant: str
    suite: str
    line: str
    state: str
    detail: str
    moment: int
    size: int
    python: str
    published: ReportedImage
    attachments: tuple[ReportedAttachment, ...]
    pulls: tuple[Pull, ...]
    sizes: tuple[Sized, ...] = ()

    @property
    def page(self) -> str:
        """The place of its page in the site."""
        return f"images/{self.digest.hex}/index.html"

    @property
    def order(self) -> tuple[object, ...]:
        """Newest Python first, then by name; other images behind."""
        match = _NAME.match(self.name)
        known = match is not None and is_release(match[1])
        key = tuple(-number for number in release_key(match[1])) if match is not None and known else ()
        return (not known, key, self.name, self.platform, -self.moment, self.digest)


@dataclass(frozen=True, slots=True)
class Kind:
    """What the name of an image says: a series with its flavour, a variant, a suite."""

    series: str
    variant: str
    suite: str


def kind_of(name: str, catalog: Catalog) -> Kind | None:
    """``3.13.15-slim-trixie`` → 3.13, slim, trixie; ``None`` for a name of another form."""
    match = _NAME.fullmatch(_DATED.sub("", name))
    if match is None or not is_release(match[1]):
        return None
    words = (match[3] or "").split("-") if match[3] else []
    variants = {variant.word: variant.name for variant in catalog.variants if variant.word}
    series = series_of(match[1]) + match[2]
    for used in range(len(words)):
        suite, word = "-".join(words[used:]), "-".join(words[:used])
        if suite in catalog.by_suite and (not word or word in variants):
            said = next((name for key, name in variants.items() if suite.startswith(key)), "full")
            return Kind(series, variants[word] if word else said, suite)
    return Kind(series, "-".join(words) or "full", OTHER)


def line_of(name: str, platform: str, kind: Kind | None) -> str:
    """What builds of one kind share: all but the release. Of other images, all but their tag."""
    if kind is not None:
        return f"{kind.series} {kind.variant} {kind.suite} {platform}"
    head, colon, tag = name.rpartition(":")
    return f"{head if colon and '/' not in tag else name} {platform}"


def findings(image: Described, stock: Inventory, parts: Sequence[Part], documents: tuple[str, str]) -> Findings:
    """What a scan found, as a site shows it; ``documents`` are SPDX and CycloneDX.

    Raises ``VerificationError`` for a package database that is damaged.
    """
    found = contents(image)
    python = ", ".join(dict.fromkeys(each.version for each in found.interpreters))
    licences = {(one.name, one.architecture): one.licence for one in stock.packages}
    packages = [
        Package(
            "deb",
            one.name,
            one.version,
            one.architecture,
            source.name,
            licences.get((one.name, one.architecture)) or "; ".join(source.licences),
        )
        for source in found.sources
        for one in source.packages
    ]
    packages.sort(key=lambda one: (one.name, one.architecture, one.version))
    packages += [Package("python", one.name, one.version, "", "", one.licence) for one in found.python_packages]
    distribution = stock.distribution
    return Findings(
        distribution=found.distribution,
        suite=distribution.codename or f"{distribution.identifier}{distribution.version}",
        python=python,
        size=found.size,
        file_count=found.files,
        packages=tuple(packages),
        parts=tuple(parts),
        map=drawing(found, 1),
        files="".join(_files(found)),
        spdx=documents[0],
        cyclonedx=documents[1],
    )


def _files(found: Contents) -> list[str]:
    """The parts of the page of contents."""
    layers = [
        (str(number), layer.comment[:160], human(layer.compressed), human(layer.unpacked), f"{layer.files:,}")
        for number, layer in enumerate(found.layers, start=1)
    ]
    directories = [(each.path, f"{each.files:,}", human(each.size)) for each in found.largest_directories]
    return [
        "<h2>Packages by source</h2>\n",
        packages_by_source(found.sources),
        "<h2>Python</h2>\n",
        *(interpreter_part(each) for each in found.interpreters),
        *([] if found.interpreters else ["<p>No interpreter was found.</p>\n"]),
        "<h2>Files</h2>\n",
        files_table("Files with privileges", found.privileged),
        files_table("Largest files", found.largest_files),
        table("Largest directories, with all below", ("Directory", "Files", "Size"), directories, (1, 2)),
        table("Layers, lowest first", ("Layer", "What", "Transferred", "Unpacked", "Files"), layers, (2, 3, 4)),
        owners_table("Files by package", "Package", found.owners),
        owners_table("Files by user and group", "User", found.users),
    ]
