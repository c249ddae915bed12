# SPDX-License-Identifier: Apache-2.0
"""``status``: words in, a table, Markdown, JSON or SVG out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.platforms import parse_platform
from imagewright.model.statuses import StatusOptions
from imagewright.model.transfers import RegistryAccess
from support.fake_application import FakeApplication


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {"COLUMNS": "80"}, make=application.make, clock=lambda: 0.0)


def test_every_word_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    assert call(application, "status", *["--catalog", "C.toml", "--only", "slim-*", "--platform", "i386"]) == 0
    options = StatusOptions(Path("C.toml"), (parse_platform("i386"),), ("slim-*",), apart=True)
    assert application.asked[1] == ("status", options)
    assert capsys.readouterr().out.splitlines() == [
        "Python version →      3.13     3.12",
        "Target ↓ / Release →  3.13.15  3.12.12",
        "Debian (trixie)       ✓↑",
        "Debian (forky)¹                ✗",
        "",
        "✓ passed its checks, ↑ pushed, ✗ failed",
        "¹ still changes: not for production",
        "",
        "✗ 3.12.12-slim-forky linux/amd64: python: no",
    ]
    assert call(application, "status", "--every-platform") == 0
    assert application.asked[-1] == ("status", StatusOptions(every=True, apart=True))
    assert call(application, "status", "--registry", "one.example/x", "--plain-http") == 0
    asked = StatusOptions(apart=True, registries=("one.example/x",), access=RegistryAccess(plain=True))
    assert application.asked[-1] == ("status", asked)


@pytest.mark.parametrize("words", [["--json"], ["--format", "json"]])
def test_the_document_has_the_keys_that_scripts_read(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "status", *words) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["columns", "rows", "images"]
    assert found["images"][0]["state"] == "checked"


@pytest.mark.parametrize(("form", "first"), [("md", "| Python version"), ("svg", "<svg ")])
def test_forms_for_others(form: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "status", "--format", form) == 0
    assert capsys.readouterr().out.startswith(first)


def test_platforms_are_some_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "status", "--platform", "i386", "--every-platform") == 2
    assert "say either" in capsys.readouterr().err
