# SPDX-License-Identifier: Apache-2.0
"""What there is: ``tags``."""

from __future__ import annotations

from pathlib import Path

import click

from imagewright.cli import tables
from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.model.options import TagOptions
from imagewright.model.platforms import Platform


@click.command(
    "tags",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} tags", "every image of the catalog"),
        Example(f"{PROGRAM} tags 3.13t-slim 3.13.5", "these images, also of other flavours and older releases"),
        Example(f"{PROGRAM} tags --only 'slim-*' --arch arm32v7", "slim images that exist for an architecture"),
        Example(f"{PROGRAM} tags --catalog 2020.toml --json", "of another catalog, for scripts"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@click.option(
    "--catalog",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="List another, whole catalog instead: a TOML file with its series, suites and variants.",
)
@click.option("--arch", "arches", type=PlatformsType(), metavar="NAME", help="As --platform, by any name: i386.")
@click.option("--platform", "platforms", type=PlatformsType(), metavar="P,…", help="Only images for these.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only images with such a tag: 'slim-*'; repeatable.")
@click.pass_obj
def tags(
    session: Session,
    /,
    *,
    specs: tuple[str, ...],
    catalog: Path | None,
    arches: tuple[Platform, ...] | None,
    platforms: tuple[Platform, ...] | None,
    only: tuple[str, ...],
) -> None:
    """List images with their simple and shared tags.

    A simple tag names one image, a shared tag may name several; both are indexes over architectures. The order is
    that of publication. Nothing is fetched or opened.
    """
    wanted = tuple(dict.fromkeys((*(arches or ()), *(platforms or ()))))
    images = session.application().tags(specs, TagOptions(catalog=catalog, platforms=wanted, only=only))
    console = session.console
    session.answer(
        images,
        lambda: tables.tags(images, console.paint_out(), console.width()),
        quiet=[tag for image in images for tag in image.tags],
    )
