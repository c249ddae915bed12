# SPDX-License-Identifier: Apache-2.0
"""Two images at once for real: in one layout, from two compiles; and one that fails beside one that is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from peers.fixtures import Built

pytestmark = [pytest.mark.integration, pytest.mark.slow]
# The second is also what test_matrix.py runs, out of the same store: one compile for both.
SPECS = ("3.13-slim-trixie", "3.13t-slim-bookworm")
BROKEN = """
[[overrides]]
select = ["3.13t-slim-bookworm"]
configure = ["--with-no-such-thing-at-all"]
"""


def test_one_that_fails_does_not_stop_the_other(quick_image: Built, tmp_path: Path) -> None:
    """An option that configure refuses (``--enable-option-checking=fatal``) breaks one interpreter alone."""
    workshop = quick_image.workshop.apart(tmp_path)
    configuration = tmp_path / "imagewright.toml"
    configuration.write_text(BROKEN)
    words = [
        "build",
        *SPECS,
        "--profile",
        "quick",
        "--json",
        "--config",
        str(configuration),
        "-o",
        f"{tmp_path}/out/",
    ]
    ended = workshop.call(*words, expect=1)
    good, bad = json.loads(ended.stdout)
    assert good["error"] is None
    assert good["digest"] == quick_image.answer["digest"]
    assert Path(good["archive"]).read_bytes() == quick_image.archive.read_bytes()
    assert bad["error"]["kind"] == "build"
    assert bad["error"]["step"].startswith("python 3.13.15t bookworm ")
    assert Path(bad["error"]["log"]).is_file()
    assert "error: 3.13.15t-slim-bookworm: " in ended.stderr
    ended = workshop.call("check", *SPECS, "--profile", "quick", "--config", configuration, expect=1)
    assert "  passed  version" in ended.stdout
    assert "  FAILED  image" in ended.stdout
    assert ended.stdout.splitlines()[-1].endswith("failed, in 1 of 2 images: 3.13.15t-slim-bookworm")


def test_two_images_from_two_compiles_in_one_layout(quick_image: Built, tmp_path: Path) -> None:
    workshop = quick_image.workshop.apart(tmp_path)
    layout = tmp_path / "layout"
    images = workshop.answer("build", *SPECS, "--profile", "quick", "--format", "oci-dir", "-o", layout)
    names = [
        entry["annotations"]["org.opencontainers.image.ref.name"]
        for entry in json.loads((layout / "index.json").read_text())["manifests"]
    ]
    assert names == [image["image"] for image in images]
    view = workshop.answer("plan", *SPECS, "--profile", "quick")
    assert (view["interpreters"], view["compiles"]) == (2, 0)
