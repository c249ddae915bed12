# SPDX-License-Identifier: Apache-2.0
"""``dockerfile`` and ``dockerfiles``, with the real application: they need neither store nor network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagewright.catalog.selecting import current_images
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.tags import directory_of
from imagewright.cli.run import run

SLIM = "3.13/slim-trixie/Dockerfile"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> int:
    return run(words, {"COLUMNS": "80"}, clock=lambda: 0.0)


def test_one_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfile", "3.13-slim-trixie", "--platform", "linux/amd64", "--profile", "quick") == 0
    streams = capsys.readouterr()
    assert streams.out.startswith("# CPython 3.13.15 on trixie")
    assert "LABEL io.imagewright.profile=quick" in streams.out
    assert streams.err == ""


def test_what_must_lie_beside_it_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfile", "3.13-slim-trixie") == 0
    assert "profile-amd64.tar.xz" in capsys.readouterr().err


def test_the_document_has_the_keys_that_scripts_read(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfile", "3.12-slim-bookworm", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["image", "directory", "platforms", "pinned", "text", "beside"]
    assert (answer["directory"], answer["pinned"]) == ("3.12/slim-bookworm", False)


def test_a_base_without_a_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfile", "3.13-slim-trixie", "--base", "debian") == 2
    assert "NAME=REF" in capsys.readouterr().err


def test_a_tree_is_written_then_the_same_then_drifts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("dockerfiles", "tree", "--only", "slim-trixie")
    assert call(*words, "--check") == 1
    assert not (here / "tree").exists()
    assert call(*words) == 0
    capsys.readouterr()
    assert call(*words, "--check") == 0
    assert "nothing differs" in capsys.readouterr().out
    file = here / "tree" / SLIM
    file.write_text(file.read_text().replace("FROM base AS image", "FROM other AS image"))
    assert call(*words, "--check") == 1
    out = capsys.readouterr().out
    assert f"--- a/{SLIM}" in out
    assert "-FROM other AS image" in out
    assert "+FROM base AS image" in out
    assert call(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out)["changed"] == [SLIM]
    assert call(*words, "--check", "-q") == 0
    assert not list((here / "tree").rglob(".*"))


def test_ours_that_belong_to_no_image_go_and_others_stay(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfiles", "tree") == 0
    ours, theirs = here / "tree/2.6/squeeze/Dockerfile", here / "tree/own/Dockerfile"
    for place in (ours, theirs):
        place.parent.mkdir(parents=True)
    ours.write_bytes((here / "tree" / SLIM).read_bytes())
    theirs.write_text("FROM mine\n")
    capsys.readouterr()
    assert call("dockerfiles", "tree", "--check", "--json") == 1
    assert json.loads(capsys.readouterr().out)["removed"] == ["2.6/squeeze/Dockerfile"]
    assert call("dockerfiles", "tree") == 0
    assert not ours.parent.exists()
    assert theirs.read_text() == "FROM mine\n"


def test_a_pattern_that_means_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("dockerfiles", "tree", "--only", "4.0-*") == 2
    assert "matches no image" in capsys.readouterr().err


def test_every_dockerfile_of_the_official_set_is_written_linted_and_compared(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All series with all their suites and variants, Alpine's and Windows' too; what CI holds the set to."""
    assert call("dockerfiles", "tree", "--json") == 0
    written = json.loads(capsys.readouterr().out)
    assert call("dockerfiles", "tree", "--check", "--json") == 0
    compared = json.loads(capsys.readouterr().out)
    assert compared["files"] == written["files"]
    assert (compared["changed"], compared["removed"], compared["findings"]) == ([], [], [])
    catalog = shipped_catalog()
    scheme = catalog.by_scheme["official"]
    # Without a lock, images without a shell have no Dockerfile; the official set has no such images.
    expected = {
        f"{directory_of(name, catalog, scheme)}/Dockerfile"
        for name in current_images(catalog)
        if not catalog.by_variant[name.variant].word.startswith("minimal")
    }
    assert {path for path in written["files"] if path.endswith("/Dockerfile")} == expected
    distributions = {catalog.by_suite[name.suite].distribution for name in current_images(catalog)}
    assert distributions == {"debian", "ubuntu", "alpine", "windows"}
    assert {path.partition("/")[0] for path in expected} == set(catalog.by_series)


def test_what_is_against_the_rules_is_shown_with_its_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("dockerfiles", "tree", "--only", "slim-trixie")
    assert call(*words) == 0
    file = here / "tree" / SLIM
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, "MAINTAINER me", ""]))
    capsys.readouterr()
    assert call(*words, "--check", "-q") == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if line.startswith(f"{SLIM}:{len(lines) + 1}: DL4000: ")]
    assert call(*words, "--check", "--json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["path"], finding["line"], finding["rule"]) == (SLIM, len(lines) + 1, "DL4000")
