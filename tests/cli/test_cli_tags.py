# SPDX-License-Identifier: Apache-2.0
"""``tags``: words in, a table or a document out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.options import TagOptions
from imagewright.model.platforms import parse_platform
from support.fake_application import TAGGED, FakeApplication


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {"COLUMNS": "80"}, make=application.make, clock=lambda: 0.0)


def test_every_word_is_passed_on() -> None:
    application = FakeApplication()
    words = "3.13t-slim latest --catalog C.toml --arch i386 --platform linux/amd64,386 --only slim-* --only 3.13-*"
    assert call(application, "tags", *words.split()) == 0
    options = TagOptions(Path("C.toml"), (parse_platform("i386"), parse_platform("amd64")), ("slim-*", "3.13-*"))
    assert application.asked[1] == ("tags", ("3.13t-slim", "latest"), options)


def test_the_document_has_the_keys_that_scripts_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "tags", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [list(image) for image in found] == [["image", "directory", "tags", "shared_tags", "architectures"]] * 2
    assert found[0]["shared_tags"] == ["3.13.15", "3.13", "3", "latest"]
    assert found[0]["architectures"] == ["amd64", "arm32v5", "arm64v8"]


def test_the_table_fits_into_80_columns_and_breaks_no_tag(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "tags") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3.13.15-trixie               3.13-trixie  3-trixie  trixie"
    assert lines[1].split() == ["shared", "3.13.15", "3.13", "3", "latest"]
    assert lines[2].split() == ["for", "amd64", "arm32v5", "arm64v8"]
    assert lines[-1] == "2 images, 10 simple tags, 4 shared tags"
    assert max(map(len, lines)) <= 80
    said = {word for line in lines for word in line.split()}
    assert said.issuperset(tag for image in TAGGED for tag in (*image.tags, *image.shared_tags))


def test_quiet_leaves_one_simple_tag_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "tags", "-q") == 0
    assert capsys.readouterr().out.splitlines() == [tag for image in TAGGED for tag in image.tags]


def test_an_architecture_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "tags", "--arch", "z80") == 2
    assert "unknown platform 'z80'" in capsys.readouterr().err
