# SPDX-License-Identifier: Apache-2.0
"""Two machines, here two stores, share compiles through a real registry."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from peers.cosign import Cosign
from peers.fixtures import QUICK, Built, Workshop
from peers.programs import output
from peers.registries import RealRegistry, real_registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]
TRAVEL = {"base", "python", "runtime"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("cache-registry")) as running:
        yield running


@pytest.fixture(scope="module")
def password() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMAGEWRIGHT_KEY_PASSWORD", "correct horse")
        yield


@pytest.fixture(scope="module")
def shared(
    registry: RealRegistry,
    quick_image: Built,
    tmp_path_factory: pytest.TempPathFactory,
    password: None,
) -> Path:
    """A directory with keys, the lock and the configuration of both machines; the first one left its results."""
    directory = tmp_path_factory.mktemp("shared")
    for name in ("trusted", "foreign"):
        quick_image.workshop.call("keygen", directory / name)
    repository = f'repository = "{registry.host}/team/cache"\n'
    (directory / "write.toml").write_text(f'[cache]\n{repository}sign = "trusted.key"\nwrite = true\n')
    (directory / "read.toml").write_text(f'[cache]\n{repository}keys = ["trusted.pub"]\n')
    (directory / "suspicious.toml").write_text(f'[cache]\n{repository}keys = ["foreign.pub"]\n')
    (directory / "imagewright.lock").write_bytes(quick_image.workshop.lock.read_bytes())
    said = build(replace(quick_image.workshop, directory=directory), directory / "write.toml")
    assert "3 results are in" in said.stderr
    return directory


def build(
    workshop: Workshop, configuration: Path, *words: str, expect: int = 0
) -> subprocess.CompletedProcess[str]:
    return workshop.call("--config", configuration, "build", *QUICK, "--progress", "plain", *words, expect=expect)


def machine(shared: Path, store: Path) -> Workshop:
    return Workshop(shared, store, shared / "imagewright.lock")


def test_another_machine_builds_the_same_image_without_compiling(
    shared: Path, quick_image: Built, tmp_path: Path
) -> None:
    other = machine(shared, tmp_path / "store")
    (answer,) = other.answer("--config", shared / "read.toml", "build", *QUICK)
    assert answer["digest"] == quick_image.answer["digest"]
    made = {step["name"].split()[0] for step in answer["steps"] if not step["cached"]}
    assert made == {"image", "check"}


def test_cosign_verifies_the_signature_of_every_result(
    shared: Path, registry: RealRegistry, quick_image: Built, cosign: Cosign
) -> None:
    """As docs/how-to/share-compiles.md says, and by the key that is believed alone."""
    for name in ("trusted", "foreign"):
        shutil.copy(shared / f"{name}.pub", cosign.home)
    listed = json.loads(
        output(["skopeo", "list-tags", "--tls-verify=false", f"docker://{registry.host}/team/cache"])
    )
    entries = [tag for tag in listed["Tags"] if tag.partition("-")[0] in TRAVEL]
    assert {tag.partition("-")[0] for tag in entries} == TRAVEL
    for tag in entries:
        reference = f"{registry.host}/team/cache:{tag}"
        (claim,) = json.loads(cosign.verify(reference, "trusted.pub"))
        assert claim["critical"]["identity"]["docker-reference"] == f"{registry.host}/team/cache"
        assert "no matching signatures" in cosign.verify(reference, "foreign.pub", expect=1)


def test_what_is_not_signed_by_a_key_that_is_believed_would_be_made_again(
    shared: Path, registry: RealRegistry, tmp_path: Path
) -> None:
    """With no archive to fetch from, it ends where it would begin to make them."""
    other = machine(shared, tmp_path / "store")
    said = build(other, shared / "suspicious.toml", "--mirror", "debian=http://127.0.0.1:9/debian", expect=4)
    warned = [line for line in said.stderr.splitlines() if "is built here" in line]
    assert {word for word in TRAVEL for line in warned if word in line} == TRAVEL
    assert all("signed" in line for line in warned)
    assert other.answer("store", "ls")["images"] == []


def test_a_second_write_sends_nothing(shared: Path, quick_image: Built) -> None:
    said = build(replace(quick_image.workshop, directory=shared), shared / "write.toml")
    assert "results are in" not in said.stderr


def test_a_registry_that_is_not_there_is_only_a_warning(shared: Path, quick_image: Built) -> None:
    workshop = replace(quick_image.workshop, directory=shared)
    (answer,) = workshop.answer(
        "--config", shared / "read.toml", "build", *QUICK, "--cache", "127.0.0.1:9/nobody/here"
    )
    assert answer["digest"] == quick_image.answer["digest"]
