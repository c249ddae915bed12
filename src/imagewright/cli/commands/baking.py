# SPDX-License-Identifier: Apache-2.0
"""``bake``: the matrix for BuildKit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli.commands.dockerfiles import left_out
from imagewright.cli.commands.group import HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.selecting import many_options, refuse_mixed, selection, selection_options
from imagewright.cli.session import Session
from imagewright.model.dockerfiles import BakeOptions


@click.command(
    "bake",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} bake --all --tree dockerfiles > docker-bake.json", "the whole catalog"),
        Example(f"{PROGRAM} bake {SPEC} 3.13-trixie --contexts inputs/ > docker-bake.json", "with all its inputs"),
        Example(f"{PROGRAM} bake --all --builder kubernetes --cache r.example/cache", "with caches in a registry"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@many_options
@click.option(
    "--builder",
    type=click.Choice(["docker", "docker-container", "kubernetes", "remote"]),
    default="docker-container",
    show_default=True,
    help="Kind of builder. The engine's own (docker) builds one platform, without attestations and shared caches.",
)
@click.option(
    "--repository", default="", metavar="NAME", help="What stands before tags: registry.example/team/python."
)
@click.option(
    "--cache", default="", metavar="REPOSITORY", help="Repository of a registry that keeps build caches."
)
@click.option("--tree", default=".", metavar="DIR", help="Where the Dockerfiles are, as seen from bake; here.")
@click.option(
    "--contexts",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Put all that the builds read here, out of the store: they then need no network.",
)
@selection_options
@click.pass_obj
def bake(
    session: Session,
    /,
    *,
    specs: tuple[str, ...],
    builder: str,
    repository: str,
    cache: str,
    tree: str,
    contexts: Path | None,
    **words: Any,
) -> None:
    """Write a bake file, with which BuildKit builds images and compiles each interpreter once.

    Each image is a target; images of one release and suite share the target that compiles. Groups are series,
    suites and variants. The Dockerfiles are those that 'imagewright dockerfiles' writes.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    options = BakeOptions(selection(**words), builder, repository, cache, tree, contexts)
    with session.progress() as sink:
        made = session.application().bake(specs, options, sink)
    lines = made.text.removesuffix("\n").split("\n")
    session.answer(made, lambda: lines, quiet=lines)
    session.console.err([*(f"first: docker load --input {path}" for path in made.load), *left_out(made.left_out)])
