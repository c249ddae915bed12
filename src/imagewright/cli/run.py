# SPDX-License-Identifier: Apache-2.0
"""One run of the command line: words to exit status. Nothing here ends the process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from imagewright.cli.commands import COMPLETE_VARIABLE, PROGRAM, cli
from imagewright.cli.console import Console, OutputGoneError, nobody_reads
from imagewright.cli.failures import OUTPUT_GONE, as_error, report
from imagewright.cli.session import Session, default_application

if TYPE_CHECKING:
    from imagewright.cli.usecases import MakeApplication


def run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    make: MakeApplication = default_application,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Do what ``arguments`` say; the exit status. Writes to ``sys.stdout`` and ``sys.stderr`` as they are now."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    session = Session(Console(sys.stdout, sys.stderr, environment), make, clock)
    if COMPLETE_VARIABLE in environment:
        return _complete(environment[COMPLETE_VARIABLE])
    try:
        return _invoke(list(arguments), session)
    except OutputGoneError:
        return OUTPUT_GONE


def _invoke(arguments: list[str], session: Session) -> int:
    try:
        with cli.make_context(PROGRAM, arguments, obj=session) as context:
            status = cli.invoke(context)
        return status if isinstance(status, int) else 0
    except click.exceptions.NoArgsIsHelpError as wanted:
        session.console.out([wanted.format_message()])
        return 0 if not arguments else 2
    except click.exceptions.Exit as end:
        return end.exit_code
    except (OutputGoneError, SystemExit):
        raise
    except BaseException as exception:  # noqa: BLE001 - the outermost frame: everything becomes an exit status
        if isinstance(exception, BrokenPipeError) and nobody_reads(sys.stdout):  # click wrote help itself
            return OUTPUT_GONE
        return _fail(exception, arguments, session)


def _fail(exception: BaseException, arguments: list[str], session: Session) -> int:
    words = arguments[: arguments.index("--")] if "--" in arguments else arguments
    error = as_error(exception, PROGRAM)
    session.console.color = session.words.color
    if session.words.debug or "--debug" in words:
        import traceback

        session.console.err("".join(traceback.format_exception(exception)).splitlines())
    # A wrong word may end the reading before --json was come to.
    report(error, session.console, as_json=session.words.json or "--json" in words)
    return error.code


def _complete(instruction: str) -> int:
    from click.shell_completion import shell_complete

    return shell_complete(cli, {}, PROGRAM, COMPLETE_VARIABLE, instruction)
