# SPDX-License-Identifier: Apache-2.0
"""How far the images have come: ``status``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.commands.registries import access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.platforms import Platform
from imagewright.model.statuses import StatusOptions


@click.command(
    "status",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} status", "a table: series by suite, for this machine's platform"),
        Example(f"{PROGRAM} status --only 'slim-*' --format md", "of slim images, for a README"),
        Example(f"{PROGRAM} status --every-platform --format svg > status.svg", "as a sheet of badges"),
        Example(
            f"{PROGRAM} status --registry registry.example/team/python", "and whether it has these images now"
        ),
    ),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "md", "json", "svg"]),
    default="table",
    help="A table for the terminal, Markdown, JSON (as --json), or SVG.",
)
@click.option("--catalog", type=click.Path(path_type=Path), metavar="FILE", help="Another, whole catalog.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only images with such a tag: 'slim-*'; repeatable.")
@click.option("--platform", "platforms", type=PlatformsType(), metavar="P,…", help="These; this machine's own.")
@click.option("--every-platform", is_flag=True, help="Every platform that the images are published for.")
@click.option(
    "--registry",
    "registries",
    multiple=True,
    metavar="REPOSITORY",
    help="Ask this repository what it has, instead of believing what was noted of pushes; repeatable.",
)
@access_options
@click.pass_obj
def status(
    session: Session,
    /,
    *,
    form: str,
    catalog: Path | None,
    only: tuple[str, ...],
    platforms: tuple[Platform, ...] | None,
    every_platform: bool,
    registries: tuple[str, ...],
    **rest: Any,
) -> None:
    """Show which images were built, checked and pushed, by the store's records.

    A cell has ✓ if every image of that series and suite passed its checks, and ↑ if all were pushed too; ✗ if one
    failed; ○ for built ones and ↻ for older releases; else how many passed; nothing where none was attempted.
    Several platforms have rows of their own. --json tells each image by itself, with its digest, what failed, and
    where it was pushed to.
    """
    if platforms and every_platform:
        raise UsageError("--platform and --every-platform contradict each other", hint="say either")
    from imagewright.describe import status_badges, status_text

    found = session.application().statuses(
        StatusOptions(
            catalog=catalog,
            platforms=platforms or (),
            only=only,
            every=every_platform,
            apart=True,
            registries=registries,
            access=access(rest),
        )
    )
    if form == "json":
        session.words.json = True
    text = {"md": status_text.markdown, "svg": status_badges.svg}.get(form)
    lines = text(found).removesuffix("\n").split("\n") if text else []
    lines = lines or status_text.plain(found, session.console.width())
    session.answer(found, lambda: lines, quiet=lines)
