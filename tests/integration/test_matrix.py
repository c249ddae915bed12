# SPDX-License-Identifier: Apache-2.0
"""Images of other flavours and releases, from source, checked, and run in a real Docker Engine.

One flavour is always built, as slim and without a shell; IMAGEWRIGHT_TEST_MATRIX names more images, by SPEC,
separated by blanks. All of them at once, with a table, is what ``bench/matrix.py`` is for.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from peers.fixtures import Built
from peers.programs import DockerEngine

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPECS = ("3.13t-slim-trixie", "3.13t-minimal-trixie", *os.environ.get("IMAGEWRIGHT_TEST_MATRIX", "").split())
PROGRAM = "import ctypes, sqlite3, ssl, sys, zlib; sys.stdout.write(sys.version.split()[0])"


@pytest.mark.parametrize("spec", SPECS)
def test_an_image_is_built_checked_and_runs(
    spec: str, quick_image: Built, docker: DockerEngine, tmp_path: Path
) -> None:
    workshop = quick_image.workshop.apart(tmp_path)
    archive = workshop.directory / f"{spec}.tar"
    (image,) = workshop.answer("build", spec, "--profile", "quick", "-o", archive)
    results = workshop.answer("check", spec, "--profile", "quick")
    names = {each["check"] for each in results if each["passed"]}
    assert len(names) == len(results)
    assert {"version", "imports", "tls", "build-paths", "libraries"} <= names
    assert ({"no-shell", "user"} if "-minimal-" in spec else {"pip", "apt"}) <= names
    assert spec in image["tags"]
    assert ("free-threading" in names) == spec.startswith("3.13t")
    docker("load", stdin=archive)
    archive.unlink()
    release = image["image"].split("-", maxsplit=1)[0].rstrip("td")
    reference = f"python:{image['tags'][0]}"
    assert docker("run", "--rm", "--network", "none", reference, "python", "-c", PROGRAM) == release
    docker("image", "rm", "--force", reference)
