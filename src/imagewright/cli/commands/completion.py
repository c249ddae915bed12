# SPDX-License-Identifier: Apache-2.0
"""``completion``: words completed by the shell."""

from __future__ import annotations

import click

from imagewright.cli.commands.group import COMPLETE_VARIABLE, HELP, PROGRAM, cli
from imagewright.cli.options import Command, Example
from imagewright.cli.session import Session


@click.command(
    "completion",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f'eval "$({PROGRAM} completion bash)"', "complete words in this shell"),),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(session: Session, /, *, shell: str) -> None:
    """Print the completion script of a shell."""
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    # ShellComplete's own source(): the one of bash starts bash to look at its version.
    script = ShellComplete.source(kind(cli, {}, PROGRAM, COMPLETE_VARIABLE))
    session.console.out([script.rstrip("\n")])
