# SPDX-License-Identifier: Apache-2.0
"""The manifest of an official-images library: ``library``."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path

import click

from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.console import Paint
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.cli.text import count, fitted
from imagewright.errors import UsageError
from imagewright.model.emitted import LibraryManifest, LibraryOptions, LibrarySource
from imagewright.model.platforms import Platform


@click.command(
    "library",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(
            f"{PROGRAM} library --git dockerfiles --maintainer 'Ada Example <ada@example.org> (@ada)' > python",
            "write the manifest of the Dockerfiles committed there",
        ),
        Example(f"{PROGRAM} library --read python", "check a manifest, and list what is in it"),
        Example(f"{PROGRAM} library --read python --as catalog > mine.toml", "take over its images"),
    ),
)
@click.option(
    "--git",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    default=Path(),
    help="Git repository of the Dockerfiles, or a directory in it; here.",
)
@click.option("--repo", metavar="URL", help="Its address as the manifest says it; that of the remote origin.")
@click.option(
    "--maintainer",
    "maintainers",
    multiple=True,
    metavar="NAME",
    help="Who maintains the images: 'Full Name <mail> (@handle)'; repeatable.",
)
@click.option("--catalog", type=click.Path(path_type=Path), metavar="FILE", help="Another, whole catalog.")
@click.option("--platform", "platforms", type=PlatformsType(), metavar="P,…", help="Only images for these.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only images with such a tag: 'slim-*'; repeatable.")
@click.option("--read", type=click.Path(path_type=Path), metavar="FILE", help="Read a manifest instead.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["table", "manifest", "catalog"]),
    default="table",
    help="With --read: what is in it, the same file again, or a catalog for --catalog or imagewright.toml.",
)
@click.pass_obj
def library(
    session: Session,
    /,
    *,
    git: Path,
    repo: str | None,
    maintainers: tuple[str, ...],
    catalog: Path | None,
    platforms: tuple[Platform, ...] | None,
    only: tuple[str, ...],
    read: Path | None,
    form: str,
) -> None:
    """Write the library manifest of the catalog's images, or read one.

    Each image is named with the last commit that touched the directory of its Dockerfile. Images that have none
    are left out, and told on standard error; changes that are not committed are refused. What is read may be
    anybody's manifest: everything that is wrong is told with its line.
    """
    if read is None:
        if form != "table":
            raise UsageError("--as says how a manifest is shown that is read", hint="name it: --read FILE")
        options = LibraryOptions(git, repo or "", maintainers, catalog, platforms or (), only)
        made = session.application().library(options)
        session.answer(made, lambda: _lines(made.text), quiet=_lines(made.text))
        for name in made.missing:
            session.console.err([f"left out, for want of a Dockerfile: {name}"])
    elif form == "catalog":
        taken = session.application().take_over(read)
        session.answer(taken, lambda: _lines(taken.catalog), quiet=_lines(taken.catalog))
        for line in taken.differences:
            session.console.err([f"differs: {line}"])
    else:
        found = session.application().read_library(read)
        lines = _lines(found.text) if form == "manifest" else _shown(found, session)
        session.answer(found, lambda: lines, quiet=lines if form == "manifest" else _tags(found))


def _shown(found: LibraryManifest, session: Session) -> list[str]:
    return _table(found, session.console.paint_out(), session.console.width())


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def _tags(found: LibraryManifest) -> list[str]:
    return [tag for entry in found.entries for tag in entry.tags]


def _table(found: LibraryManifest, paint: Paint, width: int) -> list[str]:
    """One image after another: its first tag, where its Dockerfile is, what it is for, and what differs there."""
    room = max(len(entry.tags[0]) for entry in found.entries)
    lines: list[str] = []
    for entry in found.entries:
        usual, *others = Counter(map(_place, entry.sources)).most_common()
        names = " ".join(one.architecture for one in entry.sources)
        notes = textwrap.wrap(names, max(20, width - 4), break_on_hyphens=False)
        differing = [one for one in entry.sources if others and _place(one) != usual[0]]
        notes += [f"{one.architecture}: {_place(one)}" for one in differing]
        notes += [f"only on {', '.join(entry.constraints)}"] if entry.constraints else []
        head = f"{entry.tags[0]:<{room}}  {usual[0]}"
        notes = notes if len(head) <= width else [usual[0], *notes]
        lines.append(head if len(head) <= width else entry.tags[0])
        lines += [paint("dim", f"    {fitted(note, max(20, width - 4))}") for note in notes]
    shared = {tag for entry in found.entries for tag in entry.shared_tags}
    end = (len(found.entries), "image"), (len(_tags(found)), "simple tag"), (len(shared), "shared tag")
    return [*lines, "", ", ".join(count(number, what) for number, what in end)]


def _place(source: LibrarySource) -> str:
    file = "" if source.file == "Dockerfile" else f"/{source.file}"
    return f"{source.commit[:12]} {source.directory}{file}"
