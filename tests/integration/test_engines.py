# SPDX-License-Identifier: Apache-2.0
"""Images built by a real Docker Engine's BuildKit from generated Dockerfiles equal the native ones.

Compiling takes BuildKit as long as us, so by default the native interpreter stands for the stage that compiles;
with IMAGEWRIGHT_LONG_TESTS=1 the engine does all of it, full and minimal too.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from peers.engine_log import checks, compiles
from peers.fixtures import QUICK, Built, Workshop
from peers.programs import HERE, docker_client, output, peers_directory, podman_client, start_docker, stop_docker
from peers.registries import real_registry
from support.machine import need_root, program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

EXPECTED = {
    "etc/hosts",  # netbase writes one where there is none; engines lay their own over it meanwhile
    "var/lib/dpkg/triggers/File",  # full only: the same triggers, in the order in which packages were unpacked
}
"""Files that differ, as docs/how-to/dockerfiles.md lists them."""

DOCUMENT = "usr/local/share/sbom/python-3.13.15.spdx.json"
SPECS = ("3.13-trixie", "3.13-slim-trixie", "3.13-minimal-trixie")
FEWEST_CHECKS = 20
"""Every image passes more acceptance checks than this."""


@dataclass(frozen=True, slots=True)
class Docker:
    """The engine's client as a program of this machine: ``directory`` is to be first in PATH."""

    directory: Path

    def __call__(self, *words: str | Path) -> str:
        return output([self.directory / "docker", *words], timeout=1800)


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    need_root()
    program("mmdebstrap", "mmdebstrap")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    state = tmp_path_factory.mktemp("docker")
    place = docker_client(root, state, tmp_path_factory.mktemp("client"))
    process, engine = start_docker(root, state, "bridge")
    try:
        yield Docker(place)
    finally:
        stop_docker(process, engine)


def differences(workshop: Workshop, before: str, after: str) -> tuple[set[str], Any]:
    """Paths of files that are not the same, and the whole answer."""
    found = workshop.answer("diff", before, after)
    paths = {change["path"].lstrip("/") for group in found["files"] for change in group["files"]}
    return paths, found


def interpreter(built: Built, place: Path) -> Path:
    """The parts of the native interpreter and what they need, as the stage ``python`` has them."""
    store = built.workshop.store / "blobs" / "sha256"
    for layer in built.answer["layers"]:
        part = layer["step"].split()[0].replace("python", "interpreter")
        if part in {"interpreter", "development", "installers", "extras"}:
            directory = place / "parts" / part
            directory.mkdir(parents=True)
            blob = store / layer["digest"].removeprefix("sha256:")
            output(["tar", "-C", directory, "-xzf", blob])
    (place / "needs").mkdir()
    asked = built.workshop.call("run", *QUICK, "--", "apt-mark", "showmanual").stdout.split()
    libraries = [name for name in asked if name.startswith(("lib", "zlib"))]
    assert "libffi8" in libraries
    (place / "needs" / "interpreter").write_text("".join(f"{name} any\n" for name in libraries))
    return place


def test_what_is_around_the_interpreter_is_the_same(docker: Docker, quick_image: Built, tmp_path: Path) -> None:
    workshop = quick_image.workshop
    made = baked(docker, quick_image, tmp_path, "here:slim")
    paths, answer = differences(workshop, f"oci-archive:{quick_image.archive}", f"docker-archive:{made}")
    # The document is among the inputs of the stage that did not run here.
    assert paths == {*EXPECTED, DOCUMENT} - {"var/lib/dpkg/triggers/File"}
    assert answer["configuration"] == []
    said = docker("run", "--rm", "--network", "none", "here:slim", "python3", "-c", "import ssl; print('runs')")
    assert said == "runs\n"


