# SPDX-License-Identifier: Apache-2.0
"""What a README is about: one repository of images, with its tags, platforms and variants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from imagewright.catalog.listing import Listed, SharedGroup, shared_groups
from imagewright.catalog.model import Catalog
from imagewright.catalog.publication import Named, Publication
from imagewright.catalog.versions import is_prerelease, is_release, is_series, series_key
from imagewright.errors import UsageError
from imagewright.model.images import Flavour
from imagewright.model.platforms import PLATFORMS, Platform, in_order

_NO_COMMIT = "HEAD"


@dataclass(frozen=True, slots=True)
class Repository:
    """The name of a repository: ``namespace`` is "" for the one of all platforms; ``platform`` that of a
    repository for one alone, whose namespace is the platform's (``i386/python``)."""

    name: str
    namespace: str
    platform: Platform | None

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """Where a Dockerfile is kept: ``file`` in ``directory`` of the repository at ``commit``."""

    commit: str
    directory: str
    file: str = "Dockerfile"


@dataclass(frozen=True, slots=True)
class Line:
    """One image in a list of tags: its Dockerfile's ``place``, and its ``url`` ("" if there is no link)."""

    tags: tuple[str, ...]
    place: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """Shared tags, and the images that they name."""

    tags: tuple[str, ...]
    images: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class VariantRemark:
    """A variant that is present, with what the catalog says of it."""

    name: str
    word: str
    title: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a README says, besides its sentences. ``example`` is the tag that examples use, ``old`` one
    of Python 2 ("" if there is none); ``default`` the suite of the tags without one; ``plain`` tells whether there
    are tags of a version alone, ``windows`` whether all images are for Windows; ``codenames`` are suites by
    distribution's title."""

    repository: Repository
    simple: tuple[Line, ...]
    shared: tuple[Group, ...]
    platforms: tuple[Named, ...]
    variants: tuple[VariantRemark, ...]
    codenames: tuple[tuple[str, tuple[str, ...]], ...]
    example: str
    old: str
    default: str
    plain: bool
    windows: bool
    free_threaded: bool
    publication: Publication


def parse_repository(text: str) -> Repository:
    """``python``, ``i386/python``, ``infra7/python``. Raises :class:`UsageError` for what is no name."""
    namespace, _, name = text.rpartition("/")
    words = text.replace("-", "").replace("_", "").replace(".", "").replace("/", "")
    if not words.isalnum() or text.lower() != text or not text.isascii() or not name or "/" in namespace:
        raise UsageError(f"{text[:80]!r} is not the name of a repository", hint="such as python or i386/python")
    return Repository(name, namespace, _platform(namespace))


def namespace_of(platform: Platform) -> str:
    """The namespace of a platform's own repositories: library names but for Windows."""
    return "winamd64" if platform.os == "windows" else platform.library


def _platform(namespace: str) -> Platform | None:
    return next((item for item in PLATFORMS if namespace and namespace_of(item) == namespace), None)


def make_facts(
    name: str,
    whole: Sequence[Listed],
    catalog: Catalog,
    publication: Publication,
    dockerfiles: Mapping[str, Dockerfile] | None,
) -> Facts:
    """The facts of a repository. ``whole`` is everything that is published; ``dockerfiles`` are by image, and
    images without one get no link (``None``: nothing is known of commits, and links lead to the newest).

    Raises :class:`UsageError` where no image exists for the platform that the name says.
    """
    repository = parse_repository(name)
    platforms = (repository.platform,) if repository.platform else ()
    images = [image for image in whole if not platforms or platforms[0] in image.platforms]
    if not images:
        _refuse(name, repository.platform, catalog)

    def line(image: Listed) -> Line:
        newest = Dockerfile(_NO_COMMIT, image.directory)
        found = newest if dockerfiles is None else dockerfiles.get(str(image.name))
        where = found or newest
        place = {"commit": where.commit, "directory": where.directory, "file": where.file}
        url = publication.link("dockerfile", **place) if found else ""
        return Line(image.tags.simple, f"{where.directory}/{where.file}", url)

    groups = shared_groups(whole, platforms)
    tags = {tag for image in images for tag in (*image.tags.simple, *image.tags.shared)}
    return Facts(
        repository=repository,
        simple=tuple(line(image) for image in images),
        shared=tuple(Group(group.tags, tuple(line(image) for image in group.images)) for group in groups),
        platforms=_platforms(whole, publication),
        variants=_variants(images, catalog),
        codenames=_codenames(images, catalog),
        example=_example(groups, images),
        old=next((image.name.release[:1] for image in images if image.name.release.startswith("2.")), ""),
        default=next((group.images[0].name.suite for group in groups), ""),
        plain=any(is_release(tag) or is_series(tag) for tag in tags),
        windows=all(catalog.by_suite[image.name.suite].distribution == "windows" for image in images),
        free_threaded=any(image.name.flavour is Flavour.FREE_THREADED for image in images),
        publication=publication,
    )


def _refuse(name: str, platform: Platform | None, catalog: Catalog) -> NoReturn:
    """Say why there is no image: a platform may be planned only."""
    planned = [
        f"{suite.name}: {suite.planned}"
        for suite in catalog.suites
        if suite.planned and platform is not None and platform in suite.platforms
    ]
    raise UsageError(
        f"there is no image for {name}",
        why=f"those of the catalog are planned only ({planned[0]})" if planned else "",
        hint="imagewright tags --arch NAME lists what there is; --catalog FILE takes another catalog",
    )


def _platforms(whole: Iterable[Listed], publication: Publication) -> tuple[Named, ...]:
    found = in_order(platform for image in whole for platform in image.platforms)
    return tuple(
        Named(platform.library, publication.link("platform", namespace=namespace_of(platform)))
        for platform in found
    )


def _variants(images: Iterable[Listed], catalog: Catalog) -> tuple[VariantRemark, ...]:
    there = {image.name.variant for image in images}
    return tuple(
        VariantRemark(variant.name, variant.word, variant.title)
        for variant in catalog.variants
        if variant.name in there
    )


def _codenames(images: Iterable[Listed], catalog: Catalog) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Suites whose tags bear a codename, sorted."""
    found: dict[str, set[str]] = {}
    for image in images:
        distribution = catalog.by_suite[image.name.suite].distribution
        if distribution in ("debian", "ubuntu"):
            found.setdefault(distribution.capitalize(), set()).add(image.name.suite)
    return tuple((name, tuple(sorted(suites))) for name, suites in sorted(found.items()))


def _example(groups: Iterable[SharedGroup], images: Sequence[Listed]) -> str:
    """The tag that examples use: the major version, or the newest series that is final; else the first tag."""
    shared = [tag for group in groups for tag in group.tags]
    final = [image.name.release for image in images if not is_prerelease(image.name.release)]
    series = {release.rpartition(".")[0] for release in final}
    wished = sorted(series, key=series_key, reverse=True)
    choices = [*dict.fromkeys(one.partition(".")[0] for one in wished), *wished]
    return next((tag for tag in choices if tag in shared), images[0].tags.simple[0])
