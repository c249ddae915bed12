# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles of the shipped catalog, written without a world around them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from imagewright.catalog.listing import platforms_of
from imagewright.catalog.selecting import current_images
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.specs import parse_spec
from imagewright.catalog.tags import directory_of
from imagewright.emit.dockerfiles.gathering import build_of, same_kind
from imagewright.emit.dockerfiles.model import Order, PlatformBuild, Style, Written
from imagewright.emit.dockerfiles.printing import write_dockerfile
from imagewright.errors import UsageError
from imagewright.model.images import ImageName
from imagewright.model.lock import Lock


def order(spec: str | ImageName, lock: Lock | None = None, *, style: Style | None = None) -> Order:
    """What a Dockerfile is made from. Raises :class:`UsageError` where no platform can be built."""
    catalog, settings = shipped_catalog(), resolve_settings()
    name = parse_spec(spec, catalog) if isinstance(spec, str) else spec
    builds: list[PlatformBuild] = []
    refusal: UsageError | None = None
    for platform in platforms_of(name, catalog):
        try:
            builds.append(build_of(name, catalog, settings, platform, lock or Lock()))
        except UsageError as error:
            refusal = error
    if not builds and refusal is not None:
        raise refusal
    return Order(name, same_kind(builds), catalog, style or Style())


def written(spec: str | ImageName, lock: Lock | None = None, *, style: Style | None = None) -> Written:
    """One Dockerfile."""
    return write_dockerfile(order(spec, lock, style=style))


@cache
def official(*, classic: bool = False) -> dict[str, str]:
    """Every Dockerfile that the catalog has without a lock: path → text."""
    return dict(_official(Style(classic=classic)))


def _official(style: Style) -> Iterator[tuple[str, str]]:
    catalog = shipped_catalog()
    scheme = catalog.by_scheme["official"]
    for name in current_images(catalog):
        if not catalog.by_variant[name.variant].word.startswith("minimal"):
            yield f"{directory_of(name, catalog, scheme)}/Dockerfile", written(name, style=style).text
