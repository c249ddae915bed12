# SPDX-License-Identifier: Apache-2.0
"""Building images, and what comes before it: ``build``, ``plan``, ``lock``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli import schedules, summary
from imagewright.cli.commands.group import FAILED, HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.selecting import many_options, refuse_mixed, selection, selection_options
from imagewright.cli.session import Session
from imagewright.cli.workers import asked_workers, worker_options
from imagewright.model.general import ArchiveFormat
from imagewright.model.options import BuildOptions, CacheOptions, EngineName, LockOptions


@click.command(
    "build",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} build {SPEC}", "build into the store"),
        Example(f"{PROGRAM} build {SPEC} -o python.tar", "also write an archive for docker load and others"),
        Example(f"{PROGRAM} build {SPEC} --profile quick", "without PGO and LTO, in about two minutes"),
        Example(f"{PROGRAM} build {SPEC} --cache registry.example/team/cache", "compile only what nobody did yet"),
        Example(f"{PROGRAM} build --all --only 'slim-*'", "every slim image; each interpreter is compiled once"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@many_options
@click.option(
    "-o", "--output", metavar="FILE", help="Also write the image here; with a slash at its end, a file for each."
)
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ArchiveFormat]),
    default=ArchiveFormat.OCI_ARCHIVE.value,
    show_default=True,
    help="How --output is written; the default is read by docker load, podman load and skopeo.",
)
@click.option("--fail-fast", is_flag=True, help="Begin nothing new once an image failed.")
@click.option("--keep-failed", is_flag=True, help="Keep the root of a step that failed, for a look inside.")
@click.option("--cache", default="", metavar="REPOSITORY", help="Take finished steps from here; see [cache].")
@click.option("--cache-write", is_flag=True, help="Leave finished steps there, signed, for other machines.")
@click.option(
    "--engine",
    type=click.Choice([engine.value for engine in EngineName]),
    default=EngineName.NATIVE.value,
    show_default=True,
    help="Who builds: we, or BuildKit or podman from generated Dockerfiles, without a network.",
)
@click.option("--no-cache", is_flag=True, help="Neither take nor leave any, whatever the configuration says.")
@selection_options
@click.pass_obj
def build(
    session: Session,
    /,
    *,
    specs: tuple[str, ...],
    output: str | None,
    form: str,
    fail_fast: bool,
    keep_failed: bool,
    cache: str,
    cache_write: bool,
    no_cache: bool,
    engine: str,
    **words: Any,
) -> None:
    """Build images from source into the store.

    Prints tags, digest, size and the time each step took. What is in the store already is not done again. Images
    share every step they can; one that fails does not stop the others, and makes the exit status 1.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    options = BuildOptions(
        selection=selection(**words),
        output=None if output is None else Path(output),
        format=ArchiveFormat(form),
        keep_failed=keep_failed,
        fail_fast=fail_fast,
        separate=output is not None and output.endswith("/"),
        cache=CacheOptions(repository=cache, write=cache_write, off=no_cache),
        engine=EngineName(engine),
    )
    with session.progress() as sink:
        report = session.application().build(specs, options, sink)
    console = session.console
    session.answer(
        report.images,
        lambda: summary.build(report, console.paint_out(), console.width()),
        quiet=[str(image.digest) for image in report.built],
    )
    if report.failed:
        console.err(summary.failures(report.failed, console.paint_err()))
        raise click.exceptions.Exit(FAILED)


@click.command(
    "plan",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} plan {SPEC}", "show what a build would do"),
        Example(f"{PROGRAM} plan --all", "how many images, from how many compiles, and what is left out"),
        Example(f"{PROGRAM} plan --all --fresh --workers 4 --cores 8", "how long four machines would take"),
    ),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@many_options
@worker_options
@selection_options
@click.pass_obj
def plan(session: Session, /, *, specs: tuple[str, ...], **words: Any) -> None:
    """Show what a build would do, and why; with --workers also when, and at what cost.

    Each step is cached or says why it will run. Nothing is run. The schedule is that of the real scheduler, with
    the times that steps took in this store; what never ran here is estimated from steps like it, and marked.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    workers, rest = asked_workers(words)
    view = session.application().plan(specs, selection(**rest), workers)
    console = session.console

    def lines() -> list[str]:
        told = summary.plan(view, console.paint_out(), console.width())
        if view.schedule is None:
            return told
        return [*told, "", *schedules.told(view.schedule, console.paint_out(), console.width())]

    session.answer(view, lines, quiet=[step.name for step in view.steps if not step.cached])


@click.command(
    "lock",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} lock {SPEC}", "take the newest inputs, and show what changed"),),
)
@click.argument("specs", metavar="[SPEC…]", nargs=-1)
@many_options
@click.option("--toolchain", is_flag=True, help="Bring build roots up to date too; Python is compiled anew.")
@selection_options
@click.pass_obj
def lock(session: Session, /, *, specs: tuple[str, ...], toolchain: bool, **words: Any) -> None:
    """Make or refresh imagewright.lock; show what changed.

    The lock names every package, source and profile that goes in, by content. The same lock gives the same
    image, bit for bit. A build root stays as it was locked, so that an update of the base compiles nothing.
    """
    refuse_mixed(specs, everything=words["everything"], only=words["only"])
    options = LockOptions(selection=selection(**words), toolchain=toolchain)
    with session.progress() as sink:
        changes = session.application().lock(specs, options, sink)
    session.answer(changes, lambda: summary.lock(changes, session.console.paint_out()))
    if changes.failed:
        session.console.err(summary.failures(changes.failed, session.console.paint_err()))
        raise click.exceptions.Exit(FAILED)
