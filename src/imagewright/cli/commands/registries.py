# SPDX-License-Identifier: Apache-2.0
"""Images and registries: ``pull``, ``copy``, ``inspect``, ``retag``, ``untag``, ``gc-remote``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from imagewright.cli import transfers
from imagewright.cli.commands.group import HELP, PROGRAM
from imagewright.cli.options import Command, Example
from imagewright.cli.platforms import PlatformsType
from imagewright.cli.session import Session
from imagewright.model.platforms import Platform
from imagewright.model.transfers import RegistryAccess

F = TypeVar("F", bound=Callable[..., Any])
REPOSITORY = "registry.example/team/python"


def access_options(command: F) -> F:
    """How registries are reached; see :func:`access`."""
    for option in (
        click.option(
            "--plain-http", is_flag=True, help="Speak to the registry without TLS; on loopback it may be."
        ),
        click.option(
            "--ca",
            "authorities",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            multiple=True,
            metavar="FILE",
            help="Trust these certificate authorities too; repeatable.",
        ),
    ):
        command = option(command)
    return command


def access(words: dict[str, Any]) -> RegistryAccess:
    """What :func:`access_options` said, taken out of the words."""
    return RegistryAccess(authorities=words.pop("authorities"), plain=words.pop("plain_http"))


@click.command(
    "pull",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} pull {REPOSITORY}:3.13-slim", "bring an image into the store"),),
)
@click.argument("ref", metavar="REF")
@click.option("--platform", type=PlatformsType(), metavar="P,…", default=(), help="Platforms; all there are.")
@access_options
@click.pass_obj
def pull(session: Session, /, *, ref: str, platform: tuple[Platform, ...], **rest: Any) -> None:
    """Bring an image of a registry into the store, verified.

    All platforms of an index unless some are named.
    """
    with session.progress() as sink:
        result = session.application().pull(ref, platform, access(rest), sink)
    session.answer(
        result, lambda: transfers.moved(result, session.console.paint_out()), quiet=[str(result.digest)]
    )


@click.command(
    "copy",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} copy {REPOSITORY}:3.13 other.example/python:3.13", "from one registry to another"),
        Example(f"{PROGRAM} copy docker-archive:python.tar oci:layout:3.13", "from an archive into a layout"),
    ),
)
@click.argument("source", metavar="REF")
@click.argument("target", metavar="REF")
@click.option("--platform", type=PlatformsType(), metavar="P,…", default=(), help="Platforms; all there are.")
@access_options
@click.pass_obj
def copy(session: Session, /, *, source: str, target: str, platform: tuple[Platform, ...], **rest: Any) -> None:
    """Copy an image from any place to a registry, a layout or an archive.

    To a registry, an index goes whole: the digest stays the same.
    """
    with session.progress() as sink:
        result = session.application().copy((source, target), platform, access(rest), sink)
    session.answer(
        result, lambda: transfers.moved(result, session.console.paint_out()), quiet=[str(result.digest)]
    )


@click.command(
    "inspect",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} inspect {REPOSITORY}:3.13", "show platforms, sizes and what is attached"),),
)
@click.argument("ref", metavar="REF")
@access_options
@click.pass_obj
def inspect(session: Session, /, *, ref: str, **rest: Any) -> None:
    """Show what a reference names, without fetching any layer."""
    found = session.application().inspect(ref, access(rest))
    session.answer(
        found,
        lambda: transfers.inspected(found, session.console.paint_out(), session.console.width()),
        quiet=[str(found.digest)],
    )


@click.command(
    "retag",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} retag {REPOSITORY}:3.13.15 3.13 3", "let two tags name what one names"),),
)
@click.argument("ref", metavar="REF")
@click.argument("tags", metavar="TAG…", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@access_options
@click.pass_obj
def retag(session: Session, /, *, ref: str, tags: tuple[str, ...], dry_run: bool, **rest: Any) -> None:
    """Let tags name what REF names: together, or none of them."""
    changes = session.application().retag(ref, tags, access(rest), dry_run=dry_run)
    session.answer(changes, lambda: transfers.changed(changes), quiet=[change.tag for change in changes.tags])


@click.command(
    "untag",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} untag {REPOSITORY}:3.13-old", "delete one tag"),),
)
@click.argument("refs", metavar="REF…", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@access_options
@click.pass_obj
def untag(session: Session, /, *, refs: tuple[str, ...], dry_run: bool, **rest: Any) -> None:
    """Delete tags of a repository. What they name stays."""
    changes = session.application().untag(refs, access(rest), dry_run=dry_run)
    session.answer(changes, lambda: transfers.changed(changes), quiet=[change.tag for change in changes.tags])


@click.command(
    "gc-remote",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} gc-remote {REPOSITORY} --keep 5 --dry-run", "show what is no longer wanted"),),
)
@click.argument("repository", metavar="REPOSITORY")
@click.option("--only", multiple=True, metavar="GLOB", help="Look at these tags only; repeatable.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    metavar="N",
    help="Keep the newest N dated tags of each kind.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@access_options
@click.pass_obj
def gc_remote(
    session: Session, /, *, repository: str, only: tuple[str, ...], keep: int, dry_run: bool, **rest: Any
) -> None:
    """Delete old dated tags of a repository, and manifests that nothing else names."""
    changes = session.application().gc_remote(repository, access(rest), only=only, keep=keep, dry_run=dry_run)
    session.answer(changes, lambda: transfers.changed(changes), quiet=[change.tag for change in changes.tags])
