# SPDX-License-Identifier: Apache-2.0
"""A workflow of GitHub Actions (docs.github.com/actions/reference/workflows-and-actions/workflow-syntax).

It uses nobody's actions: the repository is fetched by git. Each job may do what it needs and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from imagewright.emit.ci import shell
from imagewright.emit.ci.model import Job, Workflow, in_parts
from imagewright.emit.ci.yaml import Value, yaml_document

MOST = 256
"""Jobs that one matrix may have."""

RUNNERS = {"linux/amd64": "ubuntu-24.04", "linux/arm64/v8": "ubuntu-24.04-arm"}
"""Runners that are of a platform themselves; for others, interpreters are compiled across on the first."""

_OWN = "ghcr.io"
_TOKEN = "${{ github.token }}"  # noqa: S105 - GitHub's own expression, no secret
_CHECKOUT = """\
git init -q .
git remote add origin "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"
git fetch -q --depth=1 origin "$GITHUB_SHA"
git checkout -q FETCH_HEAD
"""
_CREDENTIALS = shell.git_token("x-access-token", "TOKEN")
_GIT = {"TOKEN": _TOKEN}
_KEY = {shell.KEY_VARIABLE: f"${{{{ secrets.{shell.KEY_VARIABLE} }}}}"}


def github_workflow(workflow: Workflow, comment: Sequence[str]) -> str:
    """The text of ``.github/workflows/images.yml``."""
    jobs: dict[str, Value] = {}
    compiles = _jobs("compile", workflow.compiles, workflow, jobs)
    _jobs("images", workflow.images, workflow, jobs, needs=compiles)
    jobs["refresh"] = _refresh(workflow)
    return yaml_document(
        {
            "name": "Images",
            "on": {
                "push": {"branches": [workflow.branch]},
                "schedule": [{"cron": workflow.schedule}],
                "workflow_dispatch": {},
            },
            "permissions": {},
            "concurrency": {"group": "images-${{ github.ref }}", "cancel-in-progress": False},
            "defaults": {"run": {"shell": "bash"}},
            "jobs": jobs,
        },
        comment,
    )


def _jobs(
    name: str, matrix: Sequence[Job], workflow: Workflow, jobs: dict[str, Value], needs: Sequence[str] = ()
) -> list[str]:
    """Add jobs of one kind, cut where a matrix would be too large; their names."""
    parts = in_parts(matrix, MOST)
    names = [name if number == 0 else f"{name}-{number + 1}" for number in range(len(parts))]
    for part, each in zip(parts, names, strict=True):
        jobs[each] = _job(name, part, workflow, needs)
    return names


def _job(name: str, matrix: Sequence[Job], workflow: Workflow, needs: Sequence[str]) -> Value:
    steps = _begin(workflow)
    if name == "compile":
        if workflow.key:
            steps.append(_step("Write the cache's key", shell.write_key(workflow), _KEY))
        steps.append(_step("Compile once", shell.compile_once(workflow), _building(workflow)))
    else:
        steps.append(_step("Build and check", shell.build_image(workflow), _building(workflow)))
        if workflow.push:
            steps.append(_step("Publish", shell.publish(workflow), _building(workflow)))
    # An interpreter that does not compile keeps the other images from nothing.
    waits: dict[str, Value] = {"needs": list(needs)} if needs else {}
    runs = "github.event_name != 'schedule'"
    return {
        "name": f"{name}: ${{{{ matrix.name }}}}",
        **waits,
        "if": f"${{{{ !cancelled() && {runs} }}}}" if needs else f"${{{{ {runs} }}}}",
        "runs-on": "${{ matrix.runner }}",
        "timeout-minutes": 120,
        "permissions": _permissions(workflow, writes=name == "compile" or bool(workflow.push)),
        "strategy": {"fail-fast": False, "matrix": {"include": [_cell(job) for job in matrix]}},
        "steps": steps,
    }


def _begin(workflow: Workflow) -> list[dict[str, Value]]:
    return [
        _step("Fetch the repository", _CREDENTIALS + _CHECKOUT, _GIT),
        _step("Install Imagewright", shell.install(workflow)),
    ]


def _refresh(workflow: Workflow) -> Value:
    environment = {**_GIT, **_credentials(workflow)}
    steps = [*_begin(workflow), _step("Refresh", shell.refresh(workflow, _CREDENTIALS, "origin"), environment)]
    return {
        "name": "refresh",
        "if": "${{ github.event_name == 'schedule' }}",
        "runs-on": RUNNERS["linux/amd64"],
        "timeout-minutes": 350,
        "permissions": {**_permissions(workflow, writes=bool(workflow.push)), "contents": "write"},
        "steps": steps,
    }


def _cell(job: Job) -> dict[str, Value]:
    runner = job.runner or RUNNERS.get(job.platform, RUNNERS["linux/amd64"])
    return {"name": job.name, "spec": job.spec, "platform": job.platform, "runner": runner}


def _permissions(workflow: Workflow, *, writes: bool) -> dict[str, Value]:
    """Only GitHub's own registry is reached with the job's token."""
    own = any(place.startswith(f"{_OWN}/") for place in (workflow.cache, workflow.push))
    packages: dict[str, Value] = {"packages": "write" if writes else "read"} if own else {}
    return {"contents": "read", **packages}


def _building(workflow: Workflow) -> dict[str, str]:
    secret = {"IMAGEWRIGHT_KEY_PASSWORD": "${{ secrets.IMAGEWRIGHT_KEY_PASSWORD }}"} if workflow.key else {}
    return {
        "SPEC": "${{ matrix.spec }}",
        "PLATFORM": "${{ matrix.platform }}",
        **_credentials(workflow),
        **secret,
    }


def _credentials(workflow: Workflow) -> dict[str, str]:
    if workflow.cache.startswith(f"{_OWN}/"):
        return {"IMAGEWRIGHT_REGISTRY_USERNAME": "${{ github.actor }}", "IMAGEWRIGHT_REGISTRY_PASSWORD": _TOKEN}
    names = ("IMAGEWRIGHT_REGISTRY_USERNAME", "IMAGEWRIGHT_REGISTRY_PASSWORD")
    return {name: f"${{{{ secrets.{name} }}}}" for name in names}


def _step(name: str, run: str, environment: dict[str, str] | None = None) -> dict[str, Value]:
    given: dict[str, Value] = {"env": dict(environment)} if environment else {}
    return {"name": name, **given, "run": run}
