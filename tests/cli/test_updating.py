# SPDX-License-Identifier: Apache-2.0
"""``update`` and ``outdated``: words in, answer out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.cli import behind
from imagewright.cli.console import Paint
from imagewright.cli.run import run
from imagewright.model.options import UpdateOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.refreshing import RefreshOptions
from imagewright.model.results import ChangedPackage, FailedImage, Failure, Rebuild, RebuildStep
from support.fake_application import FakeApplication
from support.fake_updates import BEHIND, REFRESHED, UPDATED

PLAIN = Paint(enabled=False)
Call = Callable[..., int]


@pytest.fixture
def application() -> FakeApplication:
    return FakeApplication(emitted=())


@pytest.fixture
def call(application: FakeApplication) -> Call:
    return lambda *words: run(words, {}, make=application.make, clock=lambda: 0.0)


def test_update_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    assert call("update") == 0
    assert application.asked[-1] == ("update", (), UpdateOptions())
    words = "--series 3.13 --series 3.12 --dry-run --accept 3.14.11 --prereleases --toolchain --only releases"
    assert call("update", *words.split()) == 0
    assert application.asked[-1] == (
        "update",
        (),
        UpdateOptions(
            series=("3.13", "3.12"),
            dry_run=True,
            accept=("3.14.11",),
            prereleases=True,
            releases=True,
            packages=False,
            toolchain=True,
        ),
    )


def test_a_series_must_be_one(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("update", "--series", "3.13.5") == 2
    assert "'3.13.5' is not a series" in capsys.readouterr().err


def test_update_tells_what_it_took_and_what_not(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("update") == 0
    assert (
        capsys.readouterr().out
        == """\
! CPython 3.14.11 after 3.14.10, not taken
  nothing but python.org vouches for it; take it with --accept 3.14.11
+ CPython 3.13.18 after 3.13.15  named by Debian forky

base minbase trixie amd64  2 packages, 1 for security
  libssl3t64  3.5.1-1      3.5.4-1~deb13u1  security
  bash        5.2.37-2+b8  5.2.37-3

runtime 3.13-slim trixie amd64  2 packages
  libnew         1.0-1
  libold  1.0-1  gone

wrote 1 release to imagewright.releases.toml and 4 packages to imagewright.lock
"""
    )


def test_update_as_a_document(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("update", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["version"] for one in document["releases"]] == ["3.14.11", "3.13.18"]
    assert document["releases"][1]["sha256"].startswith("sha256:")
    assert document["packages"][1] == {
        "name": "libssl3t64",
        "where": "base minbase trixie amd64",
        "have": "3.5.1-1",
        "now": "3.5.4-1~deb13u1",
        "security": True,
    }


def test_a_quiet_update_names_what_was_taken(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("update", "-q") == 0
    assert capsys.readouterr().out.split() == ["3.13.18", "bash", "libssl3t64", "libnew", "libold"]


def test_an_update_without_news_says_so() -> None:
    nothing = replace(UPDATED, releases=(), packages=())
    assert behind.update(nothing, PLAIN, 80) == ["nothing new"]
    assert behind.update(replace(nothing, targets=()), PLAIN, 80) == [
        "nothing new; imagewright.lock locks no image yet"
    ]
    assert behind.update(replace(UPDATED, dry_run=True), PLAIN, 80)[-1].startswith("would write 1 release")


def test_long_lists_are_cut() -> None:
    many = tuple(ChangedPackage(f"p{number:03}", "base", "1", "2", security=False) for number in range(50))
    lines = behind.update(replace(UPDATED, releases=(), packages=many), PLAIN, 80)
    assert "  … and 20 more (--json gives all)" in lines


def test_outdated_is_a_table_of_80_columns(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("outdated") == 0
    said = capsys.readouterr().out
    assert (
        said
        == """\
3.13.15-slim-trixie  linux/amd64
  release 3.13.15 → 3.13.18
  libssl3t64  3.5.1-1+deb13u1  3.5.4-1~deb13u1  security
  tzdata      2025b-4+deb13u1  2026a-0+deb13u1
  build 3.13-slim-trixie: about 12 s and 1 step that never ran here, 1 compile
    runs base, python

3.9.2-slim-bullseye  linux/386
  a-package-wit…ld-type  1:99999999999…9999999  11111111111111…1111111
  it cannot be rebuilt from this catalog

