# SPDX-License-Identifier: Apache-2.0
"""A site about images: ``site``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.commands.registries import access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session
from imagewright.cli.text import count, size
from imagewright.errors import UsageError
from imagewright.model.catalogues import CatalogueOptions, WrittenSite

_ADDRESS = "127.0.0.1:8000"


@click.command(
    "site",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} site public/", "of every image in the store"),
        Example(f"{PROGRAM} site public/ --serve", "and look at it in a browser"),
        Example(f"{PROGRAM} site public/ registry.example/team/python --all-tags", "of a repository"),
    ),
)
@click.argument("directory", metavar="OUT", type=click.Path(path_type=Path, file_okay=False))
@click.argument("refs", metavar="[REF…]", nargs=-1)
@click.option("--stored", is_flag=True, help="The store's images too, beside those of the REFs.")
@click.option("--all-tags", is_flag=True, help="Every tag of repositories and layouts that are named without one.")
@click.option("--no-content", is_flag=True, help="Read no layers: no packages, files and bills of materials.")
@click.option("--catalog", type=click.Path(path_type=Path), metavar="FILE", help="Another, whole catalog.")
@click.option(
    "--serve",
    is_flag=False,
    flag_value=_ADDRESS,
    metavar="[ADDRESS:PORT]",
    help=f"Then serve it on this machine until Ctrl-C; {_ADDRESS} unless said. Goes last.",
)
@access_options
@click.pass_obj
def site(
    session: Session,
    /,
    *,
    directory: Path,
    refs: tuple[str, ...],
    stored: bool,
    all_tags: bool,
    no_content: bool,
    catalog: Path | None,
    serve: str | None,
    **rest: Any,
) -> None:
    """Write static pages about images: those of the store, or of REFs of any place.

    The pages open from the disk as well as over http, and load nothing from elsewhere: a search by tag, digest and
    package; of each image its layers, packages, bill of materials, sizes over time and status. What is in OUT from
    an earlier run is brought up to date; a directory with other things in it is refused. Title, links and the
    repository to pull from come from [publication] of imagewright.toml.
    """
    if all_tags and not refs:
        raise UsageError("--all-tags needs a repository or layout", hint="name it after OUT")
    options = CatalogueOptions(refs, stored, all_tags, not no_content, catalog, access(rest))
    application = session.application()
    with session.progress() as sink:
        written = application.site(directory, options, sink)
    session.answer(written, lambda: _text(written), quiet=[str(directory / "index.html")])
    if serve is not None:
        try:
            application.serve_site(directory, serve, lambda url: session.console.err([f"{url} until Ctrl-C"]))
        except KeyboardInterrupt:
            session.console.err(["stopped"])


def _text(written: WrittenSite) -> list[str]:
    read = f", {written.read} read now" if written.read else ""
    lines = [
        f"{written.directory / 'index.html'}",
        f"images      {written.images}{read}",
        f"files       {count(written.files, 'file')}, {size(written.bytes)}",
        f"changed     {written.written} written, {written.unchanged} as before, {written.removed} removed",
    ]
    return lines + [f"not shown   {one.image} {one.platform}: {one.reason}" for one in written.not_shown]
