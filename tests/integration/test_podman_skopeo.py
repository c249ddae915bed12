# SPDX-License-Identifier: Apache-2.0
"""podman loads what was built; skopeo reads it, in each of the forms it has in the archive."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from peers.fixtures import Built
from peers.programs import output
from support.machine import need_root, program

pytestmark = [pytest.mark.integration, pytest.mark.slow]


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory, runroot: Path) -> Callable[..., str]:
    """podman with a store of its own."""
    need_root()
    program("podman", "podman")
    directory = tmp_path_factory.mktemp("podman")
    own = [
        f"--root={directory}/root",
        f"--runroot={runroot}",
        "--cgroup-manager=cgroupfs",
        "--events-backend=none",
    ]

    def run(*words: str | Path) -> str:
        # In a mount namespace of its own, since podman leaves a mount on its storage.
        return output(["unshare", "--mount", "podman", *own, *words])

    return run


def test_podman_loads_it(podman: Callable[..., str], quick_image: Built) -> None:
    said = podman("load", "--input", quick_image.archive)
    names = re.findall(r"[a-z./]+/python:\S+", said)
    assert {name.rpartition(":")[2] for name in names} <= set(quick_image.answer["tags"])
    (image,) = json.loads(podman("image", "inspect", names[0]))
    assert image["Id"] == quick_image.answer["config_digest"].removeprefix("sha256:")
    assert podman("image", "exists", image["Id"]) == ""


def test_skopeo_reads_the_oci_archive(quick_image: Built) -> None:
    program("skopeo", "skopeo")
    tag = quick_image.answer["tags"][0]
    archive = f"oci-archive:{quick_image.archive}:{tag}"
    seen = json.loads(output(["skopeo", "inspect", archive]))
    assert seen["Digest"] == quick_image.answer["digest"]
    assert seen["Layers"] == [layer["digest"] for layer in quick_image.answer["layers"]]


def test_skopeo_reads_the_same_file_as_a_docker_archive(quick_image: Built) -> None:
    program("skopeo", "skopeo")
    archive = f"docker-archive:{quick_image.archive}:python:{quick_image.answer['tags'][0]}"
    configuration = json.loads(output(["skopeo", "inspect", "--config", archive]))
    assert configuration["os"] == "linux"
    assert configuration["config"]["Cmd"] == ["python3"]


def test_skopeo_copies_it_without_a_change(quick_image: Built, tmp_path: Path) -> None:
    program("skopeo", "skopeo")
    tag = quick_image.answer["tags"][0]
    output(["skopeo", "copy", f"oci-archive:{quick_image.archive}:{tag}", f"oci:{tmp_path}/layout:{tag}"])
    digest = quick_image.answer["digest"].removeprefix("sha256:")
    assert (tmp_path / "layout" / "blobs" / "sha256" / digest).is_file()
