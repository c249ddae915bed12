# SPDX-License-Identifier: Apache-2.0
"""Variants of one compile: what they share, and minimal in a real Docker Engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from peers.fixtures import Built, Workshop
from peers.programs import DockerEngine

pytestmark = [pytest.mark.integration, pytest.mark.slow]

WANTED = ("3.13-slim-trixie", "3.13-minimal-trixie", "3.13-minimal-debug-trixie")
USER = "import os, pwd; print(os.getuid(), pwd.getpwuid(os.getuid()).pw_name, os.getcwd(), os.environ['HOME'])"
TLS = "import ssl; print(len(ssl.create_default_context().get_ca_certs()) > 100)"
BUNDLE = (
    "import hashlib; print(hashlib.sha256(open('/etc/ssl/certs/ca-certificates.crt', 'rb').read()).hexdigest())"
)


@pytest.fixture(scope="module")
def place(quick_image: Built, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """The shared store, with a lock for these images alone."""
    return quick_image.workshop.apart(tmp_path_factory.mktemp("variants"))


@pytest.fixture(scope="module")
def variants(place: Workshop) -> dict[str, dict[str, Any]]:
    """What the program answered for each, built from one compile."""
    answers = place.answer("build", *WANTED, "--profile", "quick")
    return {answer["spec"]: answer for answer in answers}


@pytest.fixture(scope="module")
def loaded(docker: DockerEngine, place: Workshop, variants: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The references under which the engine knows them."""
    names = {}
    for spec in variants:
        archive = place.directory / f"{spec}.tar"
        words = ("build", spec, "--profile", "quick", "--output", archive, "--format", "docker-archive")
        (answer,) = place.answer(*words)
        docker("load", stdin=archive)
        names[spec] = f"python:{answer['tags'][0]}"
    return names


def test_the_interpreter_is_one_blob_in_all_of_them(variants: dict[str, dict[str, Any]]) -> None:
    interpreters = {
        spec: [layer["digest"] for layer in answer["layers"] if layer["step"].startswith("python ")]
        for spec, answer in variants.items()
    }
    assert set(interpreters) == set(WANTED)
    assert all(len(found) == 1 for found in interpreters.values())
    assert len({found[0] for found in interpreters.values()}) == 1
    compiles = {
        step["id"] for answer in variants.values() for step in answer["steps"] if step["name"][:7] == "python "
    }
    assert len(compiles) == 1


def test_minimal_runs_as_a_user_without_privileges(docker: DockerEngine, loaded: dict[str, str]) -> None:
    said = docker("run", "--rm", "--network", "none", loaded["3.13-minimal-trixie"], "python", "-c", USER)
    assert said == "65532 nonroot /home/nonroot /home/nonroot\n"
    said = docker("run", "--rm", "--network", "none", loaded["3.13-minimal-trixie"], "python", "-c", TLS)
    assert said == "True\n"


def test_certificates_are_those_that_the_distribution_s_script_makes(
    docker: DockerEngine, loaded: dict[str, str]
) -> None:
    said = {docker("run", "--rm", "--network", "none", name, "python", "-c", BUNDLE) for name in loaded.values()}
    assert len(said) == 1


def test_only_the_debug_twin_has_a_shell(docker: DockerEngine, loaded: dict[str, str]) -> None:
    words = ("run", "--rm", "--network", "none", "--entrypoint", "sh")
    assert (
        docker(*words, loaded["3.13-minimal-debug-trixie"], "-c", "ls /busybox | wc -l; id -u").split()[1]
        == "65532"
    )
    with pytest.raises(AssertionError):
        docker(*words, loaded["3.13-minimal-trixie"], "-c", "true")


def test_every_name_of_busybox_works(docker: DockerEngine, loaded: dict[str, str]) -> None:
    find = "busybox=$(readlink -f /busybox/sh); for name in /busybox/*; do $busybox --list"
    look = 'grep -qxF -- "${name##*/}" || echo "${name##*/}"; done'
    words = ("run", "--rm", "--network", "none", loaded["3.13-minimal-debug-trixie"], "sh", "-c")
    assert docker(*words, f"{find} | {look}") == ""


def test_the_engine_knows_user_and_directory(docker: DockerEngine, loaded: dict[str, str]) -> None:
    (image,) = json.loads(docker("image", "inspect", loaded["3.13-minimal-trixie"]))
    assert (image["Config"]["User"], image["Config"]["WorkingDir"]) == ("65532:65532", "/home/nonroot")
