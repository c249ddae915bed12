# SPDX-License-Identifier: Apache-2.0
"""Docker Engine, podman, buildah and skopeo pull every platform by every tag, and run what they pulled.

The arm64 image runs on a machine of another kind: its interpreter is started by the emulator that the build used,
put into the container, so that nothing has to be registered with the machine's kernel.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.fixtures import QUICK, Workshop
from peers.programs import DockerEngine, output
from peers.registries import RealRegistry, real_registry
from support.machine import need_root, program

pytestmark = [pytest.mark.integration, pytest.mark.slow]
BOTH = ("--platform", "linux/amd64,linux/arm64")
PYTHON = ("/usr/local/bin/python3", "-c", "import os, sys; print(os.uname().machine, sys.version_info[:2])")
SAID = {"amd64": "x86_64 (3, 13)\n", "arm64": "aarch64 (3, 13)\n"}
Call = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Published:
    """An image for two platforms in a registry: its tags, manifests and configurations by architecture."""

    repository: str
    tags: tuple[str, ...]
    manifests: dict[str, str]
    configs: dict[str, str]
    emulator: Path

    def each(self) -> Iterator[tuple[str, str]]:
        """Every tag with every architecture."""
        for tag in self.tags:
            for architecture in self.manifests:
                yield f"{self.repository}:{tag}", architecture


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def published(arm: Workshop, registry: RealRegistry, tmp_path_factory: pytest.TempPathFactory) -> Published:
    where = f"{registry.host}/team/python"
    answer = arm.answer("push", *QUICK, *BOTH, where, "--force", "--require", BOTH[1])
    (image,) = answer["images"]
    assert image["platforms"] == ["linux/amd64", "linux/arm64/v8"]
    seen = arm.answer("inspect", f"{where}:{answer['tags'][0]}")["images"]
    found = {one["platform"].split("/")[1]: one for one in seen}
    (program,) = arm.store.glob("trees/*/root/usr/bin/qemu-aarch64")
    emulator = tmp_path_factory.mktemp("emulator") / "emulator"
    shutil.copy(program, emulator)
    return Published(
        repository=where,
        tags=tuple(answer["tags"]),
        manifests={name: one["digest"] for name, one in found.items()},
        configs={name: one["config_digest"] for name, one in found.items()},
        emulator=emulator,
    )


def test_skopeo_copies_every_platform_by_every_tag(published: Published, tmp_path: Path) -> None:
    program("skopeo", "skopeo")
    for number, (reference, architecture) in enumerate(published.each()):
        target = tmp_path / str(number)
        words = ["--override-arch", architecture, "copy", "-q", "--src-tls-verify=false"]
        output(["skopeo", *words, f"docker://{reference}", f"dir:{target}"])
        config = json.loads((target / "manifest.json").read_bytes())["config"]["digest"]
        assert config == published.configs[architecture]


def test_the_docker_engine_pulls_and_runs_them(docker: DockerEngine, published: Published, tmp_path: Path) -> None:
    packed = tmp_path / "emulator.tar"
    with tarfile.open(packed, "w") as archive:
        archive.add(published.emulator, "emulator")
    for reference, architecture in published.each():
        platform = ("--platform", f"linux/{architecture}")
        docker("pull", "--quiet", *platform, reference)
        (image,) = json.loads(docker("image", "inspect", reference))
        assert image["Id"] == published.configs[architecture]
        words = ("--network", "none", *platform)
        if architecture == "amd64":
            assert docker("run", "--rm", *words, reference, *PYTHON) == SAID[architecture]
            continue
        container = docker("create", *words, "--entrypoint", "/emulator", reference, *PYTHON).strip()
        docker("cp", "-", f"{container}:/", stdin=packed)
        assert docker("start", "--attach", container) == SAID[architecture]
        docker("rm", container)


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory, runroot: Path) -> Call:
    """podman with a store of its own.

    Its runtime, crun, refuses machines that have both versions of control groups mounted, as CI's do: here it sees
    the first one alone. It would also raise limits beyond what CI's own container allows: they are said.
    """
    need_root()
    program("podman", "podman")
    directory = tmp_path_factory.mktemp("podman")
    own = [
        f"--root={directory}/root",
        f"--runroot={runroot}/p",
        "--cgroup-manager=cgroupfs",
        "--events-backend=none",
    ]
    alone = 'unified=/sys/fs/cgroup/unified; ! mountpoint -q $unified || umount $unified; exec podman "$@"'

    def run(*words: str | Path) -> str:
        return output(["unshare", "--mount", "sh", "-c", alone, "podman", *own, *words])

    return run


def test_podman_pulls_and_runs_them(podman: Call, published: Published) -> None:
    limits = ("--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--cgroups=disabled", "--network=none")
    emulated = ("--entrypoint=/emulator", f"--volume={published.emulator}:/emulator:ro")
    for reference, architecture in published.each():
        pulled = podman("pull", "-q", "--tls-verify=false", f"--platform=linux/{architecture}", reference).strip()
        assert f"sha256:{pulled}" == published.configs[architecture]
        words = ("--rm", "--pull=never", *limits, *(emulated if architecture == "arm64" else ()))
        assert podman("run", *words, pulled, *PYTHON) == SAID[architecture]


@pytest.fixture(scope="module")
def buildah(tmp_path_factory: pytest.TempPathFactory, runroot: Path) -> Call:
    """buildah with a store of its own."""
    need_root()
    program("buildah", "buildah")
    directory = tmp_path_factory.mktemp("buildah")
    own = [f"--root={directory}/root", f"--runroot={runroot}/b"]
    return lambda *words: output(["unshare", "--mount", "buildah", *own, *words])


def test_buildah_pulls_and_runs_them(buildah: Call, published: Published) -> None:
    for reference, architecture in published.each():
        pulled = buildah("pull", "-q", "--tls-verify=false", f"--platform=linux/{architecture}", reference).strip()
        assert f"sha256:{pulled}" == published.configs[architecture]
        container = buildah("from", "--pull-never", pulled).strip()
        words = ["--isolation=chroot", container, "--", *PYTHON]
        if architecture == "arm64":
            buildah("copy", "-q", container, published.emulator, "/emulator")
            words.insert(3, "/emulator")
        assert buildah("run", *words) == SAID[architecture]
        buildah("rm", container)
