# SPDX-License-Identifier: Apache-2.0
"""Workflows: one compile for each interpreter, an image for each name, and nothing that should not be there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from imagewright.emit.ci import shell
from imagewright.emit.ci.github import MOST as MOST_GITHUB
from imagewright.emit.ci.github import github_workflow
from imagewright.emit.ci.gitlab import MOST as MOST_GITLAB
from imagewright.emit.ci.gitlab import gitlab_pipeline
from imagewright.emit.ci.model import Job, Workflow, compile_jobs
from support.golden import Golden
from support.locks import definition

SPECS = ("3.13-slim-trixie", "3.13-trixie", "3.13-minimal-trixie", "3.13t-slim-trixie", "3.12-bookworm")


def images() -> list[tuple[Any, Job]]:
    found = []
    for spec in SPECS:
        made = definition(spec)
        name, platform = str(made.name), str(made.platform)
        found.append((made, Job(f"{name} {platform}", name, platform)))
    return found


WORKFLOW = Workflow(
    compiles=compile_jobs(images()),
    images=tuple(job for _, job in images()),
    cache="registry.example/team/cache",
    install="bin/setup",
    key="cache.key",
    push="registry.example/team/python",
)
WRITERS = {"github": github_workflow, "gitlab": gitlab_pipeline}


def read(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_each_release_flavour_suite_and_platform_is_compiled_once() -> None:
    assert [(job.name, job.spec) for job in WORKFLOW.compiles] == [
        ("3.13.15 trixie linux/amd64", "3.13.15-slim-trixie"),
        ("3.13.15t trixie linux/amd64", "3.13.15t-slim-trixie"),
        ("3.12.12 bookworm linux/amd64", "3.12.12-bookworm"),
    ]


@pytest.mark.parametrize("service", sorted(WRITERS))
def test_it_is_as_it_was(service: str, golden: Golden) -> None:
    golden(f"ci-{service}.yml", WRITERS[service](WORKFLOW, ["Written by a test."]).encode())


def test_github_builds_images_after_compiles_with_what_they_need_to_know() -> None:
    found = read(github_workflow(WORKFLOW, []))
    compiles, builds = found["jobs"]["compile"], found["jobs"]["images"]
    assert [cell["spec"] for cell in compiles["strategy"]["matrix"]["include"]] == [
        job.spec for job in WORKFLOW.compiles
    ]
    assert [cell["spec"] for cell in builds["strategy"]["matrix"]["include"]] == [
        job.spec for job in WORKFLOW.images
    ]
    assert builds["needs"] == ["compile"]
    assert "--cache-write" in compiles["steps"][-1]["run"]
    assert not any("--cache-write" in step["run"] for step in builds["steps"])
    assert found["permissions"] == {}
    assert {name: job["permissions"] for name, job in found["jobs"].items()} == {
        "compile": {"contents": "read"},
        "images": {"contents": "read"},
        "refresh": {"contents": "write"},
    }


def test_only_githubs_own_registry_is_reached_with_the_jobs_token() -> None:
    own = read(github_workflow(replace(WORKFLOW, cache="ghcr.io/team/cache", push=""), []))
    assert own["jobs"]["compile"]["permissions"] == {"contents": "read", "packages": "write"}
    assert own["jobs"]["images"]["permissions"] == {"contents": "read", "packages": "read"}
    assert "secrets.IMAGEWRIGHT_REGISTRY" not in github_workflow(replace(WORKFLOW, cache="ghcr.io/team/cache"), [])


def test_nobody_elses_actions_are_used_and_no_secret_is_written() -> None:
    for writer in WRITERS.values():
        text = writer(WORKFLOW, [])
        assert "uses:" not in text
        assert not re.search(r"(?i)BEGIN .*PRIVATE|(password|token|key): *[\"']?[a-z0-9]{8,}[\"']?$", text)
    # What a service fills in reaches scripts through their environment: no name can become a command.
    for job in read(github_workflow(WORKFLOW, []))["jobs"].values():
        assert not any("${{" in step["run"] for step in job["steps"])


def test_the_key_is_where_results_are_signed_and_nowhere_else() -> None:
    found = read(github_workflow(WORKFLOW, []))
    having = {
        name
        for name, job in found["jobs"].items()
        if any(shell.KEY_VARIABLE in step.get("env", {}) for step in job["steps"])
    }
    assert having == {"compile"}
    assert shell.KEY_VARIABLE not in github_workflow(replace(WORKFLOW, key=""), [])


@pytest.mark.parametrize(("service", "most"), [("github", MOST_GITHUB), ("gitlab", MOST_GITLAB)])
def test_a_matrix_that_is_too_large_is_cut(service: str, most: int) -> None:
    many = tuple(Job(f"{number}", f"{number}", "linux/amd64") for number in range(most + 1))
    found = read(WRITERS[service](replace(WORKFLOW, images=many, compiles=many), []))
    jobs = found.get("jobs", found)
    assert {"compile", "compile-2", "images", "images-2"} <= set(jobs)
    if service == "github":
        assert jobs["images-2"]["needs"] == ["compile", "compile-2"]


def test_no_job_of_gitlab_needs_more_others_than_it_may() -> None:
    """By name it may need 50, each cell of a matrix being one; by its stage it waits for any number."""
    many = tuple(Job(f"{number}", f"{number}", "linux/amd64") for number in range(MOST_GITLAB + 1))
    found = read(gitlab_pipeline(replace(WORKFLOW, images=many, compiles=many), []))
    stages = [found[name]["stage"] for name in ("compile", "compile-2", "images", "images-2")]
    assert stages == ["compile", "compile", "images", "images"]
    assert found["stages"].index("compile") < found["stages"].index("images")
    assert not any("needs" in job for job in found.values() if isinstance(job, dict))
    assert {found[name]["rules"][0]["when"] for name in ("images", "images-2")} == {"always"}


def test_runners_of_gitlab_are_tags() -> None:
    tagged = tuple(replace(job, runner="arm") for job in WORKFLOW.images)
    found = read(gitlab_pipeline(replace(WORKFLOW, images=tagged), []))
    assert found["images"]["tags"] == ["$RUNNER"]
    assert found["images"]["parallel"]["matrix"][0]["RUNNER"] == "arm"
    assert "tags" not in found["compile"]
