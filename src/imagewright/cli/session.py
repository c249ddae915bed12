# SPDX-License-Identifier: Apache-2.0
"""What one command has: the words said before and after it, the streams, the application, the progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from imagewright.cli.console import Console
from imagewright.cli.progress import Progress, choose
from imagewright.errors import UsageError
from imagewright.model.general import GlobalOptions

if TYPE_CHECKING:
    from imagewright.cli.usecases import Application, MakeApplication
    from imagewright.events import Sink


@dataclass(slots=True)
class Words:
    """Global options as they were said; those after the command win over those before it."""

    store: Path | None = None
    config: Path | None = None
    lock: Path | None = None
    mirror: tuple[str, ...] = ()
    allow_expired: tuple[str, ...] = ()
    offline: bool = False
    jobs: int = 0
    json: bool = False
    progress: str = "auto"
    quiet: bool = False
    verbose: bool = False
    color: str = "auto"
    debug: bool = False

    def say(self, name: str, value: object) -> None:
        """Take one option; those that may be repeated add up."""
        if isinstance(value, tuple):
            value = (*getattr(self, name), *value)
        setattr(self, name, value)

    def options(self) -> GlobalOptions:
        """What the application is told. Raises ``UsageError`` for a mirror without a name or an address."""
        return GlobalOptions(
            store=self.store,
            config=self.config,
            lock=self.lock,
            mirrors=tuple(_mirror(text) for text in self.mirror),
            allow_expired=self.allow_expired,
            offline=self.offline,
            jobs=self.jobs,
        )


def _mirror(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not (name and equals and "://" in url):
        raise UsageError(
            f"--mirror {text!r} is not NAME=URL", hint="for example --mirror debian=http://mirror.example/debian"
        )
    return name, url


@dataclass(slots=True)
class Session:
    """Handed to every command as click's context object."""

    console: Console
    make: MakeApplication
    clock: Callable[[], float]
    words: Words = field(default_factory=Words)

    def application(self) -> Application:
        """The use cases, made with the global options."""
        return self.make(self.words.options())

    @contextmanager
    def progress(self) -> Iterator[Sink]:
        """Show events while the block runs; whatever ends it, the terminal is left as it was found."""
        with choose(self.words.progress, self._quietness(), self.console, self.clock) as shown:
            yield shown.event

    def _quietness(self) -> Progress:
        if self.words.quiet:
            return Progress.QUIET
        return Progress.VERBOSE if self.words.verbose else Progress.NORMAL

    def answer(self, value: object, lines: Callable[[], Sequence[str]], *, quiet: Sequence[str] = ()) -> None:
        """Write the result: the JSON document, or text for people (``quiet`` is what ``-q`` leaves of it)."""
        if self.words.json:
            from imagewright.cli.documents import document

            self.console.out([document(value)])
        elif self.words.quiet:
            self.console.out(quiet)
        else:
            self.console.out(lines())


def default_application(options: GlobalOptions) -> Application:
    """The real one, imported only when a command needs it."""
    from imagewright.app import make_application

    return make_application(options)
