# SPDX-License-Identifier: Apache-2.0
"""Images of other flavours, releases, suites and processors: from source, checked, run in a real Docker Engine.

One flavour is always built on a suite that no other test compiles on, as slim and without a shell;
IMAGEWRIGHT_TEST_MATRIX names more images, separated by blanks: a SPEC, and behind an @ a platform that is not this
machine's (``3.13-slim-forky 3.13-slim-trixie@s390x``). Docker runs those of amd64 and i386. All of them at once,
with a table, is what ``bench/matrix.py`` is for.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from peers.fixtures import Built
from peers.programs import DockerEngine

pytestmark = [pytest.mark.integration, pytest.mark.slow]
WORDS = ("3.13t-slim-bookworm", "3.13t-minimal-bookworm", *os.environ.get("IMAGEWRIGHT_TEST_MATRIX", "").split())
PROGRAM = "import ctypes, sqlite3, ssl, sys, zlib; sys.stdout.write(sys.version.split()[0])"
EVERYWHERE = {"version", "imports", "tls", "build-paths", "libraries"}
EXPIRED = "--allow-expired=forky"
"""A testing suite, whose mirror may stand still past its Valid-Until."""


@pytest.mark.parametrize("word", WORDS)
def test_an_image_is_built_checked_and_runs(
    word: str, quick_image: Built, docker: DockerEngine, tmp_path: Path
) -> None:
    spec, _, architecture = word.partition("@")
    workshop = quick_image.workshop.apart(tmp_path)
    archive = workshop.directory / f"{spec}.tar"
    chosen = (spec, "--profile", "quick", EXPIRED, *(("--platform", architecture) if architecture else ()))
    (image,) = workshop.answer("build", *chosen, "-o", archive)
    results = workshop.answer("check", *chosen)
    names = {each["check"] for each in results if each["passed"]}
    assert len(names) == len(results)
    assert names >= EVERYWHERE
    assert ({"no-shell", "user"} if "-minimal-" in spec else {"pip", "apt"}) <= names
    assert spec in image["tags"]
    assert ("free-threading" in names) == spec.partition("-")[0].endswith("t")
    if architecture in {"", "amd64", "i386"}:
        release = image["image"].split("-", maxsplit=1)[0].rstrip("td")
        assert _run(docker, archive, image["tags"][0]) == release


def _run(docker: DockerEngine, archive: Path, tag: str) -> str:
    """What the interpreter of an archive's image says of itself."""
    docker("load", stdin=archive)
    archive.unlink()
    said = docker("run", "--rm", "--network", "none", f"python:{tag}", "python", "-c", PROGRAM)
    docker("image", "rm", "--force", f"python:{tag}")
    return said
