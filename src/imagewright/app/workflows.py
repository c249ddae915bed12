# SPDX-License-Identifier: Apache-2.0
"""Workflows of CI services: which jobs there are, from catalog and configuration."""

from __future__ import annotations

import re

from imagewright.app.world import World
from imagewright.catalog.resolve import resolve
from imagewright.catalog.selecting import offered
from imagewright.emit.ci.github import github_workflow
from imagewright.emit.ci.gitlab import gitlab_pipeline
from imagewright.emit.ci.model import PROGRAM, Job, Workflow, compile_jobs
from imagewright.errors import UsageError
from imagewright.model.images import ImageDefinition
from imagewright.model.options import Selection
from imagewright.model.results import LeftOut
from imagewright.model.workflows import CiFile, CiOptions, Service

REQUIREMENTS = "imagewright-requirements.txt"
"""A requirements file with hashes, committed beside the lock, that brings the program."""

_PATHS = {Service.GITHUB: ".github/workflows/images.yml", Service.GITLAB: ".gitlab-ci.yml"}
_WRITERS = {Service.GITHUB: github_workflow, Service.GITLAB: gitlab_pipeline}
_CRON = re.compile(r"[0-9*,/-]+( [0-9*,/-]+){4}", re.ASCII)
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9.:\[\]-]+(/[a-z0-9._-]+)+", re.ASCII)


def write_workflow(world: World, service: Service, specs: tuple[str, ...], options: CiOptions) -> CiFile:
    """The workflow that builds images. Raises :class:`UsageError`."""
    settings = world.settings(options.selection).cache
    cache = options.cache or settings.repository or ""
    if not cache:
        raise UsageError(
            "nobody says through which repository the jobs share what they compiled",
            hint="say --cache registry.example/team/cache, or name it in [cache] of imagewright.toml",
        )
    if settings.write:
        raise UsageError(
            "every job would leave results in the cache, and would need the key that signs them",
            why="[cache] says write = true",
            hint="leave it out: the jobs that compile say --cache-write",
        )
    _refuse("--cache", cache, _REPOSITORY, "a repository, such as registry.example/team/cache")
    _refuse("--push", options.push or "a/a", _REPOSITORY, "a repository, such as registry.example/team/python")
    _refuse("--branch", options.branch, _BRANCH, "a branch")
    _refuse("--schedule", options.schedule, _CRON, "five fields of crontab(5), such as 17 4 * * *")
    definitions, left_out = _images(world, specs, options.selection)
    labels = dict(options.runners)
    images = []
    for definition in definitions:
        platform = str(definition.platform)
        name = str(definition.name)
        job = Job(f"{name} {platform}", name, platform, labels.get(definition.platform, ""))
        images.append((definition, job))
    workflow = Workflow(
        compiles=compile_jobs(images),
        images=tuple(dict.fromkeys(job for _, job in images)),
        cache=cache,
        install=options.install or _install(),
        key="" if settings.anyone else settings.sign or "",
        push=options.push,
        branch=options.branch,
        schedule=options.schedule,
        container=options.container,
        words=_words(options.selection),
    )
    text = _WRITERS[service](workflow, _comment(service, workflow))
    return CiFile(service, _PATHS[service], text, len(workflow.compiles), len(workflow.images), left_out)


def _images(
    world: World, specs: tuple[str, ...], wanted: Selection
) -> tuple[tuple[ImageDefinition, ...], tuple[LeftOut, ...]]:
    """What is named on each platform, or everything. Which machine builds it is the jobs' to find out."""
    settings, platforms = world.settings(wanted), world.platforms(wanted)
    if wanted.everything:
        offer = offered(world.catalog, settings, platforms, wanted.only)
        if not offer.definitions:
            raise UsageError("there is no image to build", hint="see: imagewright plan --all")
        return offer.definitions, offer.left_out
    return tuple(resolve(spec, world.catalog, settings, platform) for spec in specs for platform in platforms), ()


def _refuse(word: str, value: str, pattern: re.Pattern[str], of: str) -> None:
    if not pattern.fullmatch(value):
        raise UsageError(f"{word} {value!r} is not {of}")


def _install() -> str:
    """What the repository itself pins, by hash: which package is meant is not for this program to say."""
    directory = PROGRAM.removesuffix("/bin/imagewright")
    pip = f"{directory}/bin/python -m pip install -q --require-hashes -r {REQUIREMENTS}"
    return f"python3 -m venv {directory}\n{pip}"


def _words(selection: Selection) -> tuple[str, ...]:
    """What was said of how images are built, to be said again in every job."""
    said = {
        "profile": selection.profile,
        "bytecode": selection.bytecode,
        "compression": selection.compression,
        "foreign": selection.foreign,
    }
    words = [word for name, value in said.items() if value is not None for word in (f"--{name}", value.value)]
    if selection.frame_pointers is not None:
        words.append("--frame-pointers" if selection.frame_pointers else "--no-frame-pointers")
    return tuple(words)


def _comment(service: Service, workflow: Workflow) -> list[str]:
    secrets = ["IMAGEWRIGHT_REGISTRY_USERNAME", "IMAGEWRIGHT_REGISTRY_PASSWORD"]
    if service is Service.GITHUB and workflow.cache.startswith("ghcr.io/"):
        secrets = []
    if workflow.key:
        secrets += ["IMAGEWRIGHT_CACHE_KEY", "IMAGEWRIGHT_KEY_PASSWORD"]
    if service is Service.GITLAB:
        secrets.append("IMAGEWRIGHT_GIT_TOKEN")
    what = "secrets of the repository" if service is Service.GITHUB else "masked and protected variables"
    return [
        f"{_PATHS[service]}, written by imagewright ci {service.value}; write it anew instead of changing it.",
        f"{len(workflow.images)} images from {len(workflow.compiles)} compiles; commit imagewright.lock.",
        *([f"It wants {what}: {', '.join(secrets)}."] if secrets else []),
    ]
