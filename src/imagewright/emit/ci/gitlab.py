# SPDX-License-Identifier: Apache-2.0
"""A pipeline of GitLab CI (docs.gitlab.com/ci/yaml). The runner fetches the repository itself.

Secrets are masked variables of the project or group, which every job has in its environment; the file names none.

Images wait for compiles by their stage. ``needs`` would say no more, as every image waits for every compile; and a
job may need 50 others, each cell of a matrix being one (gitlab.com/gitlab-org/gitlab/-/issues/419720). Nor is
anything left to child pipelines: a matrix that is too long is cut into jobs of one stage.
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
    _add("compile", workflow.compiles, workflow, jobs)
    _add("images", workflow.images, workflow, jobs)
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


def _add(name: str, matrix: Sequence[Job], workflow: Workflow, jobs: dict[str, Value]) -> None:
    """Add the jobs of a stage, cut where a matrix would be too long."""
    for number, part in enumerate(in_parts(matrix, MOST)):
        jobs[name if number == 0 else f"{name}-{number + 1}"] = _job(name, part, workflow)


def _job(name: str, matrix: Sequence[Job], workflow: Workflow) -> Value:
    if name == "compile":
        script = [shell.write_key(workflow)] if workflow.key else []
        script.append(shell.compile_once(workflow))
    else:
        script = [shell.build_image(workflow), *([shell.publish(workflow)] if workflow.push else [])]
    runners: dict[str, Value] = {"tags": ["$RUNNER"]} if any(job.runner for job in matrix) else {}
    # An interpreter that does not compile keeps the other images from nothing.
    when = "on_success" if name == "compile" else "always"
    return {
        "stage": name,
        **runners,
        "rules": [{"if": '$CI_PIPELINE_SOURCE != "schedule"', "when": when}],
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
