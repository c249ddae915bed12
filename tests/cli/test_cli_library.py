# SPDX-License-Identifier: Apache-2.0
"""``library``: words in, a manifest, a table or a catalog out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.model.emitted import LibraryOptions
from imagewright.model.platforms import parse_platform
from support.fake_application import FakeApplication
from support.fake_emitting import MANIFEST, TAKEN


def call(application: FakeApplication, *words: str) -> int:
    return run(words, {"COLUMNS": "80"}, make=application.make, clock=lambda: 0.0)


def test_every_word_is_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    words = ("--git", "d", "--repo", "https://git.example/x", "--maintainer", "Ada Example (@ada)")
    more = ("--catalog", "C.toml", "--platform", "i386", "--only", "slim-*")
    assert call(application, "library", *words, *more) == 0
    assert application.asked[1] == (
        "library",
        LibraryOptions(
            Path("d"),
            "https://git.example/x",
            ("Ada Example (@ada)",),
            Path("C.toml"),
            (parse_platform("i386"),),
            ("slim-*",),
        ),
    )
    streams = capsys.readouterr()
    assert streams.out == MANIFEST.text
    assert streams.err == "left out, for want of a Dockerfile: 3.13.15-trixie (3.13/trixie/Dockerfile)\n"


def test_a_manifest_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    assert call(application, "library", "--read", "python") == 0
    assert application.asked[1] == ("read_library", Path("python"))
    assert capsys.readouterr().out == (
        "3.13.15-slim-trixie  0123456789ab 3.13/slim-trixie\n    amd64\n\n1 image, 2 simple tags, 1 shared tag\n"
    )
    assert call(application, "library", "--read", "python", "--as", "manifest") == 0
    assert capsys.readouterr().out == MANIFEST.text
    assert call(application, "library", "--read", "python", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["maintainers", "entries", "text", "missing"]
    assert list(found["entries"][0]) == ["line", "tags", "shared_tags", "constraints", "sources"]


def test_a_family_is_taken_over(capsys: pytest.CaptureFixture[str]) -> None:
    application = FakeApplication()
    assert call(application, "library", "--read", "python", "--as", "catalog") == 0
    assert application.asked[1] == ("take_over", Path("python"))
    streams = capsys.readouterr()
    assert streams.out == TAKEN.catalog
    assert streams.err == "differs: 3.13.15-slim-trixie would lose the tags slim\n"


def test_as_is_about_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(FakeApplication(), "library", "--as", "catalog") == 2
    assert "--read FILE" in capsys.readouterr().err


def test_what_differs_between_architectures_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commit, other = "a" * 40, "b" * 40
    (tmp_path / "python").write_text(
        "Maintainers: A (@a)\nGitRepo: https://g.example/x\nArchitectures: amd64, arm32v5, s390x\n\n"
        f"Tags: 3.13-trixie\nGitCommit: {commit}\nDirectory: 3.13/trixie\narm32v5-GitCommit: {other}\n"
        "arm32v5-File: Other\nConstraints: !aufs\n"
    )
    assert run(["library", "--read", str(tmp_path / "python")], {"COLUMNS": "80"}) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        "3.13-trixie  aaaaaaaaaaaa 3.13/trixie",
        "    amd64 arm32v5 s390x",
        "    arm32v5: bbbbbbbbbbbb 3.13/trixie/Other",
        "    only on !aufs",
    ]
