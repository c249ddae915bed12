# SPDX-License-Identifier: Apache-2.0
"""Workflows by the services' own schemas, and their jobs' steps run for real, with two stores and one registry."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from peers.fixtures import QUICK, Built, Workshop
from peers.patched import patching
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


_MADE_FOR = re.compile(r'^"3\.13-slim-trixie linux/amd64" = "[0-9a-f]{64}"$', re.MULTILINE)
"""The line of a lock that says what it was made for."""

REFUSED_HERE = """\
#!/bin/sh
# What a quick image wants to be published at all, and to be refreshed where nothing is known of new releases.
case $1 in
push) set -- "$@" --force ;;
refresh) set -- "$@" --force --only packages ;;
esac
exec {program} "$@"
"""


@pytest.fixture
def install(tmp_path: Path) -> str:
    """The command by which a job gets the program."""
    wrapper = tmp_path / "wrapper"
    wrapper.write_text(REFUSED_HERE.format(program=BIN / "imagewright"))
    wrapper.chmod(0o755)
    return f"mkdir -p .imagewright/bin && ln -s {wrapper} .imagewright/bin/imagewright"


def cache(registry: RealRegistry) -> str:
    """Where the jobs share what was compiled."""
    return f'[cache]\nrepository = "{registry.host}/team/cache"\ntrust = "anyone"\nplain_http = true\n'


def committed(place: Path, lock: Path, configuration: str, *beside: Path) -> Path:
    """A Git repository with lock and configuration, as a service would build it."""
    place.mkdir(parents=True)
    for file in (lock, *beside):
        shutil.copy(file, place)
    (place / "imagewright.toml").write_text(configuration)
    for words in (
        ("init", "-q", "-b", "main"),
        ("add", "."),
        ("-c", "user.name=x", "-c", "user.email=x@localhost", "commit", "-q", "-m", "all"),
    ):
        output(["git", "-C", place, *words])
    place.with_name(f"{place.name}.git").symlink_to(place)
    return place


@pytest.fixture
def repository(quick_image: Built, registry: RealRegistry, tmp_path: Path) -> Path:
    return committed(tmp_path / "team" / "images", quick_image.workshop.lock, cache(registry))


def run_script(text: str, directory: Path, repository: Path, store: Path, given: dict[str, str]) -> str:
    """Run one as the services do: bash, ending at the first failure; what it said."""
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text],
        cwd=directory,
        env={
            **os.environ,
            **given,
            "TOKEN": "none",
            "IMAGEWRIGHT_GIT_TOKEN": "none",
            "GITHUB_SERVER_URL": f"file://{repository.parents[1]}",
            "GITHUB_REPOSITORY": "team/images",
            "GITHUB_SHA": output(["git", "-C", repository, "rev-parse", "main"]).strip(),
            "CI_PROJECT_URL": f"file://{repository}",
            "IMAGEWRIGHT_STORE": str(store),
        },
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, f"{text}\nended with {ended.returncode}: {said}"
    return said


def run_job(job: Any, cell: dict[str, str], repository: Path, directory: Path, store: Path) -> str:
    """Run the steps of a job of GitHub's in order; what they said."""
    directory.mkdir()
    said = ""
    for step in job["steps"]:
        given = {
            name: re.sub(r"\$\{\{ matrix\.(\w+) \}\}", lambda match: cell[match[1]], value)
            for name, value in step.get("env", {}).items()
        }
        known = {name: value for name, value in given.items() if "${{" not in value}
        said += run_script(step["run"], directory, repository, store, known)
    return said


def run_gitlab(found: Any, name: str, cell: dict[str, str], repository: Path, directory: Path, store: Path) -> str:
    """Run a job of GitLab's, all of it in one shell, in what its runner fetched; what it said."""
    output(["git", "clone", "-q", repository, directory])
    script = "\n".join([*found["default"]["before_script"], *found[name]["script"]])
    return run_script(script, directory, repository, store, cell)


