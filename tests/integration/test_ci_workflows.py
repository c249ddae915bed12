# SPDX-License-Identifier: Apache-2.0
"""Workflows by the services' own schemas, and their jobs' steps run for real, with two stores and one registry."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from peers.fixtures import QUICK, Built, Workshop
from peers.programs import output
from peers.registries import RealRegistry, real_registry
from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]
BIN = Path(sys.executable).parent
SCHEMAS = {"github": "vendor.github-workflows", "gitlab": "vendor.gitlab-ci"}
CACHE = ("--cache", "registry.example/team/cache", "--push", "registry.example/team/python")
MANY = ("--all", "--only", "slim-*", "--only", "3.13t-*", "--platform", "linux/amd64,linux/arm64", *CACHE)


def workflow(directory: Path, service: str, *words: str) -> Any:
    """Write it; what it says."""
    ended = subprocess.run(
        [sys.executable, "-m", "imagewright", "ci", service, *words],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    (directory / "workflow.yml").write_text(ended.stdout, encoding="utf-8")
    return YAML(typ="safe", pure=True).load(ended.stdout)


def scripts(found: Any) -> Iterator[str]:
    """Every script of every job."""
    if isinstance(found, dict):
        for key, value in found.items():
            if key == "run" and isinstance(value, str):
                yield value
            elif key in {"script", "before_script"}:
                yield from value
            else:
                yield from scripts(value)
    elif isinstance(found, list):
        for value in found:
            yield from scripts(value)


@pytest.mark.parametrize("service", sorted(SCHEMAS))
def test_the_services_own_schema_accepts_it_and_shellcheck_its_scripts(service: str, tmp_path: Path) -> None:
    found = workflow(tmp_path, service, *MANY)
    output([BIN / "check-jsonschema", "--builtin-schema", SCHEMAS[service], tmp_path / "workflow.yml"])
    texts = sorted(set(scripts(found)))
    assert len(texts) > 4
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.sh").write_text(f"#!/bin/bash\n{text}", encoding="utf-8")
    shellcheck = program("shellcheck", "shellcheck")
    output([shellcheck, "--severity=warning", *sorted(tmp_path.glob("*.sh"))])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("ci-registry")) as running:
        yield running


@pytest.fixture
def repository(quick_image: Built, registry: RealRegistry, tmp_path: Path) -> Path:
    """A Git repository with lock and configuration, as a service would build it."""
    place = tmp_path / "team" / "images"
    place.mkdir(parents=True)
    (place / "imagewright.lock").write_bytes(quick_image.workshop.lock.read_bytes())
    (place / "imagewright.toml").write_text(
        f'[cache]\nrepository = "{registry.host}/team/cache"\ntrust = "anyone"\nplain_http = true\n'
    )
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "-m", "all"),
    ):
        output(["git", "-C", place, *words])
    return place


def run_job(job: Any, cell: dict[str, str], repository: Path, directory: Path, store: Path) -> str:
    """Run a job's steps in order, as the service does: bash, ending at the first failure; what they said."""
    directory.mkdir()
    said = ""
    for step in job["steps"]:
        given = {
            name: re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: cell[match[1]], value)
            for name, value in step.get("env", {}).items()
        }
        environment = {
            **os.environ,
            **{name: value for name, value in given.items() if "${{" not in value},
            "TOKEN": "none",
            "GITHUB_SERVER_URL": f"file://{repository.parents[1]}",
            "GITHUB_REPOSITORY": "team/images",
            "GITHUB_SHA": output(["git", "-C", repository, "rev-parse", "HEAD"]).strip(),
            "IMAGEWRIGHT_STORE": str(store),
        }
        ended = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        said += ended.stdout + ended.stderr
        assert ended.returncode == 0, f"{step['name']}: {said}"
    return said


def test_the_jobs_compile_once_in_two_stores_that_share_a_registry(
    quick_image: Built, registry: RealRegistry, repository: Path, tmp_path: Path
) -> None:
    """The first store is the one in which the quick image was compiled; the second one is empty."""
    install = f"mkdir -p .imagewright/bin && ln -s {BIN / 'imagewright'} .imagewright/bin/imagewright"
    words = (*QUICK, "--push", f"{registry.host}/team/python", "--install", install)
    found = workflow(repository, "github", *words, "--cache", f"{registry.host}/team/cache")
    jobs = found["jobs"]
    (compiled,) = jobs["compile"]["strategy"]["matrix"]["include"]
    (built,) = jobs["images"]["strategy"]["matrix"]["include"]
    del jobs["images"]["steps"][-1]  # a quick image is not published
    first = run_job(jobs["compile"], compiled, repository, tmp_path / "one", quick_image.workshop.store)
    assert "3 results are in" in first
    second = run_job(jobs["images"], built, repository, tmp_path / "two", tmp_path / "store")
    assert "configure" not in second, "something was compiled"
    other = Workshop(tmp_path / "two", tmp_path / "store", repository / "imagewright.lock")
    listed = other.answer("store", "ls")["images"]
    assert [image["digest"] for image in listed] == [quick_image.answer["digest"]]
    index = json.loads((tmp_path / "store" / "index.json").read_text())
    assert quick_image.answer["digest"] in json.dumps(index)
