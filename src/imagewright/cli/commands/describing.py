# SPDX-License-Identifier: Apache-2.0
"""``report`` and ``diff``: what images are, and what makes two of them different."""

from __future__ import annotations

from typing import Any

import click

from imagewright.cli import reports
from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.commands.registries import access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session
from imagewright.describe.published_markdown import published_markdown
from imagewright.model.reports import ReportOptions

_REF = "registry.example/team/python:3.13"


@click.command(
    "report",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} report {_REF}", "show what is published under a name"),
        Example(f"{PROGRAM} report {_REF} --format md", "the same as Markdown, on standard output"),
    ),
)
@click.argument("ref", metavar="REF")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.option("--as", "name", default="", metavar="NAME", help="What the report calls the image.")
@access_options
@click.pass_obj
def report(session: Session, /, *, ref: str, form: str, name: str, **rest: Any) -> None:
    """Describe an image of any place: what is published, and what is in it."""
    with session.progress() as sink:
        found = session.application().report(ref, ReportOptions(name, access(rest)), sink)
    if form == "md" and not session.words.json:
        session.console.out(published_markdown(found.published))
        return
    session.words.json = session.words.json or form == "json"
    session.answer(
        found,
        lambda: reports.published(found.published, session.console.paint_out(), session.console.width()),
        quiet=[str(found.published.digest)],
    )