2 images behind, 1 with security updates
"""
    )
    assert max(map(len, said.splitlines())) <= 80


def test_outdated_passes_on_specs_and_answers_a_list(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("outdated", "3.13-slim-trixie", "--json") == 0
    assert application.asked[-1] == ("outdated", ("3.13-slim-trixie",), None)
    document = json.loads(capsys.readouterr().out)
    assert set(document[0]) >= {"spec", "platform", "packages", "release"}
    assert document[0]["packages"][0] == {
        "name": "libssl3t64",
        "have": "3.5.1-1+deb13u1",
        "available": "3.5.4-1~deb13u1",
        "security": True,
    }
    assert document[1]["release"] is None


def test_the_exit_status_tells_only_when_asked(call: Call, application: FakeApplication) -> None:
    assert call("outdated", "-q") == 0
    assert call("outdated", "-q", "--exit-code") == 1
    application.behind = ()
    assert call("outdated", "-q", "--exit-code") == 0


def test_nothing_behind_says_so() -> None:
    assert behind.outdated((), PLAIN, 80) == ["every image in the store is up to date"]


def test_the_cost_in_words() -> None:
    steps = (RebuildStep("base x", 2.0), RebuildStep("check x", 3.0))
    for rebuild, words in (
        (Rebuild("s", steps, 0, 5.0), "  build s: about 5.0 s, no compile"),
        (Rebuild("s", (RebuildStep("base x", None),), 0, 0.0), "  build s: time not known, no compile"),
        (Rebuild("s", (), 0, 0.0), "  what s is now is in the store already"),
    ):
        assert words in behind.outdated([replace(BEHIND[0], rebuild=rebuild)], PLAIN, 80)


def test_refresh_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    assert call("refresh") == 0
    assert application.asked[-1] == ("refresh", (), RefreshOptions())
    words = (
        "3.13* --push registry.example/team/python --require linux/amd64 --notes changes --only packages --force"
    )
    assert call("refresh", *words.split()) == 0
    assert application.asked[-1] == (
        "refresh",
        ("3.13*",),
        RefreshOptions(
            repository="registry.example/team/python",
            require=(parse_platform("linux/amd64"),),
            releases=False,
            notes=Path("changes"),
            force=True,
        ),
    )


@pytest.mark.parametrize("word", [["--force"], ["--require", "linux/amd64"]])
def test_words_for_a_push_need_a_push(call: Call, word: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("refresh", *word) == 2
    assert "say where: --push REPOSITORY" in capsys.readouterr().err


def test_refresh_tells_what_changed(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("refresh") == 0
    said = capsys.readouterr().out
    assert "libssl3t64  3.5.1-1+deb13u1  3.5.4-1~deb13u1" in said
    assert "changes/3.13.15-slim-trixie-linux-amd64-0123456789ab.md" in said
    assert said.endswith("1 of 6 images built anew, no compile, 41 s\n")
    assert max(map(len, said.splitlines())) <= 80


def test_what_cannot_be_built_anew_is_a_failure(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    application.refreshed = replace(REFRESHED, behind=BEHIND)
    assert call("refresh") == 1
    assert "! 3.9.2-slim-bullseye for linux/386 cannot be built anew" in capsys.readouterr().out
    assert call("refresh", "--dry-run") == 0
    assert "2 images behind, 1 with security updates" in capsys.readouterr().out


def test_a_failed_refresh_says_that_nothing_moved(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    failure = Failure(1, "check", "a check failed", "tls: no certificates")
    failed = FailedImage("3.13-slim-trixie", "3.13.15-slim-trixie", "linux/amd64", (), failure)
    application.refreshed = replace(REFRESHED, behind=(), refreshed=(), failed=(failed,))
    assert call("refresh") == 1
    said = capsys.readouterr().out
    assert "a check failed" in said
    assert said.endswith("1 image failed: the lock and the tags are as they were\n")


def test_a_refresh_with_nothing_to_do_says_so(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    application.refreshed = replace(REFRESHED, behind=(), refreshed=())
    assert call("refresh") == 0
    assert capsys.readouterr().out == "6 images looked at, nothing to build anew\n"
    assert call("refresh", "-q") == 0
    assert capsys.readouterr().out == ""
    assert call("refresh", "--json") == 0
    assert json.loads(capsys.readouterr().out)["looked"] == 6
