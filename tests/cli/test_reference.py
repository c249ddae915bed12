# SPDX-License-Identifier: Apache-2.0
"""What is written about the command line is what it does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from imagewright.cli.commands import cli
from imagewright.cli.options import Command, GlobalOption
from imagewright.cli.reference import ANSWERS, render
from imagewright.cli.run import run
from support.fake_application import FakeApplication

ROOT = Path(__file__).parents[2]


def commands() -> list[tuple[str, Command]]:
    found: list[tuple[str, Command]] = []
    for name, command in cli.commands.items():
        inner = command.commands.items() if isinstance(command, click.Group) else ()
        found += [(f"{name} {word}", one) for word, one in inner] or [(name, command)]  # type: ignore[list-item]
    return found


def test_the_reference_is_what_the_code_says() -> None:
    assert (ROOT / "docs" / "reference" / "cli.md").read_text() == render(), "run bin/generate-docs"


@pytest.mark.parametrize(
    ("path", "command"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_has_help_an_example_and_the_global_options(path: str, command: Command) -> None:
    assert command.help
    assert command.examples
    assert all(
        example.line.replace('eval "$(', "").startswith(f"imagewright {path}") for example in command.examples
    )
    own = {option.name for option in command.params if isinstance(option, GlobalOption)}
    assert own == {option.name for option in cli.params if isinstance(option, GlobalOption)}
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help


def test_every_command_that_answers_says_what() -> None:
    without = {"run", "completion"}
    assert {path for path, _ in commands()} == set(ANSWERS) | without


def test_the_words_of_the_documents_are_understood() -> None:
    """Every ``imagewright …`` line in the documents is understood."""
    lines = []
    for document in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        fenced = re.findall(r"^```(?:sh|console)\n(.*?)^```", document.read_text(), flags=re.MULTILINE | re.DOTALL)
        for block in fenced:
            lines += [(document.name, line) for line in block.splitlines()]
    tried = 0
    for name, line in lines:
        match = re.match(r"(?:\$ )?(?:sudo )?(?:\.venv/bin/)?imagewright (.*)", line)
        if match is None or "…" in line or name == "exit-status.md":
            continue
        words = re.split(r" \| | > |  #| && ", match.group(1))[0]
        assert run(shlex.split(words), {}, make=FakeApplication(behind=()).make) == 0, line
        tried += 1
    assert tried >= 10
