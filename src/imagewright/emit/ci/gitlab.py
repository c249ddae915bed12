# SPDX-License-Identifier: Apache-2.0
"""A pipeline of GitLab CI (docs.gitlab.com/ci/yaml). The runner fetches the repository itself.

Secrets are masked variables of the project or group, which every job has in its environment; the file names none.
"""

from __future__ import annotations

from collections.abc import Sequence

from imagewright.emit.ci import shell
from imagewright.emit.ci.model import Job, Workflow, in_parts
from imagewright.emit.ci.yaml import Value, yaml_document

MOST = 200
"""Jobs that one ``parallel:matrix`` may have."""

_CREDENTIALS = shell.git_token("imagewright", "IMAGEWRIGHT_GIT_TOKEN")
_REMOTE = '"$CI_PROJECT_URL.git"'


def gitlab_pipeline(workflow: Workflow, comment: Sequence[str]) -> str:
    """The text of ``.gitlab-ci.yml``."""
    jobs: dict[str, Value] = {}
    compiles = _jobs("compile", workflow.compiles, workflow, jobs)
    _jobs("images", workflow.images, workflow, jobs, needs=compiles)
    jobs["refresh"] = _refresh(workflow)
    image: dict[str, Value] = {"image": workflow.container} if workflow.container else {}
    return yaml_document(
        {
            "stages": ["compile", "images", "refresh"],
            "workflow": {"rules": [{"if": "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"}]},
            "default": {**image, "interruptible": False, "before_script": [shell.install(workflow)]},
            **jobs,
        },
        comment,
    )


def _jobs(
    name: str, matrix: Sequence[Job], workflow: Workflow, jobs: dict[str, Value], needs: Sequence[str] = ()
) -> list[str]:
    parts = in_parts(matrix, MOST)
    names = [name if number == 0 else f"{name}-{number + 1}" for number in range(len(parts))]
    for part, each in zip(parts, names, strict=True):
        jobs[each] = _job(name, part, workflow, needs)
    return names


def _job(name: str, matrix: Sequence[Job], workflow: Workflow, needs: Sequence[str]) -> Value:
    if name == "compile":
        script = [shell.write_key(workflow)] if workflow.key else []
        script.append(shell.compile_once(workflow))
    else:
        script = [shell.build_image(workflow), *([shell.publish(workflow)] if workflow.push else [])]
    # An interpreter that does not compile keeps the other images from nothing.
    waits: dict[str, Value] = {"needs": [{"job": each, "artifacts": False} for each in needs]} if needs else {}
    runners: dict[str, Value] = {"tags": ["$RUNNER"]} if any(job.runner for job in matrix) else {}
    return {
        "stage": name,
        **waits,
        **runners,
        "rules": [{"if": '$CI_PIPELINE_SOURCE != "schedule"', "when": "always" if needs else "on_success"}],
        "timeout": "2 hours",
        "parallel": {"matrix": [_cell(job) for job in matrix]},
        "script": script,
    }


def _refresh(workflow: Workflow) -> Value:
    return {
        "stage": "refresh",
        "rules": [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}],
        "resource_group": "imagewright-refresh",
        "timeout": "6 hours",
        "script": [shell.refresh(workflow, _CREDENTIALS, _REMOTE)],
    }


def _cell(job: Job) -> dict[str, Value]:
    runner: dict[str, Value] = {"RUNNER": job.runner} if job.runner else {}
    return {"SPEC": job.spec, "PLATFORM": job.platform, **runner}
