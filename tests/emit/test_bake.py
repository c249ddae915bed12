# SPDX-License-Identifier: Apache-2.0
"""Bake files: each interpreter is compiled once, and nothing is said that a kind of builder cannot do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.cli.run import run
from imagewright.emit.dockerfiles.bake import BakeImage, BakeStyle, Driver, bake_document
from support.dockerfiles import order
from support.golden import Golden

SPECS = ("3.13-trixie", "3.13-slim-trixie", "3.12-slim-trixie", "3.13-slim-bookworm")


def images(**contexts: str) -> tuple[BakeImage, ...]:
    found = []
    for spec in SPECS:
        made = order(spec)
        definitions = tuple(build.definition for build in made.builds)
        found.append(BakeImage(definitions, f"dir/{spec}", contexts))
    return tuple(found)


def test_images_share_what_compiles() -> None:
    targets = bake_document(images(), BakeStyle())["target"]
    compiles = [name for name in targets if name.startswith("python-")]
    assert compiles == ["python-3-13-15-trixie", "python-3-12-12-trixie", "python-3-13-15-bookworm"]
    shared = {name: target["contexts"]["python"] for name, target in targets.items() if name not in compiles}
    assert shared["3-13-15-trixie"] == shared["3-13-15-slim-trixie"] == "target:python-3-13-15-trixie"
    assert len(set(shared.values())) == 3
    assert all(targets[name]["target"] == "python" for name in compiles)
    assert all(targets[name]["output"] == ["type=cacheonly"] for name in compiles)


def test_a_compile_is_for_every_platform_of_its_images() -> None:
    first, second, *_ = images()
    fewer = replace(first, definitions=first.definitions[:1])
    targets = bake_document((fewer, second), BakeStyle())["target"]
    assert targets["python-3-13-15-trixie"]["context"] == "dir/3.13-slim-trixie"
    assert len(targets["python-3-13-15-trixie"]["platforms"]) == len(second.definitions)


def test_the_engines_own_builder_is_asked_for_what_it_can() -> None:
    style = BakeStyle(Driver.DOCKER, cache="registry.example/cache")
    for name, target in bake_document(images(), style)["target"].items():
        assert len(target["platforms"]) == 1
        assert not {"attest", "annotations", "cache-from", "cache-to"} & set(target), name


def test_other_builders_attest_and_share_caches() -> None:
    style = BakeStyle(repository="registry.example/team/python", cache="registry.example/cache")
    targets = bake_document(images(), style)["target"]
    slim = targets["3-13-15-slim-trixie"]
    assert slim["tags"][0] == "registry.example/team/python:3.13.15-slim-trixie"
    assert slim["attest"] == ["type=provenance,mode=max", "type=sbom"]
    assert "manifest:org.opencontainers.image.version=3.13.15" in slim["annotations"]
    assert targets["python-3-13-15-trixie"]["cache-to"] == [
        "type=registry,ref=registry.example/cache:python-3-13-15-trixie,mode=max"
    ]
    assert slim["args"] == {"SOURCE_DATE_EPOCH": str(order("3.13-slim-trixie").builds[0].definition.release_epoch)}


def test_a_compile_reads_only_what_changes_it() -> None:
    """Another base must not compile anything anew."""
    targets = bake_document(images(packages="p", inputs="i", buildbase="b", base="r"), BakeStyle())["target"]
    assert set(targets["python-3-13-15-trixie"]["contexts"]) == {"packages", "inputs", "buildbase"}
    assert targets["3-13-15-trixie"]["contexts"]["base"] == "r"
    assert {target["network"] for target in targets.values()} == {"none"}


def test_groups_and_names_are_bakes() -> None:
    document = bake_document(images(), BakeStyle())
    names = [*document["group"], *document["target"]]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", name) for name in names)
    assert len(names) == len(set(names))
    assert (
        document["group"]["default"]["targets"]
        == document["group"]["trixie"]["targets"] + (document["group"]["bookworm"]["targets"])
    )
    assert document["group"]["3-12"]["targets"] == ["3-12-12-slim-trixie"]


def test_the_document_is_as_it_was(golden: Golden) -> None:
    golden("docker-bake.json", json.dumps(bake_document(images(), BakeStyle(tree="tree"))).encode())


def test_the_command_prints_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("bake", "--all", "--only", "3.13-*", "--tree", "d", "--repository", "r.example/p")
    assert run(words, {"COLUMNS": "80"}, clock=lambda: 0.0) == 0
    streams = capsys.readouterr()
    targets = json.loads(streams.out)["target"]
    assert targets["3-13-15-slim-trixie"]["context"] == "d/3.13/slim-trixie"
    assert targets["3-13-15-alpine3-23"]["tags"][0] == "r.example/p:3.13.15-alpine3.23"
    assert "windowsservercore" not in str(targets)
    assert "3.13.15-windowsservercore-ltsc2025" in streams.err
