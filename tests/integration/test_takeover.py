# SPDX-License-Identifier: Apache-2.0
"""What was taken over can be planned here, from the real archives: tags, Dockerfiles, and what was left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from peers.fixtures import Workshop
from support.takeover import docker_library, infra7

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def taken_over(workshop: Workshop, make: Callable[[Path], Path], directory: Path) -> tuple[Workshop, str]:
    """A directory with the configuration that a repository amounts to; what could not be carried over."""
    place = Workshop(directory, workshop.store, directory / "imagewright.lock")
    ended = place.call("import", make(directory / "theirs"))
    (directory / "imagewright.toml").write_text(ended.stdout)
    return place, ended.stderr


def test_the_official_shape_can_be_planned(workshop: Workshop, tmp_path: Path) -> None:
    own, said = taken_over(workshop, docker_library, tmp_path)
    assert "versions.json:2: buster of 3.14: our catalog does not know it" in said
    images = [image["image"] for image in own.answer("tags")]
    assert "3.14.10-slim-trixie" in images
    assert not any("buster" in image for image in images)

    view = own.answer("plan", "--all", "--only", "slim-trixie")
    planned = {image["spec"]: image for image in view["images"]}
    assert sorted(planned) == ["3.13.15-slim-trixie", "3.14.10-slim-trixie"]
    assert view["compiles"] == 2
    left = {one["image"]: one["reason"] for one in view["left_out"]}
    assert left == {"3.12.99-slim-trixie": "the catalog does not know the digest of its source"}
    # Its Dockerfile installed curl, and gave configure an argument more; the other release's did not.
    packages = {one["spec"]: packages_of(own, one["spec"]) for one in view["images"]}
    assert "curl" in packages["3.13.15-slim-trixie"]
    assert "curl" not in packages["3.14.10-slim-trixie"]

    own.call("dockerfiles", tmp_path / "tree", "--only", "slim-trixie")
    assert "--with-dtrace" in (tmp_path / "tree/3.13/slim-trixie/Dockerfile").read_text()
    assert "--with-dtrace" not in (tmp_path / "tree/3.14/slim-trixie/Dockerfile").read_text()
    own.call("dockerfiles", tmp_path / "tree", "--only", "slim-trixie", "--check")


def test_infra7s_shape_can_be_planned(workshop: Workshop, tmp_path: Path) -> None:
    own, said = taken_over(workshop, infra7, tmp_path)
    assert "targets/bionic/Dockerfile: our catalog does not know this suite" in said
    view = own.answer("plan", "3.13-bookworm")
    assert [image["spec"] for image in view["images"]] == ["3.13.15-slim-bookworm"]
    assert view["compiles"] == 1
    assert "wget" in packages_of(own, "3.13-bookworm")


def packages_of(own: Workshop, spec: str) -> set[str]:
    """The words of an image's Dockerfile; packages stand there by name, or with their version."""
    return {word.partition("=")[0] for word in own.call("dockerfile", spec).stdout.split()}
