# SPDX-License-Identifier: Apache-2.0
"""Images for Windows meet real peers: BuildKit reads our layer and writes another in the same form; skopeo copies.

pip is the real one, from the machine's own index; the interpreter and the base are made up. Nothing of it runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.oci.reader import read_layer
from imagewright.oci.windows import check_windows_layer
from peers.fixtures import Workshop
from peers.programs import HERE, docker_client, output, peers_directory, start_docker, stop_docker
from peers.registries import RealRegistry, real_registry
from support.loopback import serve
from support.machine import need_root, program
from support.windows import RELEASE, VERSIONS, base_layout, files, nupkg

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPEC = "3.13-windowsservercore-ltsc2025"


@dataclass(frozen=True, slots=True)
class Published:
    """An image of Windows in a registry, and a client of an engine that reaches it."""

    reference: str
    docker: Path


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def published(
    registry: RealRegistry, workshop: Workshop, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    need_root()
    program("mmdebstrap", "mmdebstrap")
    place, state = tmp_path_factory.mktemp("windows"), tmp_path_factory.mktemp("engine")
    own = Workshop(place, workshop.store, place / "imagewright.lock")
    archive = nupkg()
    with serve({"python.nupkg": archive}) as server:
        (place / "imagewright.toml").write_text(f"""
[windows]
base = "{registry.host}/windows/servercore"
plain_http = true
[[catalog.distribution]]
release = "{RELEASE}"
filename = "python.nupkg"
size = {len(archive)}
sha256 = "{hashlib.sha256(archive).hexdigest()}"
url = "{server}/python.nupkg"
""")
        layout = base_layout(place / "base", VERSIONS["ltsc2025"])
        own.call("copy", f"oci:{layout}:base", f"{registry.host}/windows/servercore:ltsc2025", "--plain-http")
        own.call("push", SPEC, f"{registry.host}/python", "--plain-http")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    # Only an engine with containerd's store builds for Windows on Linux.
    (state / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    process, engine = start_docker(root, state)
    try:
        client = docker_client(root, state, tmp_path_factory.mktemp("client"))
        yield Published(f"{registry.host}/python:{SPEC}", client / "docker")
    finally:
        stop_docker(process, engine)


def build(published: Published, context: Path, text: str, *words: str) -> None:
    (context / "Dockerfile").write_text(text)
    output([published.docker, "buildx", "build", "--network", "none", *words, context], timeout=300)


def test_buildkit_adds_a_layer_of_the_same_form(published: Published, tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "app").mkdir(parents=True)
    (context / "app/main.py").write_text("print('here')\n")
    out = tmp_path / "out.tar"
    text = f"FROM {published.reference}\nCOPY app /app\n"
    build(published, context, text, "--platform=windows/amd64", f"--output=type=oci,dest={out}")
    with tarfile.open(out) as archive:
        found = {one.name: archive.extractfile(one) for one in archive.getmembers() if one.isfile()}
        contents = {name: file.read() for name, file in found.items() if file is not None}
    (entry,) = json.loads(contents["index.json"])["manifests"]
    manifest = json.loads(contents[_path(entry["digest"])])
    ours, theirs = (contents[_path(layer["digest"])] for layer in manifest["layers"][-2:])
    assert [entry.path for entry, _ in check_windows_layer(read_layer(io.BytesIO(theirs)))] == [
        "app",
        "app/main.py",
    ]
    for kind in ("directory", "file"):
        (mine,), (other,) = records(ours, kind), records(theirs, kind)
        assert mine == other, f"attributes and security descriptor of a {kind}"


def _path(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def records(layer: bytes, kind: str) -> set[tuple[tuple[str, bytes], ...]]:
    """What all entries of a kind below ``Files`` say, but for when they were made."""
    return {
        tuple(pair for pair in entry.records if pair[0].startswith("MSWINDOWS."))
        for entry, _ in read_layer(io.BytesIO(layer))
        if entry.kind.value == kind and "/" in entry.path
    }


def test_buildkit_finds_the_files_where_windows_would(published: Published, tmp_path: Path) -> None:
    text = (
        f"FROM --platform=windows/amd64 {published.reference} AS image\n"
        "FROM scratch\nCOPY --from=image /Python /\n"
    )
    (tmp_path / "context").mkdir()
    build(
        published,
        tmp_path / "context",
        text,
        "--platform=linux/amd64",
        f"--output=type=local,dest={tmp_path}/tree",
    )
    tree = tmp_path / "tree"
    for name, content in files().items():
        if "pip" not in name:
            assert (tree / name).read_bytes() == content, name
    assert (tree / "Lib/site-packages/pip/__main__.py").is_file()
    assert (
        (tree / "Scripts/pip3.13.exe")
        .read_bytes()
        .startswith((tree / "Lib/site-packages/pip/_vendor/distlib/t64.exe").read_bytes())
    )


def test_skopeo_copies_it_whole(published: Published, tmp_path: Path) -> None:
    words = ["skopeo", "copy", "--override-os=windows", "--src-tls-verify=false"]
    output([program("skopeo", "skopeo"), *words[1:], f"docker://{published.reference}", f"dir:{tmp_path}/copy"])
    manifest = json.loads((tmp_path / "copy/manifest.json").read_bytes())
    config = json.loads((tmp_path / "copy" / manifest["config"]["digest"].removeprefix("sha256:")).read_bytes())
    assert (config["os"], config["os.version"]) == ("windows", VERSIONS["ltsc2025"])
    assert len(manifest["layers"]) == 2
