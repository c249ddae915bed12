# SPDX-License-Identifier: Apache-2.0
"""Words of pushes, pulls and their like, and what a person or a script reads."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from imagewright.cli.run import run
from imagewright.model.options import Selection
from imagewright.model.platforms import parse_platform
from imagewright.model.pushing import PushOptions
from imagewright.model.transfers import RegistryAccess
from support.fake_application import FakeApplication
from support.fake_transfers import INDEX, WHERE

SPEC = "3.13-slim-trixie"
Call = Callable[..., int]


@pytest.fixture
def application() -> FakeApplication:
    return FakeApplication()


@pytest.fixture
def call(application: FakeApplication) -> Call:
    def imagewright(*words: str) -> int:
        return run(words, {}, make=application.make, clock=lambda: 0.0)

    return imagewright


def test_push_passes_on_every_word(call: Call, application: FakeApplication) -> None:
    words = "--require amd64,arm64v8 --mount registry.example/debian --force --replace --dry-run --plain-http"
    words += " --per-architecture registry.example/{architecture}/python"
    assert call("push", SPEC, "3.13", WHERE, *words.split()) == 0
    options = PushOptions(
        access=RegistryAccess(plain=True),
        require=(parse_platform("amd64"), parse_platform("arm64v8")),
        mount=("registry.example/debian",),
        per_architecture="registry.example/{architecture}/python",
        force=True,
        replace=True,
        dry_run=True,
    )
    assert application.asked[1:] == [("push", (SPEC, "3.13"), WHERE, options)]


def test_push_all_needs_no_spec_and_push_alone_does(call: Call, application: FakeApplication) -> None:
    assert call("push", "--all", "--only", "slim-*", WHERE) == 0
    options = PushOptions(selection=Selection(everything=True, only=("slim-*",)))
    assert application.asked[1:] == [("push", (), WHERE, options)]
    assert call("push", WHERE) == 2


def test_push_json_has_the_promised_keys(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("push", SPEC, WHERE, "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"ref", "digest", "tags", "uploaded", "mounted", "skipped", "bytes"} <= set(answer)
    assert answer["digest"] == str(INDEX)
    assert answer["images"][0]["moved"] == ["3.13-slim-trixie", "3.13-slim"]


def test_what_a_person_reads_of_a_push(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("push", SPEC, WHERE) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        f"{WHERE}:3.13.15-slim-trixie",
        f"digest      {INDEX}",
        "platforms   linux/amd64, linux/arm64/v8",
        "moved tags  3.13-slim-trixie 3.13-slim",
        "same tags   3.13.15-slim-trixie",
        "",
        "3 uploaded, 1 mounted, 4 there already; 15.1 MB on the way",
    ]
    assert "base trixie-slim amd64  uploaded (29.1 MB)" in said.err
    assert "python 3.13.15 trixie amd64  there already (9.5 MB)" in said.err
    assert max(map(len, said.out.splitlines())) <= 84, "a digest and its label"
    assert call("push", SPEC, WHERE, "-q") == 0
    assert capsys.readouterr() == (f"{INDEX}\n", "")


def test_what_a_person_reads_of_an_image(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("inspect", f"{WHERE}:3.13-slim") == 0
    said = capsys.readouterr().out
    assert "linux/amd64" in said
    assert "size        46.2 MB in 1 layer" in said
    assert "user        root" in said
    assert "application/vnd.in-toto+json" in said


def test_changes_say_what_was_and_what_is(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("retag", f"{WHERE}:3.13", "slim", "old", "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("slim: ")
    assert said[1].endswith(" deleted")
    assert said[-1] == "nothing was changed: this was a dry run"


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("pull", f"{WHERE}:3.13", "--platform", "arm64"), "pull"),
        (("copy", f"{WHERE}:3.13", "oci:layout"), "copy"),
        (("untag", f"{WHERE}:old", f"{WHERE}:older"), "untag"),
        (("gc-remote", WHERE, "--only", "3.12*", "--keep", "7"), "gc_remote"),
    ],
)
def test_each_command_calls_its_use_case(
    call: Call, application: FakeApplication, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], name: str
) -> None:
    assert call(*words) == 0
    assert application.asked[1][0] == name
    assert capsys.readouterr().out
    assert call(*words, "--json") == 0
    assert json.loads(capsys.readouterr().out)
