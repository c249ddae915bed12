# SPDX-License-Identifier: Apache-2.0
"""``import``: images that somebody builds already."""

from __future__ import annotations

from pathlib import Path

import click

from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session
from imagewright.cli.text import count, one_line
from imagewright.model.takeovers import Remark


@click.command(
    "import",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} import ../python > imagewright.toml", "take over a repository's images"),
        Example(f"{PROGRAM} import ../python --json", "the same, with what could not be carried over"),
    ),
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def import_(session: Session, /, *, directory: Path) -> None:
    """Print the configuration that a repository of Dockerfiles amounts to, and say what it lacks.

    DIR holds versions.json with its Dockerfiles, as the official images do, or versions/*.env with targets/, as
    infra7 does. Everything is read as text; nothing of it is run. What could not be carried over is told on
    standard error, with file and line.
    """
    taken = session.application().import_repository(directory)
    lines = taken.configuration.removesuffix("\n").split("\n")
    session.answer(taken, lambda: lines, quiet=lines)
    if taken.remarks and not session.words.quiet:
        session.console.err(
            [*map(_shown, taken.remarks), f"{count(len(taken.remarks), 'thing')} not carried over"]
        )


def _shown(remark: Remark) -> str:
    place = f"{remark.file}:{remark.line}: " if remark.line else f"{remark.file}: " if remark.file else ""
    return one_line(f"{place}{remark.what}")
