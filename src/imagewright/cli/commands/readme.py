# SPDX-License-Identifier: Apache-2.0
"""Descriptions of repositories: ``readme``."""

from __future__ import annotations

from pathlib import Path

import click

from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.emitted import ReadmeOptions


@click.command(
    "readme",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} readme python > README.md", "of the repository for all platforms"),
        Example(f"{PROGRAM} readme i386/python --library python", "of one platform, with commits from a manifest"),
        Example(f"{PROGRAM} readme example/python --git dockerfiles", "of your own, with commits from Git"),
    ),
)
@click.argument("name", metavar="NAME")
@click.option(
    "--style",
    type=click.Choice(["official", "classic", "infra7"]),
    help="Layout: the official images' of today or of 2019, or infra7's with its table of what was built.",
)
@click.option("--catalog", type=click.Path(path_type=Path), metavar="FILE", help="Another, whole catalog.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only images with such a tag: 'slim-*'; repeatable.")
@click.option(
    "--library", type=click.Path(path_type=Path), metavar="FILE", help="Manifest with the commits of Dockerfiles."
)
@click.option(
    "--git",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Git repository of the Dockerfiles, for their commits.",
)
@click.pass_obj
def readme(
    session: Session,
    /,
    *,
    name: str,
    style: str | None,
    catalog: Path | None,
    only: tuple[str, ...],
    library: Path | None,
    git: Path | None,
) -> None:
    """Write the README of a repository: its tags, platforms and variants, and how to use it.

    NAME is a repository such as python, example/python, or i386/python: the namespace of a platform leaves what
    exists for it. Names, hosts and links come from [publication] of imagewright.toml. What is longer than a
    registry's description may be is shortened by rule, which is told on standard error.
    """
    if library is not None and git is not None:
        raise UsageError("--library and --git both say the commits", hint="say either")
    options = ReadmeOptions(style=style or "", library=library, git=git, catalog=catalog, only=only)
    written = session.application().readme(name, options)
    lines = written.text.removesuffix("\n").split("\n")
    session.answer(written, lambda: lines, quiet=lines)
    if written.shortened:
        session.console.err([f"shortened to {written.bytes} bytes: {', '.join(written.shortened)}"])
