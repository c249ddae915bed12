# SPDX-License-Identifier: Apache-2.0
"""``readme``: words in, Markdown out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.emitted import ReadmeOptions
from support.fake_application import FakeApplication
from support.fake_emitting import README


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {"COLUMNS": "80"}, make=application.make, clock=lambda: 0.0)


def test_every_word_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    words = "i386/python --style classic --catalog C.toml --only slim-* --library python"
    assert call(application, "readme", *words.split()) == 0
    options = ReadmeOptions("classic", Path("python"), None, Path("C.toml"), (), ("slim-*",))
    assert application.asked[1] == ("readme", "i386/python", options)
    streams = capsys.readouterr()
    assert streams.out == README.text
    assert streams.err == "shortened to 15 bytes: no empty lines between tags\n"


def test_the_document_has_the_keys_that_scripts_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "readme", "python", "--git", "d", "--json") == 0
    assert list(json.loads(capsys.readouterr().out)) == ["name", "style", "text", "bytes", "shortened"]


def test_commits_come_from_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "readme", "python", "--git", "d", "--library", "l") == 2
    assert "say either" in capsys.readouterr().err
