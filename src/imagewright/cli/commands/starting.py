# SPDX-License-Identifier: Apache-2.0
"""``init``: the first configuration of a project."""

from __future__ import annotations

import click

from imagewright.cli.commands.group import HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session


@click.command(
    "init",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} init", "write imagewright.toml here"),
        Example(f"{PROGRAM} init --config other.toml", "write it under another name"),
    ),
)
@click.pass_obj
def init(session: Session, /) -> None:
    """Write a small imagewright.toml to begin with.

    A file that is there already is never overwritten.
    """
    started = session.application().init()
    session.answer(
        started,
        lambda: [f"wrote {started.path}", f"now try: {PROGRAM} build {SPEC}"],
        quiet=[str(started.path)],
    )
