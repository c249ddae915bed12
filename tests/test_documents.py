# SPDX-License-Identifier: Apache-2.0
"""What the documents promise is there: the README's two commands, and everything that is linked."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def readme_command(name: str) -> str:
    text = (ROOT / "README.md").read_text()
    match = re.search(rf"^<!-- ci: {name} -->\n```sh\n(.+)\n```$", text, flags=re.MULTILINE)
    assert match is not None, f"README.md marks no one-line command {name!r}"
    return match.group(1)


@pytest.mark.parametrize("name", ["build", "test"])
def test_the_readme_gives_commands_of_one_line_that_are_there(name: str) -> None:
    program = ROOT / readme_command(name).split()[0]
    assert program.is_file()
    assert os.access(program, os.X_OK)


def test_ci_runs_the_readmes_test_command() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "test_command=$(readme_command test)" in ci
    assert 'bash -c "$test_command"' in ci
    assert "bin/test" not in ci  # it says so in one place only: the README


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
    missing = [target for target in targets if not (document.parent / target).exists()]
    assert not missing


def test_every_dependency_says_what_it_is_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {re.split(r"[=<>~!\[ ]", line)[0] for line in wanted} | {"hatchling"}
    text = (ROOT / "docs" / "dependencies.md").read_text()
    assert names == set(re.findall(r"^\| ([a-z0-9.-]+) \|", text, flags=re.MULTILINE)) - {"package"}


def test_every_variable_that_is_read_is_documented() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    read = set(re.findall(r'"(IMAGEWRIGHT_[A-Z_]+)"', code))
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    assert read == set(re.findall(r"`(IMAGEWRIGHT_[A-Z_]+)`", text))


def test_every_document_can_be_reached() -> None:
    reached = {ROOT / "README.md"}
    todo = list(reached)
    while todo:
        document = todo.pop()
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", document.read_text()):
            path = (document.parent / target).resolve()
            if path not in reached:
                reached.add(path)
                todo.append(path)
    assert set(DOCUMENTS) <= reached
