# SPDX-License-Identifier: Apache-2.0
"""A repository becomes a configuration, whose tags are the repository's; hostile ones lead nowhere."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from imagewright.app.importing import import_repository
from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.shipped import shipped_documents
from imagewright.cli.run import run
from imagewright.errors import ConfigurationError
from imagewright.model.takeovers import Kind
from support.takeover import docker_library, infra7


def tags(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[str]]:
    capsys.readouterr()
    assert run(("tags", "--json", *words), {}, clock=lambda: 0.0) == 0
    return {one["image"]: [*one["tags"], *one["shared_tags"]] for one in json.loads(capsys.readouterr().out)}


def test_the_official_shape_becomes_a_configuration_with_the_same_tags(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = docker_library(tmp_path / "theirs")
    monkeypatch.chdir(tmp_path)
    assert run(("import", str(source)), {}, clock=lambda: 0.0) == 0
    streams = capsys.readouterr()
    (tmp_path / "imagewright.toml").write_text(streams.out)
    assert "buster of 3.14: our catalog does not know it" in streams.err
    assert "3.12.99 is not in our catalog" in streams.err
    found = tags(capsys)
    assert "versions.json:2: 3.14.10 on alpine3.23 (alpine) is built only where it is named" in streams.err
    assert len(found) == 12
    assert found["3.14.10-slim-trixie"] == [
        *("3.14.10-slim-trixie", "3.14-slim-trixie", "3-slim-trixie", "slim-trixie"),
        *("3.14.10-slim", "3.14-slim", "3-slim", "slim"),
    ]
    assert found["3.13.15-bookworm"] == ["3.13.15-bookworm", "3.13-bookworm"]
    assert "latest" in found["3.14.10-trixie"]
    _, choices = apply_configuration(shipped_documents(), streams.out)
    by_select = {select: each.choices for each in choices.overrides for select in each.select}
    assert by_select["3.13.15-slim-trixie"].packages == ("curl",)
    assert by_select["3.13.15-slim-trixie"].configure == ("--with-dtrace",)
    assert by_select["3.13.15-bookworm"].packages == ()
    assert "3.14.10-slim-trixie" not in by_select


def test_infra7s_shape_becomes_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = infra7(tmp_path / "theirs")
    made = import_repository(source)
    assert made.kind is Kind.INFRA7
    assert {remark.file for remark in made.remarks} == {"targets/bionic/Dockerfile"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imagewright.toml").write_text(made.configuration)
    found = tags(capsys)
    assert found == {
        "3.13.15-slim-bookworm": ["3.13-bookworm", "3.13.15-bookworm", "3.13", "3.13.15", "3", "latest"],
        "3.13.15-slim-noble": ["3.13-noble", "3.13.15-noble"],
        "3.12.12-slim-bookworm": ["3.12-bookworm", "3.12.12-bookworm", "3.12", "3.12.12"],
        "3.12.12-slim-noble": ["3.12-noble", "3.12.12-noble"],
    }


def test_links_lead_nowhere(tmp_path: Path) -> None:
    source = docker_library(tmp_path / "theirs")
    (tmp_path / "secret").write_text("FROM debian:trixie\nENV SECRET=1\n")
    file = source / "3.13" / "trixie" / "Dockerfile"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(ConfigurationError, match=r"cannot read 3\.13/trixie/Dockerfile") as caught:
        import_repository(source)
    assert "symbolic link" in caught.value.why
    file.unlink()
    file.parent.rmdir()
    file.parent.symlink_to(source / "3.13" / "bookworm")
    assert "3.13/trixie/Dockerfile" in {remark.file for remark in import_repository(source).remarks}


@pytest.mark.parametrize("content", [b"\xff\xfe", b"A\x00", b" " * (2 << 20)])
def test_what_is_no_text_or_too_large_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "versions.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"versions\.json"):
        import_repository(tmp_path)


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "versions.json")
    with pytest.raises(ConfigurationError, match=r"versions\.json"):
        import_repository(tmp_path)


def test_a_directory_that_is_no_repository_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no repository of images") as caught:
        import_repository(tmp_path)
    assert "versions.json" in caught.value.why
