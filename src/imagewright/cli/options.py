# SPDX-License-Identifier: Apache-2.0
"""Options: the global ones, which go before or after a command, and those that commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from imagewright.cli.session import Session

F = TypeVar("F", bound=Callable[..., Any])

STORE_VARIABLE = "IMAGEWRIGHT_STORE"


class GlobalOption(click.Option):
    """An option that every command takes; what is said lands in the session, not in the command."""


@dataclass(frozen=True, slots=True)
class Example:
    """One line a person can paste, and what it does."""

    line: str
    what: str


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    name = parameter.name or ""
    source = context.get_parameter_source(name)
    session = context.find_object(Session)  # there is none while a shell asks for completions
    if session is not None and source is not None and source is not ParameterSource.DEFAULT:
        session.words.say(name, value)


def _global(*names: str, **settings: Any) -> GlobalOption:
    return GlobalOption(names, expose_value=False, callback=_remember, **settings)


_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


def _global_options(*, outermost: bool) -> list[click.Parameter]:
    """All global options. Only the ``outermost`` command reads the environment, so that a word beats it."""
    variable = STORE_VARIABLE if outermost else None
    return [
        _global(
            "--store",
            type=_DIRECTORY,
            metavar="DIR",
            envvar=variable,
            show_envvar=outermost,
            help="Where results are kept; the user's cache directory.",
        ),
        _global(
            "--config", type=_FILE, metavar="FILE", help="Configuration; imagewright.toml here, if there is one."
        ),
        _global("--lock", type=_FILE, metavar="FILE", help="Lock; imagewright.lock beside the configuration."),
        _global(
            "--mirror", multiple=True, metavar="NAME=URL", help="Address of an archive, e.g. debian=…; repeatable."
        ),
        _global(
            "--allow-expired",
            multiple=True,
            metavar="SUITE",
            help="Lock a suite from an archive past its Valid-Until; repeatable.",
        ),
        _global("--offline", is_flag=True, help="Use what is in the store; never the network."),
        _global("--jobs", type=click.IntRange(min=1), metavar="N", help="Work done at once; as many as cores."),
        _global("--json", is_flag=True, help="One JSON document on standard output, also for an error."),
        _global(
            "--progress",
            type=click.Choice(["auto", "plain", "json", "none"]),
            help="How progress is shown on standard error; json gives one event per line.",
        ),
        _global("-q", "--quiet", is_flag=True, help="No progress, and only the essence of the result."),
        _global("-v", "--verbose", is_flag=True, help="Also what the steps themselves print."),
        _global("--color", type=click.Choice(["auto", "always", "never"]), help="Colours; NO_COLOR is respected."),
        _global("--debug", is_flag=True, help="Show where an unexpected error came from."),
    ]


class Command(click.Command):
    """A command that takes the global options and whose help ends with examples."""

    def __init__(
        self, *args: Any, examples: Sequence[Example] = (), outermost: bool = False, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.examples = tuple(examples)
        self.params += _global_options(outermost=outermost)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options; the outermost command lists the global ones too."""
        for title, common in (("Options", False), ("Global options (before or after the command)", True)):
            if common and ctx.parent is not None:
                continue
            options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
            of_kind = [option for option in options if isinstance(option, GlobalOption) is common]
            records = [record for one in of_kind if (record := one.get_help_record(ctx)) is not None]
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, and where the global options are."""
        if self.examples:
            with formatter.section("Examples"):
                for example in self.examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example.line}\n")
                    formatter.write(f"{'':{formatter.current_indent}}    {example.what}\n")
        if ctx.parent is not None:
            formatter.write_paragraph()
            formatter.write_text(
                "Global options, such as --store, --offline, --json and -q: see 'imagewright --help'."
            )


class WrappingCommand(Command):
    """A command that runs another: what comes after ``--`` is that one's, and options may follow the SPEC.

    Without ``--``, everything after the first word but one is the other command's, as ``docker run`` has it.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """See :meth:`click.Command.make_context`."""
        return super().make_context(info_name, args, parent, allow_interspersed_args="--" in args, **extra)


class Deferred(dict[str, click.Command]):
    """Commands by name, in that order, each imported from its module when it is first looked at."""

    def __init__(self, package: str, modules: Mapping[str, str], summaries: Mapping[str, str]) -> None:
        super().__init__(dict.fromkeys(modules, _NOT_YET))
        self._summaries = summaries
        self._package = package
        self._modules = modules

    def __getitem__(self, name: str) -> click.Command:
        """The command. Raises ``KeyError`` for a name that is none."""
        found = super().__getitem__(name)
        if found is _NOT_YET:
            module = import_module(f"{self._package}.{self._modules[name]}")
            found = next(
                one for one in vars(module).values() if isinstance(one, click.Command) and one.name == name
            )
            self[name] = found
        return found

    def summary(self, name: str) -> str:
        """The first sentence of its help; imports the command only if nobody wrote that down."""
        return self._summaries.get(name) or self[name].get_short_help_str(_WHOLE)

    def get(self, name: str, default: Any = None) -> Any:
        """The command, or ``default``."""
        try:
            return self[name]
        except KeyError:
            return default

    def values(self) -> Any:
        """Every command."""
        return [self[name] for name in self]

    def items(self) -> Any:
        """Every name with its command."""
        return [(name, self[name]) for name in self]


_NOT_YET = click.Command(None)
_WHOLE = 1000
"""More columns than a sentence has."""


class Group(Command, click.Group):
    """A group of such commands, listed in the order a person meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of definition."""
        del ctx
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands, as click does, without importing those that can be told of otherwise."""
        if not isinstance(self.commands, Deferred):
            super().format_commands(ctx, formatter)
            return
        names = self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        said = {name: self.commands.summary(name) for name in names}
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, click.Command(None, help=said[name]).get_short_help_str(limit)) for name in names]
            )