def baked(docker: Docker, built: Built, tmp_path: Path, tag: str) -> Path:
    """What the engine makes of an image's target, with the native interpreter in the place of its compile."""
    workshop = built.workshop
    words = (*QUICK, "--builder", "docker", "--contexts", tmp_path / "contexts", "--tree", tmp_path / "tree")
    made = workshop.answer("bake", *words)
    workshop.call("dockerfiles", tmp_path / "tree", "--only", "3.13-slim-trixie", *QUICK[1:], "-q",
                  "--platform", "linux/amd64")  # fmt: skip
    target = json.loads(made["text"])["target"]["3-13-15-slim-trixie"]
    for root in made["load"]:
        docker("load", "--input", root)
    contexts = {**target["contexts"], "python": str(interpreter(built, tmp_path / "python"))}
    context_words = [word for name, place in contexts.items() for word in ("--build-context", f"{name}={place}")]
    epoch = target["args"]["SOURCE_DATE_EPOCH"]
    docker("buildx", "build", "--network", "none", "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", *context_words,
           "--tag", tag, "--load", target["context"])  # fmt: skip
    docker("save", "--output", tmp_path / "engine.tar", tag)
    return tmp_path / "engine.tar"


def test_a_real_bake_reads_the_whole_matrix(docker: Docker, workshop: Workshop, tmp_path: Path) -> None:
    """Every image on two platforms, for a builder in Kubernetes with caches in a registry."""
    words = ("--builder", "kubernetes", "--cache", "registry.example/cache", "--tree", "tree")
    nothing_locked = Workshop(tmp_path, workshop.store, tmp_path / "imagewright.lock")
    made = nothing_locked.answer("bake", "--all", "--platform", "linux/amd64,linux/arm64", *words)
    (tmp_path / "docker-bake.json").write_text(made["text"])
    ours = json.loads(made["text"])
    read = json.loads(docker("buildx", "bake", "--file", tmp_path / "docker-bake.json", "--print"))
    assert set(read["target"]) == set(ours["target"])
    assert read["group"]["default"]["targets"] == ours["group"]["default"]["targets"]
    compiled, slim = read["target"]["python-3-13-15-trixie"], read["target"]["3-13-15-slim-trixie"]
    assert slim["contexts"]["python"] == "target:python-3-13-15-trixie"
    assert slim["platforms"] == compiled["platforms"] == ["linux/amd64", "linux/arm64/v8"]
    assert "mode=max" in str(compiled["cache-to"])
    assert "registry.example/cache:python-3-13-15-trixie" in str(compiled["cache-from"])


STAGES = {"packages", "buildbase", "recipe-image", "base", "image"}
"""Of the Dockerfile's stages, those that this buildah needs; it would make the others too, though unused."""


def test_podman_makes_the_same_around_the_interpreter(
    quick_image: Built, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, runroot: Path
) -> None:
    need_root()
    program("podman", "podman")
    state, client = tmp_path_factory.mktemp("podman"), tmp_path_factory.mktemp("client")
    podman = podman_client(state, runroot, client) / "podman"
    workshop = quick_image.workshop
    made = workshop.answer("bake", *QUICK, "--builder", "docker", "--contexts", tmp_path / "contexts")
    target = json.loads(made["text"])["target"]["3-13-15-slim-trixie"]
    for root in made["load"]:
        output([podman, "load", "--input", root])
    text = workshop.call("dockerfile", *QUICK, "--classic", "--platform", "linux/amd64").stdout
    kept = [part for part in re.split(r"(?m)^(?=FROM )", text) if part.split("\n", 1)[0].split(" ")[-1] in STAGES]
    (tmp_path / "Dockerfile").write_text("".join(kept))
    places = {**target["contexts"], "python": str(interpreter(quick_image, tmp_path / "python"))}
    contexts = [f"{name}={place.replace('image://', 'image://docker.io/')}" for name, place in places.items()]
    epoch = target["args"]["SOURCE_DATE_EPOCH"]
    output(
        [podman, "build", "--network=none", "--format=oci", "--identity-label=false", "--timestamp", epoch,
         "--tag", "here:slim",
         "--build-arg", f"SOURCE_DATE_EPOCH={epoch}", *(f"--build-context={one}" for one in contexts),
         "--file", tmp_path / "Dockerfile", client],
        timeout=600,
    )  # fmt: skip
    output([podman, "save", "--format=docker-archive", "--output", tmp_path / "podman.tar", "here:slim"])
    paths, answer = differences(
        workshop, f"oci-archive:{quick_image.archive}", f"docker-archive:{tmp_path}/podman.tar"
    )
    assert paths == {"etc/hostname", DOCUMENT}, "where buildah lays its own, the empty file has mode 0700"
    assert answer["configuration"] == []


