# SPDX-License-Identifier: Apache-2.0
"""Options that say which images, platforms and builds are meant; commands share them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from imagewright.cli.platforms import PlatformsType
from imagewright.errors import UsageError
from imagewright.model.images import Bytecode, Compression, Foreign, Profile
from imagewright.model.options import Selection
from imagewright.model.platforms import Platform

F = TypeVar("F", bound=Callable[..., Any])


def selection_options(function: F) -> F:
    """Which builds of an image are meant; collected by :func:`selection`."""
    decorators = (
        click.option("--platform", type=PlatformsType(), metavar="P,…", help="Platforms; this machine's own."),
        click.option(
            "--profile",
            type=click.Choice([profile.value for profile in Profile]),
            help="release: PGO and LTO. quick: neither, for tests, and marked so in the image.",
        ),
        click.option(
            "--bytecode",
            type=click.Choice([bytecode.value for bytecode in Bytecode]),
            help="Ship compiled bytecode of the standard library, or none as the official image does.",
        ),
        click.option(
            "--frame-pointers/--no-frame-pointers",
            default=None,
            help="Keep frame pointers for profilers, at a small cost in speed.",
        ),
        click.option(
            "--compression",
            type=click.Choice([compression.value for compression in Compression]),
            help="How layers are compressed; gzip is read by everything.",
        ),
        click.option(
            "--foreign",
            type=click.Choice([way.value for way in Foreign]),
            help="For other processors: compile with a cross compiler, or all of it emulated (ten times longer).",
        ),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def many_options(function: F) -> F:
    """All images instead of named ones; collected by :func:`selection`."""
    decorators = (
        click.option("--all", "everything", is_flag=True, help="Every image of the catalog's current releases."),
        click.option(
            "--only",
            multiple=True,
            metavar="GLOB",
            help="Of those, the ones with such a simple tag or ending, e.g. '3.13-*' or 'slim-*'; repeatable.",
        ),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def refuse_mixed(specs: tuple[str, ...], *, everything: bool, only: tuple[str, ...]) -> None:
    """Raise :class:`UsageError` unless either images are named or all are meant."""
    if everything and specs:
        raise UsageError(f"--all takes every image, and {specs[0]} one", hint="say either; --only narrows --all")
    if only and not everything:
        raise UsageError("--only narrows --all", hint=f"say: --all --only '{only[0]}'")
    if not specs and not everything:
        raise UsageError("no image is named", hint="give a SPEC such as 3.13-slim-trixie, or --all")


def selection(
    *,
    platform: tuple[Platform, ...] | None,
    profile: str | None,
    bytecode: str | None,
    frame_pointers: bool | None,
    compression: str | None,
    foreign: str | None,
    everything: bool = False,
    only: tuple[str, ...] = (),
) -> Selection:
    """What :func:`selection_options` gave, and :func:`many_options` where a command has them."""
    return Selection(
        platforms=platform or (),
        profile=Profile(profile) if profile else None,
        bytecode=Bytecode(bytecode) if bytecode else None,
        frame_pointers=frame_pointers,
        compression=Compression(compression) if compression else None,
        everything=everything,
        only=only,
        foreign=Foreign(foreign) if foreign else None,
    )
