# SPDX-License-Identifier: Apache-2.0
"""Words to definitions: the images that were named, or all that the catalog offers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imagewright.app.world import World, own_platform
from imagewright.catalog.foreign import on_machine
from imagewright.catalog.resolve import resolve
from imagewright.catalog.selecting import offered
from imagewright.catalog.settings import Settings
from imagewright.catalog.specs import parse_spec
from imagewright.errors import UsageError
from imagewright.events import Sink, Warned
from imagewright.model.images import ImageDefinition
from imagewright.model.options import Selection
from imagewright.model.platforms import Platform
from imagewright.model.results import LeftOut


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a command is about: each definition with the words that meant it, and what ``--all`` leaves out."""

    named: tuple[tuple[str, ImageDefinition], ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def definitions(self) -> tuple[ImageDefinition, ...]:
        """The definitions alone."""
        return tuple(definition for _, definition in self.named)


def choose(world: World, specs: Iterable[str], wanted: Selection) -> Chosen:
    """What each specification names on each platform, in order; or everything. Raises :class:`UsageError`."""
    words = tuple(specs)
    settings = world.settings(wanted)
    machine = own_platform()
    if not wanted.everything:
        named = (
            (spec, on_machine(resolve(spec, world.catalog, settings, platform), world.catalog, settings, machine))
            for spec in words
            for platform in _platforms(world, spec, settings, wanted)
        )
        return Chosen(tuple(named))
    if words:
        raise UsageError(
            f"--all takes every image, and {words[0]} one", hint="say either, or narrow --all by --only"
        )
    offer = offered(world.catalog, settings, world.platforms(wanted), wanted.only)
    if not offer.definitions:
        why = next((f"{left.image}: {left.reason}" for left in offer.left_out), "the configuration leaves none")
        raise UsageError("there is no image to build", why=why, hint="see: imagewright plan --all")
    made = (on_machine(item, world.catalog, settings, machine) for item in offer.definitions)
    return Chosen(tuple((str(item.name), item) for item in made), offer.left_out)


def _platforms(world: World, spec: str, settings: Settings, wanted: Selection) -> tuple[Platform, ...]:
    """Those asked for; else this machine's own, or the one that there is of Windows."""
    suite = world.catalog.by_suite[parse_spec(spec, world.catalog, settings.tag_defaults).suite]
    if suite.distribution == "windows" and not wanted.platforms:
        return suite.platforms
    return world.platforms(wanted)


def warn_of(left_out: Iterable[LeftOut], sink: Sink) -> None:
    """Say what ``--all`` leaves out, once for each reason."""
    by_reason: dict[str, list[str]] = {}
    for left in left_out:
        by_reason.setdefault(left.reason, []).append(f"{left.image} {left.platform}")
    for reason, images in by_reason.items():
        more = f" and {len(images) - 1} more" if len(images) > 1 else ""
        sink(Warned(f"{images[0]}{more} left out: {reason}"))
