# SPDX-License-Identifier: Apache-2.0
"""``report`` and ``diff``: words, and what a person or a script reads."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from imagewright.cli.run import run
from imagewright.describe.published_markdown import published_markdown
from imagewright.model.differences import DiffOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.reports import ReportOptions
from imagewright.model.transfers import RegistryAccess
from support.fake_application import FakeApplication
from support.fake_transfers import INDEX, OLD, REPORTED, WHERE

REF = f"{WHERE}:3.13-slim"
Call = Callable[..., int]


@pytest.fixture
def application() -> FakeApplication:
    return FakeApplication()


@pytest.fixture
def call(application: FakeApplication) -> Call:
    def imagewright(*words: str) -> int:
        return run(words, {}, make=application.make, clock=lambda: 0.0)

    return imagewright


def test_report_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    words = "--as python:3.13 --plain-http --remote --local --platform amd64"
    assert call("report", REF, *words.split()) == 0
    platforms = (parse_platform("amd64"),)
    options = ReportOptions("python:3.13", RegistryAccess(plain=True), True, True, platforms)
    assert application.asked[1:] == [("report", REF, options)]


def test_what_a_person_reads_of_a_report(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", REF) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0] == REF
    assert "linux; arm variant v7" in lines
    assert "size        29.1 MB compressed, in 1 layer" in lines
    assert "  2026-11-02  RUN <<EOF make make install EOF" in lines
    assert "  SECRET=red" in lines, "PATH is said by the history, and nothing is painted by an image"
    assert "\x1b" not in said
    assert max(map(len, lines)) <= 84, "a digest and its label"


def test_markdown_and_json_have_the_same_facts(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", REF, "--format", "md") == 0
    text = capsys.readouterr().out
    assert text.splitlines() == published_markdown(REPORTED)
    for words in (("--json",), ("--format", "json"), ("--format", "md", "--json")):
        assert call("report", REF, *words) == 0
        found = json.loads(capsys.readouterr().out)["published"]
        assert found["digest"] == str(INDEX)
        assert found["images"][0]["platform"] == {
            "os": "linux",
            "architecture": "arm",
            "variant": "v7",
            "os_version": "",
        }
    assert str(OLD) in text


def test_the_content_follows_what_is_published(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", REF, "--local") == 0
    assert capsys.readouterr().out.startswith(f"{REF}  content for linux/amd64\n")
    assert call("report", REF, "--local", "--remote", "--format", "md") == 0
    said = capsys.readouterr().out
    assert said.startswith("\n".join(published_markdown(REPORTED)))
    assert f"\n\n## `{REF}` - content for linux/amd64\n" in said
    assert call("report", REF, "--local", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["published"] is None
    assert found["contents"][0]["sources"][1]["name"] == "glibc"


def test_quiet_leaves_the_digest(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", REF, "-q") == 0
    assert capsys.readouterr().out == f"{INDEX}\n"


def test_diff_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    assert call("diff", "a:1", "a:2", "--platform", "arm64", "--plain-http") == 0
    options = DiffOptions(RegistryAccess(plain=True), parse_platform("arm64"))
    assert application.asked[1:] == [("diff", ("a:1", "a:2"), options)]
    assert call("diff", "a:1", "a:2", "--platform", "arm64,amd64") == 2
    assert call("diff", "a:1") == 2


def test_a_difference_changes_the_exit_status_only_where_asked(call: Call) -> None:
    assert [call("diff", "a", other, *words) for other in "ab" for words in ((), ("--exit-code",))] == [0, 0, 0, 1]


def test_a_difference_in_each_form(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("diff", "a", "b") == 0
    assert "  libc6     2.41-12+deb13u4 → 3" in capsys.readouterr().out.splitlines()
    assert call("diff", "a", "b", "--format", "md") == 0
    assert "| `libc6` | `2.41-12+deb13u4` | `3` |" in capsys.readouterr().out
    assert call("diff", "a", "b", "--json") == 0
    assert json.loads(capsys.readouterr().out)["packages"][2]["name"] == "libc6"
    assert call("diff", "a", "b", "-q") == 0
    assert capsys.readouterr().out.splitlines() == ["firmware", "libc-bin", "libc6", "passwd"]


def test_a_report_as_a_page(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("report", REF, "--local", "--format", "html") == 0
    said = capsys.readouterr().out
    assert said.startswith("<!doctype html>\n")
    assert said.endswith("</html>\n")
