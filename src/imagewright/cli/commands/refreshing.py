# SPDX-License-Identifier: Apache-2.0
"""``refresh``: one command for a timer, from what is behind to what is published."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli import behind
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM
from imagewright.cli.commands.registries import REPOSITORY, access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.platforms import Platform
from imagewright.model.refreshing import RefreshOptions


@click.command(
    "refresh",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} refresh --dry-run", "what is behind, and what rebuilding costs"),
        Example(f"{PROGRAM} refresh --push {REPOSITORY} --notes changes/", "for a timer: build, publish, tell"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@click.option("--push", "repository", default="", metavar="REPOSITORY", help="Publish the images there.")
@click.option(
    "--require",
    type=PlatformsType(),
    metavar="P,…",
    default=(),
    help="Platforms that must be in the index before tags move.",
)
@click.option(
    "--notes",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write a change note (Markdown) for each image there.",
)
@click.option("--only", type=click.Choice(["packages"]), help="Look for packages alone, not for releases.")
@click.option("--force", is_flag=True, help="Publish images of the quick profile too.")
@click.option("--dry-run", is_flag=True, help="Only look; write nothing but the store.")
@access_options
@click.pass_obj
def refresh(
    session: Session,
    /,
    *,
    specs: tuple[str, ...],
    repository: str,
    require: tuple[Platform, ...],
    notes: Path | None,
    only: str | None,
    force: bool,
    dry_run: bool,
    **rest: Any,
) -> None:
    """Build what is behind anew, and publish it.

    Looks at the images in the store, or at those that are named: for newer packages, security updates first, and
    newer releases of CPython. The lock changes, and tags move, only when every image was built and has passed its
    checks; else both stay as they were and the exit status is 1. Running it again does no harm.
    """
    for value, word in ((require, "--require"), (force, "--force")):
        if value and not repository:
            raise UsageError(f"{word} is for what is pushed", hint="say where: --push REPOSITORY")
    options = RefreshOptions(
        repository=repository,
        access=access(rest),
        require=require,
        releases=only is None,
        notes=notes,
        force=force,
        dry_run=dry_run,
    )
    with session.progress() as sink:
        done = session.application().refresh(specs, options, sink)
    console = session.console
    session.answer(
        done,
        lambda: behind.refreshed(done, console.paint_out(), console.width()),
        quiet=[str(image.digest) for image in done.refreshed],
    )
    if done.failed or (not dry_run and any(image.rebuild is None for image in done.behind)):
        raise click.exceptions.Exit(FAILED)
