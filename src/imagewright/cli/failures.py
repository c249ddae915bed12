# SPDX-License-Identifier: Apache-2.0
"""Everything that can go wrong, as one error with an exit status, in at most three lines."""

from __future__ import annotations

import errno
from typing import ClassVar

import click

from imagewright.cli.console import Console
from imagewright.cli.text import one_line
from imagewright.errors import ConfigurationError, ImagewrightError, InterruptedBuild, MachineError, UsageError

OUTPUT_GONE = 141
"""Exit status when whoever read standard output left: 128 + SIGPIPE, as of a program that does not catch it."""

_MACHINE = {
    errno.ENOSPC: "there is no space left",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied",
    errno.EPERM: "not permitted",
    errno.EMFILE: "too many open files",
    errno.ENFILE: "too many open files",
    errno.ENOMEM: "not enough memory",
    errno.EIO: "the disk failed",
}


class DefectError(ImagewrightError):
    """An exception that nobody foresaw."""

    code: ClassVar[int] = 1
    kind: ClassVar[str] = "defect"


def as_error(exception: BaseException, command: str) -> ImagewrightError:
    """The error a person is shown for ``exception``; ``command`` is its path, e.g. ``imagewright build``."""
    if isinstance(exception, ImagewrightError):
        return exception
    if isinstance(exception, click.ClickException):
        return _usage(exception, command)
    if isinstance(exception, KeyboardInterrupt | click.Abort):
        return interrupted()
    if isinstance(exception, BaseExceptionGroup):
        return as_error(exception.exceptions[0], command)
    return _refused(exception) or DefectError(
        "this is a defect in imagewright",
        why=f"{type(exception).__name__}: {exception}",
        hint="run the same command with --debug and report what it prints",
    )


def _refused(exception: BaseException) -> MachineError | None:
    """What the machine, and not this program, is to blame for."""
    if isinstance(exception, MemoryError):
        return MachineError("there is not enough memory", hint="try with fewer --jobs")
    if not isinstance(exception, OSError) or exception.errno not in _MACHINE:
        return None
    place = f" ({exception.filename})" if exception.filename else ""
    return MachineError(
        "the machine refused to go on",
        why=f"{_MACHINE[exception.errno]}{place}",
        hint="mend that and run the same command again: finished steps are kept",
    )


def interrupted() -> InterruptedBuild:
    """What is said after Ctrl-C or SIGTERM."""
    return InterruptedBuild("interrupted", hint="run the same command to go on: finished steps are kept")


def report(error: ImagewrightError, console: Console, *, as_json: bool) -> None:
    """Write ``error``: at most three lines on standard error, and the JSON document if that is wanted."""
    console.err(lines_of(error, console))
    if as_json:
        from imagewright.cli.documents import error_document

        console.out([error_document(error)])


def lines_of(error: ImagewrightError, console: Console) -> list[str]:
    """What happened, why, what to do; each on one line."""
    paint = console.paint_err()
    lines = [f"{paint('bold red', 'error:')} {paint('bold', one_line(error.message))}"]
    why = _why(error)
    if why:
        lines.append(f"  {paint('dim', 'why:')} {one_line(why)}")
    if error.hint:
        lines.append(f"  {paint('dim', 'try:')} {one_line(error.hint)}")
    return lines


def _why(error: ImagewrightError) -> str:
    if isinstance(error, ConfigurationError) and len(error.problems) > 1:
        return "; ".join(str(problem) for problem in error.problems)
    return error.why


def _usage(exception: click.ClickException, command: str) -> UsageError:
    context = getattr(exception, "ctx", None)
    path = context.command_path if context is not None else command
    near = [str(word) for word in getattr(exception, "possibilities", None) or ()]
    words = getattr(exception, "message", "") if near else exception.format_message()
    hint = f"see '{path} --help'"
    if near:
        hint = f"did you mean {near[0]}? {hint}"
    return UsageError(words.rstrip("."), hint=hint)