def test_the_jobs_compile_once_in_two_stores_that_share_a_registry(
    quick_image: Built, registry: RealRegistry, repository: Path, tmp_path: Path, install: str
) -> None:
    """The first store is the one in which the quick image was compiled; the second one is empty."""
    words = (*QUICK, "--push", f"{registry.host}/team/python", "--cache", f"{registry.host}/team/cache")
    words = (*words, "--install", install)
    jobs = workflow(repository, "github", *words)["jobs"]
    (compiled,) = jobs["compile"]["strategy"]["matrix"]["include"]
    (built,) = jobs["images"]["strategy"]["matrix"]["include"]
    first = run_job(jobs["compile"], compiled, repository, tmp_path / "one", quick_image.workshop.store)
    assert "3 results are in" in first
    second = run_job(jobs["images"], built, repository, tmp_path / "two", tmp_path / "store")
    assert "configure" not in second, "something was compiled"
    other = Workshop(tmp_path / "two", tmp_path / "store", repository / "imagewright.lock")
    listed = other.answer("store", "ls")["images"]
    assert [image["digest"] for image in listed] == [quick_image.answer["digest"]]
    index = json.loads((tmp_path / "store" / "index.json").read_text())
    assert quick_image.answer["digest"] in json.dumps(index)
    for tag in quick_image.answer["tags"]:
        assert published(other, f"{registry.host}/team/python:{tag}") == [quick_image.answer["digest"]]

    found = workflow(repository, "gitlab", *words)
    (cell,) = found["images"]["parallel"]["matrix"]
    said = run_gitlab(found, "images", cell, repository, tmp_path / "three", tmp_path / "store")
    assert f"0 of {len(quick_image.answer['tags'])} tags moved" in said


def published(workshop: Workshop, reference: str) -> list[str]:
    """The digests of the images that a tag leads to."""
    return [image["digest"] for image in workshop.answer("inspect", reference)["images"]]


def test_refresh_jobs_publish_and_propose_a_lock(
    quick_image: Built, registry: RealRegistry, tmp_path: Path, install: str
) -> None:
    """A security update comes out: GitHub's job, GitLab's, and again after somebody merged what they propose."""
    (tmp_path / "patched").mkdir()
    with patching(quick_image, tmp_path / "patched") as made:
        configuration = (made.lock.parent / "imagewright.toml").read_text()
        configuration += f'\n[mirrors]\ndebian-security = "{made.security}"\n\n{cache(registry)}'
        fit(made.lock, configuration, quick_image, tmp_path / "fitting")
        repository = committed(
            tmp_path / "team" / "images", made.lock, configuration, made.lock.with_name("key.asc")
        )
        words = (*QUICK, "--push", f"{registry.host}/team/fresh", "--cache", f"{registry.host}/team/cache")
        words = (*words, "--install", install)
        github, gitlab = (workflow(repository, service, *words) for service in ("github", "gitlab"))
        store = quick_image.workshop.store
        run_job(github["jobs"]["refresh"], {}, repository, tmp_path / "one", store)
        proposed = lock_of(repository, "imagewright-refresh")
        assert proposed != lock_of(repository, "main")
        (digest,) = published(quick_image.workshop, f"{registry.host}/team/fresh:3.13-slim-trixie")
        assert digest != quick_image.answer["digest"]

        output(["git", "-C", repository, "branch", "-q", "-D", "imagewright-refresh"])
        run_gitlab(gitlab, "refresh", {}, repository, tmp_path / "two", store)
        assert lock_of(repository, "imagewright-refresh") == proposed
        output(["git", "-C", repository, "merge", "-q", "--ff-only", "imagewright-refresh"])
        said = run_gitlab(gitlab, "refresh", {}, repository, tmp_path / "three", store)
        assert "nothing is behind\n" in said
        assert published(quick_image.workshop, f"{registry.host}/team/fresh:3.13-slim-trixie") == [digest]


def fit(lock: Path, configuration: str, built: Built, directory: Path) -> None:
    """Have a lock say that it was made for a configuration, as it is before the packages were patched."""
    shutil.copytree(lock.parent, directory, ignore=shutil.ignore_patterns("archive"))
    (directory / "imagewright.toml").write_text(configuration)
    other = Workshop(directory, built.workshop.store, directory / lock.name)
    other.call("lock", QUICK[0])
    (now,) = _MADE_FOR.findall(other.lock.read_text())
    lock.write_text(_MADE_FOR.sub(now, lock.read_text()))


def lock_of(repository: Path, branch: str) -> str:
    return output(["git", "-C", repository, "show", f"{branch}:imagewright.lock"])
