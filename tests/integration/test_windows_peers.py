# SPDX-License-Identifier: Apache-2.0
"""Images for Windows meet real peers: BuildKit reads our layer and writes another in the same form; skopeo copies.

pip is the real one, from the machine's own index; the interpreter and the base are made up. Nothing of it runs.
A tag that Windows and Linux share gives each client what is its own.
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
from peers.fixtures import QUICK, Built, Workshop
from peers.programs import HERE, docker_client, output, peers_directory, start_docker, stop_docker
from peers.registries import RealRegistry, real_registry
from support.loopback import serve
from support.machine import need_root, program
from support.windows import RELEASE, VERSIONS, base_layout, files, nupkg

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPEC = "3.13-windowsservercore-ltsc2025"
OLDER = "3.13-windowsservercore-ltsc2022"


@dataclass(frozen=True, slots=True)
class Published:
    """An image of Windows in a registry, a client of an engine that reaches it, and where it was built."""

    reference: str
    docker: Path
    workshop: Workshop


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    with real_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def published(
    registry: RealRegistry, quick_image: Built, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    need_root()
    program("mmdebstrap", "mmdebstrap")
    place, state = tmp_path_factory.mktemp("windows"), tmp_path_factory.mktemp("engine")
    own = quick_image.workshop.apart(place)
    archive = nupkg()
    with serve({"python.nupkg": archive}) as server:
        (place / "imagewright.toml").write_text(f"""
[defaults]
variant = "slim"
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
        for suite, version in VERSIONS.items():
            layout = base_layout(place / suite, version)
            base = f"{registry.host}/windows/servercore:{suite}"
            own.call("copy", f"oci:{layout}:base", base, "--plain-http")
        own.call("push", SPEC, OLDER, f"{registry.host}/python", "--plain-http")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    # Only an engine with containerd's store builds for Windows on Linux.
    (state / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    process, engine = start_docker(root, state)
    try:
        client = docker_client(root, state, tmp_path_factory.mktemp("client"))
        yield Published(f"{registry.host}/python:{SPEC}", client / "docker", own)
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


def test_linux_and_windows_share_a_tag_and_each_client_finds_its_own(
    published: Published, registry: RealRegistry, quick_image: Built, tmp_path: Path
) -> None:
    """``3.13`` was published from Windows' images first; Linux joins it, and none of them leaves it again."""
    shared, skopeo = f"{registry.host}/python:3.13", program("skopeo", "skopeo")
    plain = "--tls-verify=false"
    push = ("push", *QUICK, f"{registry.host}/python", "--plain-http", "--force")
    published.workshop.answer(*push)
    index = json.loads(output([skopeo, "inspect", "--raw", plain, f"docker://{shared}"]))
    assert [
        (one["platform"]["os"], one["platform"]["architecture"], one["platform"].get("os.version"))
        for one in index["manifests"]
        if one["platform"]["os"] != "unknown"  # what is attested of Linux' image
    ] == [
        ("linux", "amd64", None),
        ("windows", "amd64", VERSIONS["ltsc2022"]),
        ("windows", "amd64", VERSIONS["ltsc2025"]),
    ]
    assert index["manifests"][0]["digest"] == quick_image.answer["digest"]

    words = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false"]
    output([skopeo, *words, f"docker://{shared}", f"dir:{tmp_path}/all"])
    assert json.loads((tmp_path / "all/manifest.json").read_bytes()) == index
    found = {
        system: json.loads(output([skopeo, f"--override-os={system}", "inspect", plain, f"docker://{shared}"]))
        for system in ("linux", "windows")
    }
    assert {system: one["Os"] for system, one in found.items()} == {"linux": "linux", "windows": "windows"}

    output([published.docker, "pull", "--quiet", shared])
    said = output([published.docker, "run", "--rm", "--network", "none", shared, "python", "-c", "print(6 * 7)"])
    assert said == "42\n"
    again = published.workshop.answer("push", SPEC, f"{registry.host}/python", "--plain-http")
    assert [image["moved"] for image in again["images"]] == [[]], "one of Windows' was pushed alone"
    assert json.loads(output([skopeo, "inspect", "--raw", plain, f"docker://{shared}"])) == index
