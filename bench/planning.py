# SPDX-License-Identifier: Apache-2.0
"""How long planning a large catalog takes: the tags of every image, what each is made of, and the plan of all.

``PYTHONPATH=tests python bench/planning.py [N]…`` (without N: 250, 500, 1000, 2000): a synthetic catalog of N
images (series of the shipped suites, full and slim, two flavours) and a lock that fits it, whose full variant has
about as many packages as the real one. Making catalog and lock is not measured: these are inputs. What counts is
the process's own time, so that other work on the machine matters less. The goal is for the largest N; twice the
images should take about twice the time.
"""

from __future__ import annotations

import gc
import resource
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from imagewright.catalog.listing import Wanted, listed
from imagewright.catalog.model import Catalog, Release
from imagewright.catalog.resolve import define, locked_source
from imagewright.catalog.settings import Settings, resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.specs import image_names
from imagewright.model.digest import Digest
from imagewright.model.images import Flavour, ImageDefinition, ImageName
from imagewright.model.lock import Lock, PackageSet, Role
from imagewright.model.platforms import parse_platform
from imagewright.planning.candidates import Candidates
from imagewright.planning.locking import LockInputs, make_lock
from imagewright.planning.steps import make_plan
from imagewright.planning.targets import SetId, checksum, set_id, target_of
from support.locks import archives, candidates, package

GOAL = 1.0
"""Seconds for the largest catalog, on a machine of two cores."""

SUITES = ("trixie", "bookworm")
VARIANTS = ("full", "slim")
FLAVOURS = (Flavour.DEFAULT, Flavour.DEBUG)
FILLERS = 330
"""Libraries that the full variant needs here; it then has about as many packages as the real one."""

PLATFORM = parse_platform("linux/amd64")
SETTINGS = resolve_settings()


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds for N images: their tags, their definitions, their plan; and how many steps the plan has."""

    images: int
    tags: float
    definitions: float
    plan: float
    steps: int

    @property
    def whole(self) -> float:
        """All of it."""
        return self.tags + self.definitions + self.plan


def catalog_of(images: int) -> Catalog:
    """The shipped catalog with so many series like 3.13 that there are ``images`` of all suites and variants."""
    shipped = shipped_catalog()
    like, release = shipped.by_series["3.13"], shipped.by_release["3.13.15"]
    count = -(-images // (len(SUITES) * len(VARIANTS) * len(FLAVOURS)))
    series, releases = [], []
    for number in range(count):
        name = f"4.{number}"
        releases.append(_release(release, name))
        series.append(replace(like, name=name, current=f"{name}.1", aliases=(), suites=SUITES))
    return replace(
        shipped,
        series=tuple(series),
        releases=tuple(releases),
        variants=tuple(variant for variant in shipped.variants if variant.name in VARIANTS),
    )


def _release(like: Release, series: str) -> Release:
    return replace(like, version=f"{series}.1", series=series, sha256=Digest.of(series.encode()))


def lock_of(definitions: Iterable[ImageDefinition], catalog: Catalog) -> Lock:
    """A lock of them all. One series is solved; the others have its packages."""
    chosen = tuple(definitions)
    first = [definition for definition in chosen if definition.series == chosen[0].series]
    small = make_lock(
        first, catalog, LockInputs(_candidates, tuple(one for suite in SUITES for one in archives(suite)))
    )
    solved = {set_id(found): found for found in small.sets}
    alike = {_place(definition): target_of(definition, catalog) for definition in first}
    sets: dict[SetId, PackageSet] = {}
    for definition in chosen:
        model, target = alike[_place(definition)], target_of(definition, catalog)
        for have, wanted in zip(model.sets, target.sets, strict=True):
            sets[wanted] = replace(solved[have], key=wanted[3])
    releases = {definition.name.release: definition for definition in chosen}
    return Lock(
        configuration=tuple(sorted((target_of(one, catalog).name, checksum(one, catalog)) for one in chosen)),
        archives=small.archives,
        sets=tuple(found for _, found in sorted(sets.items())),
        sources=tuple(
            locked_source(catalog.by_release[version], catalog.by_series[one.series], catalog.wheels)
            for version, one in sorted(releases.items())
        ),
    )


def _place(definition: ImageDefinition) -> tuple[str, str, Flavour]:
    return definition.name.suite, definition.name.variant, definition.name.flavour


def _candidates(suite: str, architecture: str) -> Candidates:
    names = [f"libfiller{number}" for number in range(FILLERS)]
    fillers = [package(name, suite=suite) for name in names]
    root = package("imagemagick", suite=suite, depends_text=", ".join(names))
    return candidates(suite, architecture, without=("imagemagick",), more=(*fillers, root))


def measure(images: int) -> Taken:
    """Plan a catalog of that many images; catalog and lock are made before."""
    catalog = catalog_of(images)
    names = tuple(image_names(catalog, FLAVOURS))[:images]
    lock = lock_of(defined(names, catalog, SETTINGS), catalog)
    largest = max((len(found.packages) for found in lock.sets if found.role is Role.RUNTIME), default=0)
    catalog = replace(catalog)  # without what it remembers
    gc.collect()
    begun = time.process_time()
    tagged = listed(catalog, catalog.by_scheme["official"], wanted=Wanted(tuple(map(str, names))))
    after_tags = time.process_time()
    definitions = defined(names, catalog, SETTINGS)
    after_definitions = time.process_time()
    plan = make_plan(definitions, lock, catalog)
    ended = time.process_time()
    assert len(tagged) == len(plan.images) == images, (len(tagged), len(plan.images), largest)
    return Taken(
        images, after_tags - begun, after_definitions - after_tags, ended - after_definitions, len(plan.steps)
    )


def defined(names: Iterable[ImageName], catalog: Catalog, settings: Settings) -> tuple[ImageDefinition, ...]:
    """What each image is made of."""
    return tuple(define(name, catalog, settings, PLATFORM) for name in names)


def main(words: list[str]) -> int:
    """Measure, print a line for each size; 1 if the goal is missed."""
    sizes = [int(word) for word in words] or [250, 500, 1000, 2000]
    measure(min(sizes))  # imports and what is read once
    print(f"{'images':>8}{'steps':>8}{'tags':>9}{'defined':>9}{'plan':>9}{'all':>9}{'per image':>12}")
    whole = 0.0
    for size in sizes:
        taken = measure(size)
        whole = taken.whole
        print(
            f"{size:>8}{taken.steps:>8}{taken.tags:>8.3f}s{taken.definitions:>8.3f}s{taken.plan:>8.3f}s"
            f"{whole:>8.3f}s{whole / size * 1e6:>9.0f} us"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"peak memory {peak / 1e6:.0f} MB; goal {GOAL} s: {'met' if whole < GOAL else 'missed'}")
    return int(whole >= GOAL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
