# SPDX-License-Identifier: Apache-2.0
"""Six images from two compiles, on the plan; and those of one compile built at once, loaded and run by Docker.

The full variant's packages take minutes: IMAGEWRIGHT_TEST_FULL=1 builds it too. The whole matrix, with a table, is
what ``bench/matrix.py`` is for.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from peers.fixtures import Built
from peers.programs import DockerEngine

pytestmark = [pytest.mark.integration, pytest.mark.slow]
VARIANTS = ("", "slim-", "minimal-")
SIX = [f"3.13-{variant}{suite}" for suite in ("trixie", "bookworm") for variant in VARIANTS]
HERE = [
    "3.13-slim-trixie",
    "3.13-minimal-trixie",
    *(["3.13-trixie"] if os.environ.get("IMAGEWRIGHT_TEST_FULL") else []),
]
PROGRAM = "import ctypes, sqlite3, ssl, sys, zlib; print(sys.version.split()[0])"


def only(specs: list[str]) -> list[str]:
    """The words that choose images of the whole catalog."""
    return [word for spec in specs for word in ("--only", spec)]


def test_six_images_need_two_compiles(quick_image: Built, tmp_path: Path) -> None:
    workshop = quick_image.workshop.apart(tmp_path)
    view = workshop.answer("plan", "--all", *only(SIX), "--profile", "quick")
    names = {step["id"]: step["name"] for step in view["steps"]}
    assert len(view["images"]) == len(SIX)
    assert view["interpreters"] == 2
    assert sorted(name for name in names.values() if name.startswith("python ")) == [
        "python 3.13.15 bookworm amd64",
        "python 3.13.15 trixie amd64",
    ]
    for image in view["images"]:
        suite = image["spec"].rpartition("-")[2]
        assert [names[step] for step in image["steps"] if names[step].startswith("python ")] == [
            f"python 3.13.15 {suite} amd64"
        ]


def test_all_of_one_compile_are_built_at_once_and_run_in_docker(
    quick_image: Built, docker: DockerEngine, tmp_path: Path
) -> None:
    workshop = quick_image.workshop.apart(tmp_path)
    words = [
        "build",
        "--all",
        *only(HERE),
        "--profile",
        "quick",
        "--format",
        "docker-archive",
        "-o",
        f"{tmp_path}/out/",
    ]
    images = workshop.answer(*words)
    assert sorted(image["image"] for image in images) == sorted(
        f"3.13.15{spec.removeprefix('3.13')}" for spec in HERE
    )
    compiled = {step["id"] for image in images for step in image["steps"] if step["name"].startswith("python ")}
    assert len(compiled) == 1
    results = workshop.answer("check", "--all", *only(HERE), "--profile", "quick")
    assert [one for one in results if not one["passed"]] == []
    assert {one["image"] for one in results} == {image["image"] for image in images}
    for image in images:
        docker("load", stdin=Path(image["archive"]))
        reference = f"python:{image['tags'][0]}"
        assert docker("run", "--rm", "--network", "none", reference, "python", "-c", PROGRAM) == "3.13.15\n"
        docker("image", "rm", "--force", reference)
