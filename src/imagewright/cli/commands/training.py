# SPDX-License-Identifier: Apache-2.0
"""``train``: a profile for the interpreter's optimisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from imagewright.cli import summary
from imagewright.cli.commands.group import HELP, PROGRAM, SPEC
from imagewright.cli.options import Command, Example
from imagewright.cli.selecting import selection, selection_options
from imagewright.cli.session import Session
from imagewright.model.options import TrainOptions


@click.command(
    "train",
    cls=Command,
    context_settings=HELP,
    examples=(Example(f"{PROGRAM} train {SPEC} -o 3.13.tar.xz", "train a profile and keep a copy"),),
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
