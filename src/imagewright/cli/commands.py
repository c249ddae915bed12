# SPDX-License-Identifier: Apache-2.0
"""The commands. Each reads its words, calls one use case, and writes the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright import __version__
from imagewright.cli import summary
from imagewright.cli.options import Command, Example, Group, WrappingCommand, selection, selection_options
from imagewright.cli.session import Session
from imagewright.errors import UsageError
from imagewright.model.options import ArchiveFormat, BuildOptions, LockOptions, RunOptions, TrainOptions

PROGRAM = "imagewright"
COMPLETE_VARIABLE = "_IMAGEWRIGHT_COMPLETE"
FAILED = 1
"""Exit status when a check found something; the same as of a failed build."""

_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_SPEC = "3.13-slim-trixie"


@click.group(
    name=PROGRAM,
    cls=Group,
    outermost=True,
    context_settings=_HELP,
    examples=(
        Example(f"{PROGRAM} build {_SPEC} -o python.tar", "build an image and write it to an archive"),
        Example("docker load -i python.tar", "which Docker, Podman and skopeo read"),
    ),
)
@click.version_option(__version__, "--version", message="%(prog)s %(version)s", help="Show the version.")
def cli() -> None:
    """Builds Python container images from source: reproducible, layered, without a daemon.

    SPEC is as in tags: [release or series][t|d][-slim|-minimal][-suite], for example 3.13-slim-trixie,
    3.13.15-trixie or latest.
    """


@cli.command(
    "build",
    cls=Command,
    context_settings=_HELP,
    examples=(
        Example(f"{PROGRAM} build {_SPEC}", "build into the store"),
        Example(f"{PROGRAM} build {_SPEC} -o python.tar", "also write an archive for docker load and others"),
        Example(f"{PROGRAM} build {_SPEC} --profile quick", "without PGO and LTO, in about two minutes"),
    ),
)
@click.argument("specs", metavar="SPEC…", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Also write the image here.")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ArchiveFormat]),
    default=ArchiveFormat.OCI_ARCHIVE.value,
    show_default=True,
    help="How --output is written; the default is read by docker load, podman load and skopeo.",
)
@click.option("--keep-failed", is_flag=True, help="Keep the root of a step that failed, for a look inside.")
@selection_options
@click.pass_obj
def build(
    session: Session, /, *, specs: tuple[str, ...], output: Path | None, form: str, keep_failed: bool, **words: Any
) -> None:
    """Build images from source into the store.

    Prints tags, digest, size and the time each step took. What is in the store already is not done again.
    """
    options = BuildOptions(
        selection=selection(**words), output=output, format=ArchiveFormat(form), keep_failed=keep_failed
    )
    if output is not None and (len(specs) > 1 or len(options.selection.platforms) > 1):
        raise UsageError("--output holds one image", hint="give one SPEC and one platform with --output")
    with session.progress() as sink:
        images = session.application().build(specs, options, sink)
    console = session.console
    session.answer(
        images,
        lambda: summary.build(images, console.paint_out(), console.width()),
        quiet=[str(image.digest) for image in images],
    )


@cli.command(
    "plan",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} plan {_SPEC}", "show what a build would do"),),
)
@click.argument("specs", metavar="SPEC…", nargs=-1, required=True)
@selection_options
@click.pass_obj
def plan(session: Session, /, *, specs: tuple[str, ...], **words: Any) -> None:
    """Show what a build would do, and why.

    Each step is cached or says why it will run. Nothing is run.
    """
    view = session.application().plan(specs, selection(**words))
    console = session.console
    session.answer(
        view,
        lambda: summary.plan(view, console.paint_out(), console.width()),
        quiet=[step.name for step in view.steps if not step.cached],
    )


@cli.command(
    "lock",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} lock {_SPEC}", "take the newest inputs, and show what changed"),),
)
@click.argument("specs", metavar="SPEC…", nargs=-1, required=True)
@click.option("--toolchain", is_flag=True, help="Bring build roots up to date too; Python is compiled anew.")
@selection_options
@click.pass_obj
def lock(session: Session, /, *, specs: tuple[str, ...], toolchain: bool, **words: Any) -> None:
    """Make or refresh imagewright.lock; show what changed.

    The lock names every package, source and profile that goes in, by content. The same lock gives the same
    image, bit for bit. A build root stays as it was locked, so that an update of the base compiles nothing.
    """
    options = LockOptions(selection=selection(**words), toolchain=toolchain)
    with session.progress() as sink:
        changes = session.application().lock(specs, options, sink)
    session.answer(changes, lambda: summary.lock(changes, session.console.paint_out()))


@cli.command(
    "check",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} check {_SPEC}", "run the acceptance checks"),),
)
@click.argument("spec", metavar="SPEC|REF")
@selection_options
@click.pass_obj
def check(session: Session, /, *, spec: str, **words: Any) -> None:
    """Run the acceptance checks inside an image.

    Exit status 1 if any of them failed.
    """
    with session.progress() as sink:
        results = session.application().check(spec, selection(**words), sink)
    session.answer(
        results,
        lambda: summary.check(results, session.console.paint_out()),
        quiet=[result.check for result in results if not result.passed],
    )
    if not all(result.passed for result in results):
        raise click.exceptions.Exit(FAILED)


@cli.command(
    "run",
    cls=WrappingCommand,
    context_settings=_HELP,
    examples=(
        Example(
            f"{PROGRAM} run {_SPEC} -- python3 -c 'import ssl; print(ssl.OPENSSL_VERSION)'", "run one command"
        ),
        Example(f"{PROGRAM} run {_SPEC}", "run the image's own command"),
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


@cli.command(
    "train",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} train {_SPEC} -o 3.13.tar.xz", "train a profile and keep a copy"),),
)
@click.argument("spec", metavar="SPEC")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Also write the profile here."
)
@selection_options
@click.pass_obj
def train(session: Session, /, *, spec: str, output: Path | None, **words: Any) -> None:
    """Train a profile for the optimisation.

    A training run is not deterministic, so its result is an input, named in
    the lock: trained once, used by every later build.
    """
    options = TrainOptions(selection=selection(**words), output=output)
    with session.progress() as sink:
        profile = session.application().train(spec, options, sink)
    session.answer(
        profile, lambda: summary.train(profile, session.console.paint_out()), quiet=[str(profile.sha256)]
    )


@cli.group(cls=Group, context_settings=_HELP)
def store() -> None:
    """Look at the store, clean it, verify it."""


@store.command(
    "ls", cls=Command, context_settings=_HELP, examples=(Example(f"{PROGRAM} store ls", "list the images"),)
)
@click.pass_obj
def store_ls(session: Session, /) -> None:
    """List the images in the store."""
    contents = session.application().store_list()
    session.answer(
        contents,
        lambda: summary.store_list(contents, session.console.paint_out()),
        quiet=[image.image for image in contents.images],
    )


@store.command(
    "gc",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} store gc --keep-days 7", "remove what a week's builds did not use"),),
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@click.option(
    "--keep-days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="Keep what was used in the last DAYS days.",
)
@click.pass_obj
def store_gc(session: Session, /, *, dry_run: bool, keep_days: float) -> None:
    """Remove what no recent build used."""
    collected = session.application().store_gc(dry_run=dry_run, keep_days=keep_days)
    session.answer(collected, lambda: summary.store_gc(collected))


@store.command(
    "fsck",
    cls=Command,
    context_settings=_HELP,
    examples=(Example(f"{PROGRAM} store fsck --repair", "drop what is damaged; the next build makes it again"),),
)
@click.option("--repair", is_flag=True, help="Drop what is damaged.")
@click.pass_obj
def store_fsck(session: Session, /, *, repair: bool) -> None:
    """Read the whole store and compare every content with its name.

    Exit status 1 if problems are left.
    """
    found = session.application().store_fsck(repair=repair)
    session.answer(found, lambda: summary.store_fsck(found, session.console.paint_out()), quiet=found.problems)
    if len(found.problems) > found.repaired:
        raise click.exceptions.Exit(FAILED)


@cli.command(
    "completion",
    cls=Command,
    context_settings=_HELP,
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
