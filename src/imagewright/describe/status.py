# SPDX-License-Identifier: Apache-2.0
"""What the store remembers of each image of a catalog. Never a check mark without a record behind it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from imagewright.catalog.listing import Listed
from imagewright.catalog.model import Catalog, Suite
from imagewright.catalog.versions import is_release, release_key, series_of
from imagewright.model.digest import Digest
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.platforms import Platform, in_order
from imagewright.model.statuses import ImageStatus, PublishedImage, State, Status, StatusColumn, StatusRow

CHECKED_MANIFEST = "manifest"
"""The fact of a check's record that says which image passed."""

_UNSTABLE = ("testing", "unstable")
Key = tuple[str, str]
"""The name of an image, and its platform."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a store knows: the newest build of each image, what passed its checks, what failed last, what was
    pushed where. ``failed`` holds when (seconds since the epoch) and what; ``pushed`` manifests by repository.
    ``published`` is what repositories answered that were asked just now: manifests by image."""

    built: Mapping[Key, tuple[Digest, int]]
    checked: frozenset[Digest]
    failed: Mapping[Key, tuple[int, str]]
    pushed: Mapping[Key, Mapping[str, str]]
    published: Mapping[str, Mapping[Key, Digest]] = field(default_factory=dict)


def checked_manifests(records: Iterable[StepRecord]) -> frozenset[Digest]:
    """The manifests of images that passed all their checks.

    A record of before :data:`CHECKED_MANIFEST` vouches for the newest image of its name that was there when it
    ended.
    """
    checks: list[StepRecord] = []
    images: dict[str, list[StepRecord]] = {}
    for record in records:
        if record.kind is StepKind.CHECK:
            checks.append(record)
        elif record.kind is StepKind.IMAGE:
            images.setdefault(record.name.partition(" ")[2], []).append(record)
    found: set[Digest] = set()
    for check in checks:
        said = dict(check.facts).get(CHECKED_MANIFEST)
        if said is not None:
            found.add(Digest.parse(said))
            continue
        before = [one for one in images.get(check.name.partition(" ")[2], ()) if one.finished <= check.finished]
        if before:
            found.add(max(before, key=lambda one: one.finished).output("manifest"))
    return frozenset(found)


def make_status(
    catalog: Catalog,
    images: Iterable[Listed],
    platforms: Sequence[Platform],
    remembered: Remembered,
    *,
    apart: bool = False,
) -> Status:
    """The status of ``images`` for ``platforms`` (none: all that each is published for); ``apart`` gives each of
    several platforms rows of its own."""
    meant = [
        (image, platform)
        for image in images
        for platform in image.platforms
        if not platforms or platform in platforms
    ]
    found = tuple(_status(image, str(platform), remembered) for image, platform in meant)
    columns = tuple(StatusColumn(one.name, one.current) for one in catalog.series if not one.planned)
    suites = [suite for suite in catalog.suites if not suite.planned]
    those = in_order(platform for _, platform in meant)
    if apart and len(those) > 1:
        there = {(image.name.suite, platform) for image, platform in meant}
        rows = [_row(suite, one) for suite in suites for one in those if (suite.name, one) in there]
    else:
        rows = [_row(suite) for suite in suites]
    return Status(columns, tuple(rows), found)


def _row(suite: Suite, platform: Platform | None = None) -> StatusRow:
    unstable = suite.status in _UNSTABLE
    if platform is None:
        return StatusRow(suite.name, title_of(suite), unstable)
    return StatusRow(suite.name, f"{title_of(suite)} {platform.library}", unstable, str(platform))


def title_of(suite: Suite) -> str:
    """``Debian (trixie)``, ``Alpine (3.22)``."""
    name = {"windows": "Windows Server Core"}.get(suite.distribution, suite.distribution.capitalize())
    return f"{name} ({suite.name.removeprefix(suite.distribution)})"


def cells(status: Status) -> Iterator[tuple[StatusRow, tuple[tuple[ImageStatus, ...], ...]]]:
    """The table: for each row, the images of each column."""
    by_place: dict[Key, list[ImageStatus]] = {}
    for image in status.images:
        by_place.setdefault((image.series, image.suite), []).append(image)
    for row in status.rows:
        places = (by_place.get((column.series, row.suite), ()) for column in status.columns)
        yield (
            row,
            tuple(tuple(image for image in place if row.platform in ("", image.platform)) for place in places),
        )


def _status(image: Listed, platform: str, remembered: Remembered) -> ImageStatus:
    key = (str(image.name), platform)
    manifest, finished, state, detail = "", 0, State.MISSING, ""
    built = remembered.built.get(key)
    if built is not None:
        manifest, finished = str(built[0]), built[1]
        state = State.CHECKED if built[0] in remembered.checked else State.BUILT
    elif older := _older(image, platform, remembered):
        (name, (digest, finished)) = older
        manifest, state, detail = str(digest), State.OUTDATED, f"{name} is there"
    failed = remembered.failed.get(key)
    if failed is not None and failed[0] >= finished:
        finished, detail, state = failed[0], failed[1], State.FAILED
    asked = {where: str(there[key]) if key in there else "" for where, there in remembered.published.items()}
    pushed = {**remembered.pushed.get(key, {}), **asked}
    return ImageStatus(
        image=str(image.name),
        series=series_of(image.name.release),
        suite=image.name.suite,
        variant=image.name.variant,
        platform=platform,
        state=state.value,
        manifest=manifest,
        finished=finished,
        pushed=tuple(sorted(where for where, digest in pushed.items() if manifest and digest == manifest)),
        detail=detail,
        published=tuple(PublishedImage(where, digest) for where, digest in sorted(asked.items()) if digest),
    )


def _older(image: Listed, platform: str, remembered: Remembered) -> tuple[str, tuple[Digest, int]] | None:
    """The newest older release of an image that is there."""
    release = f"{image.name.release}{image.name.flavour.value}"
    rest = str(image.name).removeprefix(release)
    found: list[tuple[str, tuple[Digest, int]]] = []
    for (name, where), built in remembered.built.items():
        head = name.removesuffix(rest).removesuffix(image.name.flavour.value)
        like = where == platform and name.endswith(rest) and is_release(head) and name != str(image.name)
        if like and series_of(head) == series_of(image.name.release):
            found.append((name, built))
    return max(found, key=lambda one: release_key(one[0].partition("-")[0].rstrip("td")), default=None)
