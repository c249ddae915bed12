# SPDX-License-Identifier: Apache-2.0
"""A real Docker Engine loads and runs what was built."""

from __future__ import annotations

import json

import pytest

from peers.fixtures import Built
from peers.programs import DockerEngine

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PYTHON = "import ssl, sqlite3, ctypes, sys; print(sys.version_info[:2], ssl.OPENSSL_VERSION.split()[0])"


@pytest.fixture(scope="module")
def loaded(docker: DockerEngine, quick_image: Built) -> str:
    """The reference under which the engine knows the image."""
    said = docker("load", stdin=quick_image.archive)
    tag = f"python:{quick_image.answer['tags'][0]}"
    assert tag in said
    return tag


def test_the_engine_knows_every_tag(docker: DockerEngine, loaded: str, quick_image: Built) -> None:
    (image,) = json.loads(docker("image", "inspect", loaded))
    assert set(image["RepoTags"]) == {f"python:{tag}" for tag in quick_image.answer["tags"]}
    assert image["Id"] == quick_image.answer["config_digest"]
    assert len(image["RootFS"]["Layers"]) == len(quick_image.answer["layers"])
    assert image["Architecture"] == "amd64"


def test_it_runs(docker: DockerEngine, loaded: str) -> None:
    said = docker("run", "--rm", "--network", "none", loaded, "python3", "-c", PYTHON)
    assert said == "(3, 13) OpenSSL\n"


def test_its_configuration_is_as_users_expect(docker: DockerEngine, loaded: str) -> None:
    (image,) = json.loads(docker("image", "inspect", loaded))
    environment = dict(line.split("=", 1) for line in image["Config"]["Env"])
    assert image["Config"]["Cmd"] == ["python3"]
    assert environment["PATH"].startswith("/usr/local/bin:")
    assert environment["PYTHON_VERSION"].startswith("3.13.")
    assert len(environment["PYTHON_SHA256"]) == 64


def test_a_command_of_its_own_gets_standard_input_and_its_status(docker: DockerEngine, loaded: str) -> None:
    said = docker("run", "--rm", "--network", "none", loaded, "sh", "-c", "python -m pip --version; exit $((1-1))")
    assert "python 3.13" in said


def test_it_can_be_built_upon(docker: DockerEngine, loaded: str) -> None:
    container = docker("create", "--network", "none", loaded, "python3", "-m", "venv", "/srv/venv").strip()
    docker("start", "--attach", container)
    docker("commit", container, "derived:1")
    said = docker("run", "--rm", "--network", "none", "derived:1", "/srv/venv/bin/python", "-c", "print('here')")
    assert said == "here\n"
    docker("rm", container)
