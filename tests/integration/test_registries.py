# SPDX-License-Identifier: Apache-2.0
"""Real registries on loopback, real clients that pull, and a proxy between that spoils 500 pushes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from imagewright.errors import RegistryError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.platforms import parse_platform
from imagewright.model.references import parse_repository
from imagewright.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST, Descriptor, Target
from imagewright.oci.manifest import Manifest
from imagewright.oci.source import Document
from imagewright.registry.client import RepositoryClient
from imagewright.registry.credentials import Keychain
from imagewright.registry.publish import PlatformImage, Publication, Publisher, PublishOptions
from imagewright.registry.pull import pull
from imagewright.registry.transport import RegistryOptions, Transport
from imagewright.registry.upload import Blob
from peers.fixtures import QUICK, Built
from peers.programs import DockerEngine, output
from peers.registries import PASSWORD, USER, Misfortune, RealRegistry, fault_proxy, real_registry, secure_registry
from support.blobs import DirectoryBlobs
from support.machine import program

pytestmark = [pytest.mark.integration, pytest.mark.slow]
AMD64 = Target("linux", "amd64")
SCHEDULES = int(os.environ.get("IMAGEWRIGHT_FAULT_SCHEDULES") or (500 if os.environ.get("CI") else 40))
_MOST_RUNS = 40
IN_INDEX = 3
"""Blobs of what is told of an image that its index leads to: two statements and BuildKit's configuration."""
DOCUMENTS = 6
"""All blobs of what is told: these, both bills, and the empty configuration."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with secure_registry(tmp_path_factory.mktemp("secured")) as running:
        yield running


@pytest.fixture(scope="module")
def pushed(registry: RealRegistry, quick_image: Built) -> str:
    """The repository that the quick image was pushed to."""
    where = f"{registry.host}/team/python"
    answer = quick_image.workshop.answer("push", *QUICK, where, "--force")
    assert answer["uploaded"] == len(quick_image.answer["layers"]) + 1 + DOCUMENTS
    assert set(answer["tags"]) >= set(quick_image.answer["tags"])
    return where


def test_a_second_push_sends_and_moves_nothing(pushed: str, quick_image: Built) -> None:
    again = quick_image.workshop.answer("push", *QUICK, pushed, "--force")
    assert (again["uploaded"], again["bytes"]) == (0, 0)
    assert again["images"][0]["moved"] == []


def test_the_quick_profile_is_refused_unless_forced(registry: RealRegistry, quick_image: Built) -> None:
    quick_image.workshop.call("push", *QUICK, f"{registry.host}/team/other", expect=2)


def test_a_platform_that_is_required_and_missing_moves_no_tag(registry: RealRegistry, quick_image: Built) -> None:
    where = f"{registry.host}/team/required"
    words = ("--force", "--require", "linux/amd64,linux/arm64")
    quick_image.workshop.call("push", *QUICK, where, *words, expect=7)
    quick_image.workshop.call("inspect", f"{where}:3.13-slim-trixie", expect=7)


def test_a_platform_goes_to_the_repository_of_its_architecture_too(
    registry: RealRegistry, pushed: str, quick_image: Built
) -> None:
    pattern = f"{registry.host}/{{architecture}}/python"
    answer = quick_image.workshop.answer("push", *QUICK, pushed, "--force", "--per-architecture", pattern)
    (platform,) = answer["images"][0]["platforms"]
    name = parse_platform(platform).library
    whole, single = answer["images"]
    assert (whole["repository"], single["repository"]) == (pushed, f"{registry.host}/{name}/python")
    assert single["tags"] == single["moved"] == whole["tags"]
    assert (answer["uploaded"], answer["mounted"]) == (0, len(quick_image.answer["layers"]) + 1 + DOCUMENTS)
    seen = json.loads(
        output(["skopeo", "inspect", "--tls-verify=false", f"docker://{single['repository']}:3.13-slim-trixie"])
    )
    assert seen["Layers"] == [layer["digest"] for layer in quick_image.answer["layers"]]


def test_skopeo_reads_every_tag(pushed: str, quick_image: Built) -> None:
    program("skopeo", "skopeo")
    for tag in quick_image.answer["tags"]:
        seen = json.loads(output(["skopeo", "inspect", "--tls-verify=false", f"docker://{pushed}:{tag}"]))
        assert seen["Layers"] == [layer["digest"] for layer in quick_image.answer["layers"]]


def test_the_docker_engine_pulls_and_runs_every_tag(docker: DockerEngine, pushed: str, quick_image: Built) -> None:
    for tag in quick_image.answer["tags"]:
        docker("pull", "--quiet", f"{pushed}:{tag}")
        (image,) = json.loads(docker("image", "inspect", f"{pushed}:{tag}"))
        assert image["Id"] == quick_image.answer["config_digest"]
    said = docker("run", "--rm", "--network", "none", f"{pushed}:{tag}", "python3", "-c", "print(6 * 7)")
    assert said == "42\n"


def test_a_pull_into_an_empty_store_is_the_same_image(pushed: str, quick_image: Built, tmp_path: Path) -> None:
    workshop = replace(quick_image.workshop, store=tmp_path / "store", directory=tmp_path)
    pulled = workshop.answer("pull", f"{pushed}:3.13-slim-trixie")
    assert pulled["downloaded"] == len(quick_image.answer["layers"]) + 1 + IN_INDEX
    (stored,) = workshop.answer("store", "ls")["images"]
    assert stored["digest"] == quick_image.answer["digest"]
    workshop.call("copy", f"store:{stored['image']}", f"oci-archive:{tmp_path}/again.tar:python:copy")
    seen = json.loads(output(["skopeo", "inspect", f"oci-archive:{tmp_path}/again.tar:copy"]))
    assert seen["Digest"] == quick_image.answer["digest"]


def test_a_copy_within_a_registry_mounts(registry: RealRegistry, pushed: str, quick_image: Built) -> None:
    copied = quick_image.workshop.answer("copy", f"{pushed}:3.13-slim", f"{registry.host}/other/python:x")
    assert copied["mounted"] == len(quick_image.answer["layers"]) + 1 + IN_INDEX
    assert copied["bytes"] == 0


def test_tags_are_moved_and_deleted_one_by_one(pushed: str, quick_image: Built) -> None:
    workshop = quick_image.workshop
    workshop.call("retag", f"{pushed}:3.13-slim", "one", "two")
    workshop.call("untag", f"{pushed}:one")
    workshop.call("inspect", f"{pushed}:one", expect=7)
    before, after = (workshop.answer("inspect", f"{pushed}:{tag}")["digest"] for tag in ("3.13-slim", "two"))
    assert before == after, "deleting one tag left the others, and what they name"
    workshop.call("untag", f"{pushed}:two")


def test_tls_and_a_password_through_a_token_server(
    secured: RealRegistry, quick_image: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop, where = quick_image.workshop, f"{secured.host}/team/python"
    words = ("push", *QUICK, where, "--force")
    workshop.call(*words, expect=7)  # its certificate is not trusted
    workshop.call(*words, "--ca", secured.authority, expect=7)  # who are you?
    monkeypatch.setenv("IMAGEWRIGHT_REGISTRY_USERNAME", USER)
    monkeypatch.setenv("IMAGEWRIGHT_REGISTRY_PASSWORD", "wrong")
    workshop.call(*words, "--ca", secured.authority, expect=7)
    monkeypatch.setenv("IMAGEWRIGHT_REGISTRY_PASSWORD", PASSWORD)
    answer = workshop.answer(*words, "--ca", secured.authority)
    assert answer["uploaded"] == len(quick_image.answer["layers"]) + 1 + DOCUMENTS
    seen = workshop.answer("inspect", f"{where}:3.13-slim", "--ca", secured.authority)
    assert seen["images"][0]["digest"] == quick_image.answer["digest"]


def client_of(host: str) -> RepositoryClient:
    transport = Transport(
        RegistryOptions(chunk=1500, read_timeout=10),
        Keychain,
        sleep=lambda _: None,
        jitter=lambda: 0.5,
        monotonic=lambda: 0.0,
    )
    return RepositoryClient(transport, parse_repository(f"{host}/team/python"))


def tiny(seed: int, note: str) -> Publication:
    """An image of a few kilobytes; all have the same base layer."""
    layers = [b"base" * 500, f"{seed} {note}".encode() * 400]
    config = json.dumps({"architecture": "amd64", "os": "linux", "seed": seed, "note": note}).encode()
    manifest = Manifest(Descriptor.of(CONFIG, config), tuple(Descriptor.of(LAYER_GZIP, layer) for layer in layers))
    blobs = tuple(
        Blob(Digest.of(content), len(content), lambda offset, content=content: [content[offset:]])
        for content in (config, *layers)
    )
    image = PlatformImage(AMD64, Document(manifest.encode(), MANIFEST), blobs)
    return Publication(f"s{seed}", (f"s{seed}", f"s{seed}-slim", f"s{seed}-latest"), (image,))


def test_no_schedule_of_misfortune_publishes_anything_wrong(registry: RealRegistry, tmp_path: Path) -> None:
    """429, 500, resets, cut and altered bodies, lost answers, slow drips: 500 schedules where CI is set.

    IMAGEWRIGHT_FAULT_SCHEDULES says another number; half a second each.
    """
    seen: Counter[str] = Counter()
    direct = client_of(registry.host)
    for seed in range(SCHEDULES):
        old, new = tiny(seed, "old"), tiny(seed, "new")
        Publisher(direct, PublishOptions(), lambda *_: None).publish([old])
        misfortune = Misfortune(seed, often=0.1 + 0.4 * (seed % 5) / 4)
        with fault_proxy(registry.host, misfortune) as host:
            seen += _push_until_done(client_of(host), direct, new)
        blobs = DirectoryBlobs(tmp_path / f"{seed}")
        for tag in new.tags:
            (image,) = pull(direct, tag, [AMD64], blobs, lambda *_: None).images
            assert image.manifest.digest == new.platforms[0].manifest.digest
        seen.update({kind: count for kind, count in misfortune.seen.items() if kind})
    assert seen["pushed"] == SCHEDULES
    assert set(Misfortune.KINDS) <= set(seen), "every kind of misfortune happened"
    assert seen["failed"], "so much misfortune stops some pushes"


def _push_until_done(through: RepositoryClient, direct: RepositoryClient, wanted: Publication) -> Counter[str]:
    """Run a push again until it succeeds; whatever happens, tags are all old or all new, and whole."""
    seen: Counter[str] = Counter()
    for _ in range(_MOST_RUNS):
        before = {tag: direct.get(tag).digest for tag in wanted.tags}
        try:
            Publisher(through, PublishOptions(), lambda *_: None).publish([wanted])
        except (RegistryError, VerificationError):
            seen["failed"] += 1
            after = {tag: direct.get(tag).digest for tag in wanted.tags}
            assert after == before or len(set(after.values())) == 1, "tags move together"
            with TemporaryDirectory() as empty:
                for digest in set(after.values()):
                    pull(direct, str(digest), [AMD64], DirectoryBlobs(Path(empty)), lambda *_: None)
        else:
            seen["pushed"] += 1
            return seen
    raise AssertionError(f"not pushed after {_MOST_RUNS} runs")
