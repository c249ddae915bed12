# SPDX-License-Identifier: Apache-2.0
"""``site``: words in, a directory and its figures out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.catalogues import CatalogueOptions
from imagewright.model.transfers import RegistryAccess
from support.fake_application import FakeApplication


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {"COLUMNS": "80"}, make=application.make, clock=lambda: 0.0)


def test_every_word_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    words = "out r.example/p --stored --all-tags --no-content --catalog C.toml --plain-http"
    assert call(application, "site", *words.split()) == 0
    options = CatalogueOptions(("r.example/p",), True, True, False, Path("C.toml"), RegistryAccess(plain=True))
    assert application.asked[1:] == [("site", Path("out"), options)]
    assert capsys.readouterr().out.splitlines() == [
        "out/index.html",
        "images      2, 1 read now",
        "files       19 files, 354.1 kB",
        "changed     3 written, 16 as before, 5 removed",
        "not shown   3.12.7-bookworm linux/amd64: its manifest is not in the store",
    ]


def test_serving_goes_on_until_it_is_interrupted(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    assert call(application, "-q", "site", "out", "--serve") == 0
    assert application.asked[-1] == ("serve_site", Path("out"), "127.0.0.1:8000")
    said = capsys.readouterr()
    assert said.out == "out/index.html\n"
    assert said.err.splitlines() == ["http://127.0.0.1:8000/ until Ctrl-C", "stopped"]
    assert call(application, "site", "out", "--serve", "127.0.0.1:0") == 0
    assert application.asked[-1] == ("serve_site", Path("out"), "127.0.0.1:0")


def test_the_document_has_the_keys_that_scripts_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "site", "out", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["directory"] == "out"
    assert (found["images"], found["written"], found["removed"]) == (2, 3, 5)
    assert found["not_shown"][0]["image"] == "3.12.7-bookworm"


def test_all_tags_needs_a_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "site", "out", "--all-tags") == 2
    assert "name it after OUT" in capsys.readouterr().err
