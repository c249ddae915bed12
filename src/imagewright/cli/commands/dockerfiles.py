# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles: ``dockerfile``, ``dockerfiles``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from imagewright.cli.commands.group import FAILED, HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.selecting import selection, selection_options
from imagewright.cli.session import Session
from imagewright.cli.text import count, one_line
from imagewright.errors import UsageError
from imagewright.model.dockerfiles import DockerfileOptions, DockerfileTree, LintFinding
from imagewright.model.results import LeftOut


def _writing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """How a Dockerfile is written; collected by :func:`_options`."""
    decorators = (
        click.option("--classic", is_flag=True, help="No here-documents, for builders that lack them."),
        click.option(
            "--base",
            "bases",
            multiple=True,
            metavar="NAME=REF",
            help="Base image by digest: debian:trixie-slim=debian@sha256:…; repeatable.",
        ),
    )
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


def _options(
    classic: bool, bases: tuple[str, ...], *, check: bool = False, only: tuple[str, ...] = (), **words: Any
) -> DockerfileOptions:
    pairs = []
    for text in bases:
        name, equals, reference = text.partition("=")
        if not (name and equals and reference):
            raise UsageError(
                f"--base {text!r} is not NAME=REF", hint="such as --base debian:trixie-slim=debian@sha256:…"
            )
        pairs.append((name, reference))
    return DockerfileOptions(selection(**words, only=only), classic, tuple(pairs), check)


@click.command(
    "dockerfile",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} dockerfile {SPEC} > Dockerfile", "for all platforms of the image"),
        Example(
            f"{PROGRAM} dockerfile {SPEC} --platform linux/amd64 --classic", "for one, without here-documents"
        ),
    ),
)
@click.argument("spec", metavar="SPEC")
@_writing_options
@selection_options
@click.pass_obj
def dockerfile(session: Session, /, *, spec: str, classic: bool, bases: tuple[str, ...], **words: Any) -> None:
    """Print the Dockerfile of an image, from the same recipe that a build runs.

    Versions of packages are the lock's, where it knows the image. Archives are build arguments (DEBIAN_MIRROR,
    PYTHON_MIRROR, …) whose defaults are what --mirror or the configuration says; nothing is fetched.
    """
    made = session.application().dockerfile(spec, _options(classic, bases, **words))
    lines = made.text.removesuffix("\n").split("\n")
    session.answer(made, lambda: lines, quiet=lines)
    if made.beside:
        session.console.err(
            [f"beside it must lie: {', '.join(made.beside)}; {PROGRAM} dockerfiles DIR writes it there"]
        )


@click.command(
    "dockerfiles",
    cls=Command,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} dockerfiles dockerfiles/", "a tree of the whole catalog, a directory for each image"),
        Example(f"{PROGRAM} dockerfiles dockerfiles/ --check", "what would change; status 1 if anything would"),
        Example(f"{PROGRAM} dockerfiles dockerfiles/ --only 'slim-*'", "only some images"),
    ),
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option("--check", is_flag=True, help="Write nothing; show what differs or is against our rules, and fail.")
@click.option("--only", multiple=True, metavar="GLOB", help="Only images with such a tag: 'slim-*'; repeatable.")
@_writing_options
@selection_options
@click.pass_obj
def dockerfiles(
    session: Session,
    /,
    *,
    directory: Path,
    check: bool,
    only: tuple[str, ...],
    classic: bool,
    bases: tuple[str, ...],
    **words: Any,
) -> None:
    """Write the Dockerfiles of every image of the catalog into DIR, or compare them with what is there.

    Each lies where the official repository has it: 3.13/slim-trixie/Dockerfile. Files of others are left alone.
    The rules that --check looks for are hadolint's, as far as they make sense here, and some of our own.
    """
    options = _options(classic, bases, check=check, only=only, **words)
    tree = session.application().dockerfiles(directory, options)
    drifted = [*tree.changed, *tree.removed, *map(_shown, tree.findings)]
    session.answer(tree, lambda: _told(tree, check=check), quiet=drifted)
    session.console.err(left_out(tree.left_out))
    if check and drifted:
        raise click.exceptions.Exit(FAILED)


def _shown(finding: LintFinding) -> str:
    """As compilers say it, so that editors lead there."""
    return f"{finding.path}:{finding.line}: {finding.rule}: {one_line(finding.message)}"


def _told(tree: DockerfileTree, *, check: bool) -> list[str]:
    if check:
        same = f"{count(len(tree.files), 'file')}, nothing differs, and nothing is against the rules"
        return [*tree.difference, *map(_shown, tree.findings)] or [same]
    written = f"{count(len(tree.files), 'file')} in {tree.root}, {len(tree.changed)} written"
    return [f"{written}, {len(tree.removed)} removed" if tree.removed else written]


def left_out(left_out: tuple[LeftOut, ...]) -> list[str]:
    """What has no Dockerfile, once for each reason."""
    by_reason: dict[str, list[str]] = {}
    for left in left_out:
        by_reason.setdefault(left.reason, []).append(left.image)
    return [
        f"left out: {images[0]}{f' and {len(images) - 1} more' if len(images) > 1 else ''}: {reason}"
        for reason, images in by_reason.items()
    ]
