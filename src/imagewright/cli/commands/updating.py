# SPDX-License-Identifier: Apache-2.0
"""``update`` and ``outdated``: what is new outside, and what is behind here."""

from __future__ import annotations

import re

import click

from imagewright.cli import behind
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.options import UpdateOptions

_SERIES = re.compile(r"\d{1,3}\.\d{1,3}", re.ASCII)


@click.command(
    "update",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} update --dry-run", "show what is new"),
        Example(f"{PROGRAM} update --series 3.13", "take in what is new for one series"),
        Example(f"{PROGRAM} update --only packages", "security updates, without looking for releases"),
    ),
)
@click.option("--series", multiple=True, metavar="X.Y", help="Only this series; repeatable.")
@click.option("--only", type=click.Choice(["releases", "packages"]), help="Only one half of it.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write nothing but the store.")
@click.option(
    "--accept",
    multiple=True,
    metavar="VERSION",
    help="Take this release although only python.org vouches for its digest; repeatable.",
)
@click.option("--prereleases", is_flag=True, help="Also prereleases in series that have a final release.")
@click.option("--toolchain", is_flag=True, help="Bring build roots up to date too; Python is compiled anew.")
@click.pass_obj
def update(
    session: Session,
    /,
    *,
    series: tuple[str, ...],
    only: str | None,
    dry_run: bool,
    accept: tuple[str, ...],
    prereleases: bool,
    toolchain: bool,
) -> None:
    """Take in new CPython releases and new package versions.

    Releases come from python.org and from Debian's signed source indexes, each with evidence for its digest, and
    go into imagewright.releases.toml beside the lock. Everything that the lock knows is locked anew.
    """
    for name in series:
        if not _SERIES.fullmatch(name):
            raise UsageError(f"--series {name!r} is not a series", hint="such as --series 3.13")
    options = UpdateOptions(
        series=tuple(dict.fromkeys(series)),
        dry_run=dry_run,
        accept=tuple(dict.fromkeys(accept)),
        prereleases=prereleases,
        releases=only != "packages",
        packages=only != "releases",
        toolchain=toolchain,
    )
    with session.progress() as sink:
        done = session.application().update(options, sink)
    session.answer(
        done,
        lambda: behind.update(done, session.console.paint_out(), session.console.width()),
        quiet=behind.update_names(done),
    )


@click.command(
    "outdated",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} outdated", "look at every image in the store"),
        Example(f"{PROGRAM} outdated --exit-code '3.13*'", "exit status 1 if one of these is behind"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@click.option("--exit-code", is_flag=True, help="Exit status 1 if anything is behind.")
@click.pass_obj
def outdated(session: Session, /, *, specs: tuple[str, ...], exit_code: bool) -> None:
    """List built images that are behind, and what a rebuild costs.

    Packages with newer versions in the archive come first where they are security updates; then the release, if
    the catalog has a newer one. Nothing is changed; 'update' and 'build' bring images up to date.
    """
    with session.progress() as sink:
        images = session.application().outdated(specs, sink)
    console = session.console
    session.answer(
        images,
        lambda: behind.outdated(images, console.paint_out(), console.width()),
        quiet=[f"{image.spec} {image.platform}" for image in images],
    )
    if exit_code and images:
        raise click.exceptions.Exit(FAILED)
