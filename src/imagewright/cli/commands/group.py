# SPDX-License-Identifier: Apache-2.0
"""The outermost command: what it is called, and what all commands share. Imports no other command."""

from __future__ import annotations

import click

from imagewright import __version__
from imagewright.cli.options import Example, Group

PROGRAM = "imagewright"
COMPLETE_VARIABLE = "_IMAGEWRIGHT_COMPLETE"
FAILED = 1
"""Exit status when a check found something; the same as of a failed build."""

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
"""Every command's context settings."""

SPEC = "3.13-slim-trixie"
"""The image that examples name."""


@click.group(
    name=PROGRAM,
    cls=Group,
    outermost=True,
    context_settings=HELP,
    examples=(
        Example(f"{PROGRAM} build {SPEC} -o python.tar", "build an image and write it to an archive"),
        Example("docker load -i python.tar", "which Docker, Podman and skopeo read"),
    ),
)
@click.version_option(__version__, "--version", message="%(prog)s %(version)s", help="Show the version.")
def cli() -> None:
    """Builds Python container images from source: reproducible, layered, without a daemon.

    SPEC is as in tags: [release or series][t|d][-slim|-minimal][-suite], for example 3.13-slim-trixie,
    3.13.15-trixie or latest.
    """
