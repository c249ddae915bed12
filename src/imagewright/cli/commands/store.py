# SPDX-License-Identifier: Apache-2.0
"""``store``: looking at it, cleaning it, verifying it."""

from __future__ import annotations

import click

from imagewright.cli import summary
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM
from imagewright.cli.options import Command, Example, Group
from imagewright.cli.session import Session


@click.group(cls=Group, context_settings=HELP)
def store() -> None:
    """Look at the store, clean it, verify it."""


@store.command(
    "ls", cls=Command, context_settings=HELP, examples=(Example(f"{PROGRAM} store ls", "list the images"),)
)
@click.pass_obj
def store_ls(session: Session, /) -> None:
    """List the images in the store."""
    contents = session.application().store_list()
    session.answer(
        contents,
        lambda: summary.store_list(contents, session.console.paint_out()),
        quiet=[image.image for image in contents.images],
    )


@store.command(
    "gc",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} store gc --keep-days 7", "remove what a week's builds did not use"),),
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="Keep what was used in the last DAYS days.",
)
@click.pass_obj
def store_gc(session: Session, /, *, dry_run: bool, keep_days: float) -> None:
    """Remove what no recent build used."""
    collected = session.application().store_gc(dry_run=dry_run, keep_days=keep_days)
    session.answer(collected, lambda: summary.store_gc(collected))


@store.command(
    "fsck",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} store fsck --repair", "drop what is damaged; the next build makes it again"),),
)
@click.option("--repair", is_flag=True, help="Drop what is damaged.")
@click.pass_obj
def store_fsck(session: Session, /, *, repair: bool) -> None:
    """Read the whole store and compare every content with its name.

    Exit status 1 if problems are left.
    """
    found = session.application().store_fsck(repair=repair)
    session.answer(found, lambda: summary.store_fsck(found, session.console.paint_out()), quiet=found.problems)
    if len(found.problems) > found.repaired:
        raise click.exceptions.Exit(FAILED)
