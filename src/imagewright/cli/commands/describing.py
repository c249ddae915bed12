# SPDX-License-Identifier: Apache-2.0
"""``report`` and ``diff``: what images are, and what makes two of them different."""

from __future__ import annotations

from typing import Any

import click

from imagewright.cli import contents, differences, reports
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM
from imagewright.cli.commands.registries import access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.describe.contents_markdown import contents_markdown
from imagewright.describe.difference import differs
from imagewright.describe.difference_markdown import difference_markdown
from imagewright.describe.page import report_page
from imagewright.describe.published_markdown import published_markdown
from imagewright.errors import UsageError
from imagewright.model.differences import DiffOptions
from imagewright.model.platforms import Platform
from imagewright.model.reports import Report, ReportOptions

_REF = "registry.example/team/python:3.13"


@click.command(
    "report",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} report {_REF}", "show what is published under a name"),
        Example(f"{PROGRAM} report {_REF} --local", "show what is in it: packages, licences, files, sizes"),
        Example(f"{PROGRAM} report store:3.13-slim --format md", "all of it as Markdown"),
        Example(f"{PROGRAM} report store:3.13-slim --format html", "a page with a map of layers and directories"),
    ),
)
@click.argument("ref", metavar="REF")
@click.option("--remote", "published", is_flag=True, help="What is published: manifests, history, layers.")
@click.option("--local", "content", is_flag=True, help="What is in it, read from its layers.")
@click.option(
    "--platform", type=PlatformsType(), metavar="P,…", default=(), help="Whose content; this machine's own."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "json", "html"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.option("--as", "name", default="", metavar="NAME", help="What the report calls the image.")
@access_options
@click.pass_obj
def report(
    session: Session,
    /,
    *,
    ref: str,
    published: bool,
    content: bool,
    platform: tuple[Platform, ...],
    form: str,
    name: str,
    **rest: Any,
) -> None:
    """Describe an image of any place, whoever built it.

    Of a registry's image what is published, unless --local is said; of any other, and with both words, also what
    is in it.
    """
    options = ReportOptions(name, access(rest), published, content, platform)
    with session.progress() as sink:
        found = session.application().report(ref, options, sink)
    if form == "md" and not session.words.json:
        session.console.out(_markdown(found))
        return
    if form == "html" and not session.words.json:
        session.console.out(report_page(found).splitlines())
        return
    session.words.json = session.words.json or form == "json"
    session.answer(found, lambda: _text(found, session), quiet=[str(found.digest)])


@click.command(
    "diff",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} diff {_REF} store:3.13-slim", "what a push would change for users"),
        Example(f"{PROGRAM} diff oci:before oci:after --format md", "for a change note"),
    ),
)
@click.argument("refs", metavar="REF REF", nargs=2)
@click.option("--platform", type=PlatformsType(), metavar="P", default=(), help="Which one; this machine's own.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "md", "json"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.option("--exit-code", is_flag=True, help="End with status 1 if they differ.")
@access_options
@click.pass_obj
def diff(
    session: Session,
    /,
    *,
    refs: tuple[str, str],
    platform: tuple[Platform, ...],
    form: str,
    exit_code: bool,
    **rest: Any,
) -> int:
    """Compare two images: packages, configuration, interpreter, layers and files.

    Times of files do not count, nor does how files are spread over layers.
    """
    if len(platform) > 1:
        raise UsageError("--platform takes one platform here", hint="compare one after the other")
    options = DiffOptions(access(rest), platform[0] if platform else None)
    with session.progress() as sink:
        found = session.application().diff(refs, options, sink)
    if form == "md" and not session.words.json:
        session.console.out(difference_markdown(found))
    else:
        session.words.json = session.words.json or form == "json"
        session.answer(
            found,
            lambda: differences.difference(found, session.console.paint_out(), session.console.width()),
            quiet=[each.name for each in (*found.packages, *found.python_packages)],
        )
    return FAILED if exit_code and differs(found) else 0


def _markdown(found: Report) -> list[str]:
    parts = [published_markdown(found.published)] if found.published is not None else []
    parts += [contents_markdown(found.name, each) for each in found.contents]
    return [line for number, part in enumerate(parts) for line in (*([""] if number else []), *part)]


def _text(found: Report, session: Session) -> list[str]:
    paint, width = session.console.paint_out(), session.console.width()
    parts = [reports.published(found.published, paint, width)] if found.published is not None else []
    parts += [contents.content(found.name, each, paint, width) for each in found.contents]
    return [line for number, part in enumerate(parts) for line in (*([""] if number else []), *part)]