OWN = """\
[defaults]
python_packages = ["six==1.17.0 --hash=sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"]
user = { name = "app", uid = 1234 }
ca_certificates = ["company.pem"]
locale = "de_DE.UTF-8"
bytecode = "stdlib+site"
environment = { GREETING = "hello" }
command = ["python3", "-c", "import six; print(six.__version__)"]
"""
OWN_EXPECTED = {
    # pip says who installed and what was asked for; natively the library "installer" does it.
    *(f"usr/local/lib/python3.13/site-packages/six-1.17.0.dist-info/{name}" for name in ("INSTALLER", "RECORD")),
    "usr/local/lib/python3.13/site-packages/six-1.17.0.dist-info/REQUESTED",
    "etc/shadow",  # the day of the release; natively that of the newest file below
}


def test_what_is_ones_own_is_the_same(docker: Docker, quick_image: Built, tmp_path: Path) -> None:
    own = quick_image.workshop.apart(tmp_path)
    (tmp_path / "imagewright.toml").write_text(OWN)
    (tmp_path / "company.pem").write_bytes(certificate())
    own.call("lock", *QUICK)
    (native,) = own.answer("build", *QUICK, "-o", tmp_path / "native.tar")
    built = Built(own, tmp_path / "native.tar", native)
    made = baked(docker, built, tmp_path, "here:own")
    paths, answer = differences(own, f"oci-archive:{tmp_path}/native.tar", f"docker-archive:{made}")
    assert paths == {*EXPECTED, *OWN_EXPECTED, DOCUMENT} - {"var/lib/dpkg/triggers/File"}
    assert answer["configuration"] == []
    assert docker("run", "--rm", "--network", "none", "here:own") == "1.17.0\n"


