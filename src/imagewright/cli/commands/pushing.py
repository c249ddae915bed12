# SPDX-License-Identifier: Apache-2.0
"""``push``: images with all their tags, to a registry."""

from __future__ import annotations

from typing import Any

import click

from imagewright.cli import transfers
from imagewright.cli.commands.group import HELP, PROGRAM, SPEC
from imagewright.cli.commands.registries import REPOSITORY, access, access_options
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.selecting import many_options, refuse_mixed, selection, selection_options
from imagewright.cli.session import Session
from imagewright.model.platforms import Platform
from imagewright.model.pushing import PushOptions


@click.command(
    "push",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} push {SPEC} {REPOSITORY}", "blobs, manifests, index, then all its tags"),
        Example(
            f"{PROGRAM} push {SPEC} {REPOSITORY} --require linux/amd64,linux/arm64",
            "move tags only when both platforms are there",
        ),
    ),
)
@click.argument("words", metavar="[SPEC…] REPOSITORY", nargs=-1, required=True)
@click.option(
    "--require",
    type=PlatformsType(),
    metavar="P,…",
    default=(),
    help="Platforms that must be in the index before tags move.",
)
@click.option(
    "--per-architecture",
    default="",
    metavar="PATTERN",
    help="Publish each platform alone too, where this says: registry.example/{architecture}/python.",
)
@click.option("--mount", multiple=True, metavar="REPOSITORY", help="May have blobs already; repeatable.")
@click.option("--replace", is_flag=True, help="Give up platforms that others published of the same image.")
@click.option("--force", is_flag=True, help="Publish images of the quick profile too.")
@click.option("--no-attestations", is_flag=True, help="Leave out bills of materials and provenance.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent and moved.")
@access_options
@many_options
@selection_options
@click.pass_obj
def push(
    session: Session,
    /,
    *,
    words: tuple[str, ...],
    require: tuple[Platform, ...],
    per_architecture: str,
    mount: tuple[str, ...],
    replace: bool,
    force: bool,
    no_attestations: bool,
    dry_run: bool,
    **rest: Any,
) -> None:
    """Publish images with all their tags.

    They are built and checked first if need be. Tags move last and together; platforms that were published before
    of the same image stay in its index. A push that was interrupted goes on where it stopped.
    """
    *specs, destination = words
    refuse_mixed(tuple(specs), everything=rest["everything"], only=rest["only"])
    reach = access(rest)
    options = PushOptions(
        selection=selection(**rest),
        access=reach,
        require=require,
        per_architecture=per_architecture,
        mount=mount,
        force=force,
        replace=replace,
        dry_run=dry_run,
        attestations=not no_attestations,
    )
    with session.progress() as sink:
        result = session.application().push(tuple(specs), destination, options, sink)
    session.answer(
        result,
        lambda: transfers.pushed(result, session.console.paint_out(), session.console.width(), dry_run=dry_run),
        quiet=[str(image.digest) for image in result.images],
    )
