# SPDX-License-Identifier: Apache-2.0
"""``ci``: the matrix for services that build whenever a repository changes."""

from __future__ import annotations

from typing import Any

import click

from imagewright.cli.commands.dockerfiles import left_out
from imagewright.cli.commands.group import HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.selecting import many_options, refuse_mixed, selection, selection_options
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.platforms import Platform, parse_platform
from imagewright.model.workflows import CiOptions, Service


@click.command(
    "ci",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(
            f"{PROGRAM} ci github --all --cache ghcr.io/team/cache --push ghcr.io/team/python", "the whole catalog"
        ),
        Example(f"{PROGRAM} ci gitlab {SPEC} 3.13-trixie > .gitlab-ci.yml", "two images, [cache] as configured"),
    ),
)
@click.argument("service", type=click.Choice([service.value for service in Service]))
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@many_options
@click.option("--cache", default="", metavar="REPOSITORY", help="Where jobs share what they compiled; [cache].")
@click.option("--push", default="", metavar="REPOSITORY", help="Also publish the images there.")
@click.option("--branch", default="main", show_default=True, metavar="NAME", help="GitHub: what builds.")
@click.option(
    "--schedule",
    default="17 4 * * *",
    show_default=True,
    metavar="CRON",
    help="GitHub: when to refresh.",
)
@click.option(
    "--install",
    default="",
    metavar="COMMAND",
    help="Shell command that leaves the program at .imagewright/bin/imagewright; pip, by a file with hashes.",
)
@click.option("--container", default="", metavar="IMAGE", help="GitLab: the image that jobs run in.")
@click.option(
    "--runner", "runners", multiple=True, metavar="P=LABEL", help="What jobs of a platform run on; repeatable."
)
@selection_options
@click.pass_obj
def ci(
    session: Session,
    /,
    *,
    service: str,
    specs: tuple[str, ...],
    cache: str,
    push: str,
    branch: str,
    schedule: str,
    install: str,
    container: str,
    runners: tuple[str, ...],
    **words: Any,
) -> None:
    """Print a workflow for GitHub Actions or GitLab CI, which compiles each interpreter once.

    One job compiles each interpreter (release, flavour, suite, platform) and leaves it in a repository of a
    registry; one job for each image takes it from there. On a schedule, what is behind is refreshed. The file
    names no secrets and nobody else's actions.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    options = CiOptions(
        selection=selection(**words),
        cache=cache,
        push=push,
        branch=branch,
        schedule=schedule,
        install=install,
        container=container,
        runners=tuple(map(_runner, runners)),
    )
    made = session.application().ci(Service(service), specs, options)
    lines = made.text.removesuffix("\n").split("\n")
    session.answer(made, lambda: lines, quiet=lines)
    session.console.err(left_out(made.left_out))


def _runner(text: str) -> tuple[Platform, str]:
    name, equals, label = text.partition("=")
    try:
        platform = parse_platform(name)
    except ValueError as error:
        raise UsageError(f"--runner {text!r} is not PLATFORM=LABEL", why=str(error)) from error
    if not equals or not label:
        raise UsageError(f"--runner {text!r} is not PLATFORM=LABEL", hint="such as linux/arm64=ubuntu-24.04-arm")
    return platform, label