def certificate() -> bytes:
    """One that an authority of one's own could have."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company Root")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + timedelta(days=3650))
    made = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


LONG = pytest.mark.skipif(
    not os.environ.get("IMAGEWRIGHT_LONG_TESTS"), reason="compiles: set IMAGEWRIGHT_LONG_TESTS=1"
)


@pytest.fixture(scope="module")
def native(quick_image: Built, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workshop, Path]:
    """A workshop, and the directory in which the native images of all variants are."""
    place = tmp_path_factory.mktemp("native")
    own = quick_image.workshop.apart(place)
    own.call("build", *SPECS, "--profile", "quick", "-o", f"{place}/images/", timeout=3600)
    return own, place / "images"


def built_by(engine: str, client: Path, own: Workshop, place: Path) -> Path:
    """Have an engine build all variants, compiling once, and every check pass; the directory with the images.

    The events are kept in IMAGEWRIGHT_LONG_TESTS, if that is a directory.
    """
    words = ["--store", own.store, "--lock", own.lock, "build", *SPECS, "--profile", "quick", "--engine", engine]
    log = Path(os.environ["IMAGEWRIGHT_LONG_TESTS"] if "/" in os.environ["IMAGEWRIGHT_LONG_TESTS"] else place)
    log /= f"{engine}.jsonl"
    with log.open("wb") as events:
        subprocess.run(
            [
                sys.executable,
                "-m",
                "imagewright",
                *words,
                "-o",
                f"{place}/images/",
                "--progress",
                "json",
                "--json",
            ],
            env={**os.environ, "PATH": f"{client}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=events,
            timeout=3600,
            check=True,
        )
    assert len(compiles(log)) == 1
    passed, failed = checks(log)
    assert failed == []
    assert passed > len(SPECS) * FEWEST_CHECKS
    return place / "images"


def assert_equal(own: Workshop, native: Path, other: Path, expected: set[str]) -> None:
    """Every image is the native one, but for what is listed."""
    files = sorted(native.iterdir())
    assert len(files) == len(SPECS)
    for file in files:
        paths, answer = differences(own, f"oci-archive:{file}", f"oci-archive:{other / file.name}")
        assert paths <= expected, file.name
        assert answer["configuration"] == []


@LONG
def test_one_bake_builds_all_variants_and_they_are_equal(
    docker: Docker, native: tuple[Workshop, Path], tmp_path: Path
) -> None:
    own, images = native
    assert_equal(own, images, built_by("buildkit", docker.directory, own, tmp_path), EXPECTED)


@LONG
def test_podman_builds_all_variants_and_they_are_equal(
    native: tuple[Workshop, Path], tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, runroot: Path
) -> None:
    need_root()
    program("podman", "podman")
    state, client = tmp_path_factory.mktemp("podman"), tmp_path_factory.mktemp("client")
    own, images = native
    other = built_by("podman", podman_client(state, runroot, client), own, tmp_path)
    assert_equal(own, images, other, {*EXPECTED, "etc/hostname"})


@LONG
def test_a_registry_keeps_the_cache(
    quick_image: Built, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a bake file says of caches, to a real builder and registry: another builder takes up what one left.

    Without the registry, a cache that cannot be read keeps nothing from being built, and one that cannot be
    written fails the build.
    """
    need_root()
    root, state = peers_directory() / "docker", tmp_path_factory.mktemp("cache")
    output([HERE / "make-docker-root", root], timeout=900)
    # Only an engine with containerd's store exports caches to a registry (docs.docker.com/build/cache/backends).
    (state / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    process, engine = start_docker(root, state)
    try:
        docker = Docker(docker_client(root, state, tmp_path_factory.mktemp("client")))
        with real_registry(tmp_path_factory.mktemp("registry")) as registry:
            target, words = cached_build(quick_image, f"{registry.host}/cache", tmp_path)
            source, keep = f"--cache-from={target['cache-from'][0]}", f"--cache-to={target['cache-to'][0]}"
            assert ran_again(docker, *words, source, keep)
            docker("builder", "prune", "--all", "--force")
            assert not ran_again(docker, *words, source)
        docker("builder", "prune", "--all", "--force")
        assert ran_again(docker, *words, source)
        with pytest.raises(AssertionError, match="error writing"):
            ran_again(docker, *words, keep)
    finally:
        stop_docker(process, engine)


def cached_build(built: Built, cache: str, place: Path) -> tuple[Any, list[str]]:
    """An image's target, and how to build it with the native interpreter in the place of its compile."""
    workshop = built.workshop
    places = ("--contexts", place / "contexts", "--tree", place / "tree")
    made = workshop.answer("bake", *QUICK, "--builder", "remote", "--cache", cache, *places)
    workshop.call("dockerfiles", place / "tree", "--only", "3.13-slim-trixie", *QUICK[1:], "-q",
                  "--platform", "linux/amd64")  # fmt: skip
    target = json.loads(made["text"])["target"]["3-13-15-slim-trixie"]
    contexts = {**target["contexts"], "python": str(interpreter(built, place / "python"))}
    epoch = target["args"]["SOURCE_DATE_EPOCH"]
    words = [f"--build-context={name}={where}" for name, where in contexts.items()]
    return target, [*words, f"--build-arg=SOURCE_DATE_EPOCH={epoch}", target["context"]]


def ran_again(docker: Docker, *words: str) -> bool:
    """Build; whether packages were installed, or came out of the cache. ``AssertionError`` where it fails."""
    command = [docker.directory / "docker", "buildx", "build", "--network=none", "--progress=plain", *words]
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return "Setting up netbase" in ended.stderr
