# SPDX-License-Identifier: Apache-2.0
"""What is done with an image that is built: ``check``, ``run``."""

from __future__ import annotations

from typing import Any

import click

from imagewright.cli import summary
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example, WrappingCommand
from imagewright.cli.selecting import many_options, refuse_mixed, selection, selection_options
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.options import RunOptions


@click.command(
    "check",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} check {SPEC}", "run the acceptance checks"),),
)
@click.argument("specs", metavar="[SPEC|REF…]", nargs=-1)
@many_options
@selection_options
@click.pass_obj
def check(session: Session, /, *, specs: tuple[str, ...], **words: Any) -> None:
    """Run the acceptance checks inside images.

    An image that fails does not keep the others from being checked. Exit status 1 if anything failed.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    with session.progress() as sink:
        results = session.application().check(specs, selection(**words), sink)
    session.answer(
        results,
        lambda: summary.check(results, session.console.paint_out()),
        quiet=[result.check for result in results if not result.passed],
    )
    if not all(result.passed for result in results):
        raise click.exceptions.Exit(FAILED)


@click.command(
    "run",
    cls=WrappingCommand,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} run {SPEC} -- python3 -c 'import ssl; print(ssl.OPENSSL_VERSION)'", "run one command"),
        Example(f"{PROGRAM} run {SPEC}", "run the image's own command"),
    ),
)
@click.argument("spec", metavar="SPEC|REF")
@click.argument("argv", metavar="[--] [CMD…]", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "-e", "--env", "environment", multiple=True, metavar="NAME=VALUE", help="Set a variable; repeatable."
)
@click.option("-w", "--workdir", metavar="DIR", default="", help="Directory inside to start in.")
@click.option("-u", "--user", metavar="UID[:GID]", default="", help="Who to be inside; the image's own user.")
@selection_options
@click.pass_obj
def run(
    session: Session,
    /,
    *,
    spec: str,
    argv: tuple[str, ...],
    environment: tuple[str, ...],
    workdir: str,
    user: str,
    **words: Any,
) -> int:
    """Run a command in an image, without Docker.

    It runs in the sandbox, without a network, and what it changes is lost. Options go before SPEC, or anywhere
    before "--". The exit status is the command's own.
    """
    if argv[:1] and argv[0].startswith("-"):
        raise UsageError(
            f"{argv[0]} is neither an option here nor a command", hint=f"run: {PROGRAM} run OPTIONS SPEC -- CMD"
        )
    options = RunOptions(
        selection=selection(**words),
        environment=tuple(_assignment(text) for text in environment),
        directory=workdir,
        user=user,
    )
    return session.application().run(spec, argv, options)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise UsageError(f"--env {text!r} is not NAME=VALUE", hint="for example --env TZ=Europe/Berlin")
    return name, value
