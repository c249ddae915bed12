# SPDX-License-Identifier: Apache-2.0
"""Reports and differences of what others made: BuildKit, Docker's classic builder, skopeo, Microsoft, Debian."""

from __future__ import annotations

import gzip
import http.client
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import pytest

from imagewright.archives.debian.version import compare
from imagewright.model.digest import Digest, canonical_json
from imagewright.oci.descriptor import DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST
from peers.fixtures import Built, Workshop
from peers.programs import HERE, DockerEngine, output, peers_directory, start_docker, stop_docker
from peers.registries import RealRegistry, real_registry
from support.machine import need_root, program
from support.published import TAG, windows
from support.registry import run_registry

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ELSEWHERE = "https://layers.example/base.tar.gz"
DOCKERFILE = """FROM {base}
ARG WHO=me
ENV GREETING="good day"
LABEL vendor=Example
COPY --chmod=4755 <<-EOT /usr/bin/hello
	#!/bin/sh
	echo hello
EOT
SHELL ["/bin/bash", "-c"]
RUN --network=none <<EOF
set -e
echo "$WHO" >/who
EOF
HEALTHCHECK --interval=30s CMD ["python3", "-c", "1"]
EXPOSE 8080
USER 1000
CMD ["python3", "-i"]
"""
CLASSIC = """FROM {base}
ARG WHO=me
RUN echo "$WHO" >/who
USER 1000
CMD ["python3", "-i"]
"""


@dataclass(frozen=True, slots=True)
class Made:
    """Images of a real Docker Engine, as REFs: by BuildKit with an attestation, by the classic builder, saved."""

    base: str
    buildkit: str
    classic: str
    saved: str


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    allowed = {"manifests": {"urls": {"allow": ["^https://layers\\.example/"]}}}
    with real_registry(tmp_path_factory.mktemp("registry"), validation=allowed) as running:
        yield running


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The engine's directory, which it has as /run/state."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture(scope="module")
def engine(state: Path) -> Iterator[DockerEngine]:
    """A Docker Engine that keeps images in containerd's store: only so it can attest what it builds."""
    need_root()
    program("mmdebstrap", "mmdebstrap")
    root = peers_directory() / "docker"
    output([HERE / "make-docker-root", root], timeout=900)
    (state / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": True}}))
    process, running = start_docker(root, state)
    try:
        yield running
    finally:
        stop_docker(process, running)


@pytest.fixture(scope="module")
def made(
    engine: DockerEngine,
    state: Path,
    registry: RealRegistry,
    quick_image: Built,
    tmp_path_factory: pytest.TempPathFactory,
) -> Made:
    program("skopeo", "skopeo")
    space = tmp_path_factory.mktemp("made")
    name = f"{registry.host}/team"
    base = f"{name}/base:1"
    archive = f"oci-archive:{quick_image.archive}:{quick_image.answer['tags'][0]}"
    output(["skopeo", "copy", "--dest-tls-verify=false", archive, f"docker://{base}"])
    for file, text in (("buildkit", DOCKERFILE), ("classic", CLASSIC)):
        (space / file).write_text(text.format(base=base))
    build = ("buildx", "build", "--provenance=mode=max", "--push", "-t")
    engine(*build, f"{name}/buildkit:1", "-", stdin=space / "buildkit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_BUILDKIT", "0")
        engine("build", "--network=none", "-t", f"{name}/classic:1", "-", stdin=space / "classic")
    engine("push", f"{name}/classic:1")

    engine("save", "-o", "/run/state/saved.tar", f"{name}/classic:1")
    return Made(base, f"{name}/buildkit:1", f"{name}/classic:1", f"docker-archive:{state / 'saved.tar'}")


def texts(image: dict[str, Any]) -> list[str]:
    return [step["text"] for step in image["history"]]


def test_what_buildkit_made_and_attested(made: Made, workshop: Workshop) -> None:
    published = workshop.answer("report", made.buildkit)["published"]
    (image,) = published["images"]
    assert [(one["kind"], one["about"]) for one in published["attachments"]] == [
        ("attestation-manifest", image["digest"])
    ]
    said = texts(image)
    for text in (
        "ARG WHO=me",
        'ENV GREETING="good day"',
        "LABEL vendor=Example",
        'RUN <<EOF\nset -e\necho "$WHO" >/who\nEOF',
        'HEALTHCHECK --interval=30s CMD ["python3", "-c", "1"]',
        "EXPOSE 8080/tcp",
        "USER 1000",
        'CMD ["python3", "-i"]',
    ):
        assert text in said
    (run,) = [step for step in image["history"] if step["text"].startswith("RUN")]
    assert run["arguments"] == ["WHO=me"]
    assert sum(not step["empty"] for step in image["history"]) == len(image["layers"])
    lines = workshop.call("report", made.buildkit, "--format", "md").stdout.splitlines()
    assert lines.count("-\tAttestations and other attachments:") == 1
    assert not any("unknown" in line for line in lines)


def test_its_difference_from_what_it_was_built_upon(made: Made, workshop: Workshop) -> None:
    found = workshop.answer("diff", made.base, made.buildkit)
    assert [layer["same"] for layer in found["layers"]].count(True) == found["before"]["layers"]
    assert {(each["name"], each["after"]) for each in found["configuration"]} >= {
        ("ENV GREETING", "good day"),
        ("SHELL", "/bin/bash -c"),
        ("USER", "1000"),
    }
    (group,) = found["files"]
    assert (group["owner"], [(each["path"], each["after"]["mode"]) for each in group["files"]]) == (
        "",
        [("/usr/bin/hello", "4755"), ("/who", "0644")],
    )


def test_what_the_classic_builder_made_and_saved(made: Made, workshop: Workshop) -> None:
    (pushed,) = workshop.answer("report", made.classic)["published"]["images"]
    assert 'RUN echo "$WHO" >/who' in texts(pushed)
    assert texts(pushed)[-1] == 'CMD ["python3", "-i"]'
    report = workshop.answer("report", made.saved)
    (saved,) = report["published"]["images"]
    assert texts(saved) == texts(pushed)
    assert saved["image_id"] == pushed["image_id"]
    (content,) = report["contents"]
    assert content["interpreters"][0]["version"].startswith("3.13.")
    assert len(content["layers"]) == len(pushed["layers"])


def test_an_image_of_docker_schema_2_is_the_same_image(
    made: Made, registry: RealRegistry, workshop: Workshop
) -> None:
    converted = f"{registry.host}/team/schema2:1"
    flags = ["--format=v2s2", "--src-tls-verify=false", "--dest-tls-verify=false"]
    output(["skopeo", "copy", *flags, f"docker://{made.classic}", f"docker://{converted}"])
    report = workshop.call("report", converted, "--format", "md").stdout
    assert f"-\tManifest MIME: `{DOCKER_MANIFEST}`" in report
    assert "\t\tMIME: application/vnd.docker.image.rootfs.diff.tar.gzip" in report
    found = workshop.answer("diff", made.classic, converted)
    assert found["identical"] is False
    assert [found[name] for name in ("files", "packages", "configuration", "interpreters")] == [[]] * 4
    assert all(layer["same"] for layer in found["layers"])
    workshop.call("diff", made.classic, converted, "--exit-code")


def put(registry: RealRegistry, method: str, path: str, content: bytes, kind: str) -> str:
    """Send something to the registry; the digest of what was sent."""
    connection = http.client.HTTPConnection(registry.host, timeout=30)
    connection.request(method, path, content, {"Content-Type": kind})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status in (201, 202), (path, answer.status, said)
    location = answer.headers["Location"]
    connection.close()
    digest = str(Digest.of(content))
    if method == "POST":
        return put(registry, "PUT", f"{location}&digest={digest}", content, "application/octet-stream")
    return digest


def described(kind: str, content: bytes, digest: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest, "size": len(content), **more}


def test_a_windows_image_whose_base_lies_elsewhere(registry: RealRegistry, workshop: Workshop) -> None:
    uploads, manifests = "/v2/team/windows/blobs/uploads/", "/v2/team/windows/manifests"
    layer = gzip.compress(b"\0" * 10_240, mtime=0)
    base = Digest.of(b"held by somebody else")
    config = canonical_json(
        {
            "os": "windows",
            "os.version": "10.0.26100.1",
            "architecture": "amd64",
            "docker_version": "29.1.0",
            "config": {"Cmd": ["python"], "Shell": ["powershell", "-Command", "$ErrorActionPreference = 'Stop';"]},
            "history": [
                {"created": "2026-11-01T10:00:00Z", "created_by": "Apply image 10.0.26100.1"},
                {
                    "created": "2026-11-01T10:05:00Z",
                    "created_by": "powershell -Command $ErrorActionPreference = 'Stop'; Write-Host 'it'",
                },
            ],
            "rootfs": {"type": "layers", "diff_ids": [str(base), str(Digest.of(b"\0" * 10_240))]},
        }
    )
    foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    manifest = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": described(DOCKER_CONFIG, config, put(registry, "POST", uploads, config, "")),
            "layers": [
                {"mediaType": foreign, "digest": str(base), "size": 1_500_000_000, "urls": [ELSEWHERE]},
                described(
                    "application/vnd.docker.image.rootfs.diff.tar.gzip",
                    layer,
                    put(registry, "POST", uploads, layer, ""),
                ),
            ],
        }
    )
    digest = put(registry, "PUT", f"{manifests}/{Digest.of(manifest)}", manifest, DOCKER_MANIFEST)
    platform = {"os": "windows", "architecture": "amd64", "os.version": "10.0.26100.1"}
    index = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": DOCKER_LIST,
            "manifests": [described(DOCKER_MANIFEST, manifest, digest, platform=platform)],
        }
    )
    put(registry, "PUT", f"{manifests}/1", index, DOCKER_LIST)
    ref = f"{registry.host}/team/windows:1"
    lines = workshop.call("report", ref, "--format", "md").stdout.splitlines()
    for line in (
        "\t-\twindows version 10.0.26100.1; amd64",
        "-\tDocker Version: 29.1.0",
        f"-\tTotal Size: **1.5 GB ({1_500_000_000 + len(layer)} bytes)**  ",
        "RUN Apply image 10.0.26100.1",
        "RUN Write-Host 'it'",
        f"\t\tMIME: {foreign}  ",
        f"\t\tURL: `{ELSEWHERE}`",
    ):
        assert line in lines
    shown = workshop.call("report", ref).stdout
    assert f"at {ELSEWHERE}" in shown
    assert max(map(len, shown.splitlines())) <= 80
    refused = workshop.call("report", ref, "--local", expect=2).stderr
    assert "foreign layers" in refused
    assert "--remote" in refused


def test_the_report_of_2019_by_the_program_itself(workshop: Workshop) -> None:
    with run_registry() as running:
        windows(running.repository("library/python"))
        ref = f"{running.host}/library/python:{TAG}"
        words = ("--as", f"python:{TAG}", "--format", "md")
        said = workshop.call("report", ref, *words).stdout
    golden = Path(__file__).parent.parent / "describe" / "golden" / "windowsservercore.md"
    assert said == golden.read_text()


def versions(package: str) -> list[str]:
    """The versions of a package that this machine's archives have, oldest first."""
    rows = [line.split("|") for line in output(["apt-cache", "madison", package]).splitlines()]
    return sorted({row[1].strip() for row in rows if "Packages" in row[2]}, key=cmp_to_key(compare))


def of_debian(space: Path, package: str, version: str) -> tuple[str, str]:
    """An image that holds one real package, as a REF; and the package's source."""
    space.mkdir()
    output(["sh", "-c", 'cd "$1" && apt-get -q download "$2"', "sh", str(space), f"{package}={version}"])
    (deb,) = space.glob("*.deb")
    root = space / "root"
    output(["dpkg-deb", "-x", deb, root])
    control = output(["dpkg-deb", "-f", deb])
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(f"{control.rstrip()}\nStatus: install ok installed\n")
    with tarfile.open(space / "layer.tar", "w") as archive:
        archive.add(root, "/")
    (space / "Dockerfile").write_text("FROM scratch\nADD layer.tar /\n")
    storage = [f"--root={space}/storage", f"--runroot={space}/run", "--storage-driver=vfs"]
    build = ["build", "--isolation=chroot", "-t", f"oci:{space}/image", space]
    output(["unshare", "--mount", "buildah", *storage, *build])
    fields = HeaderParser().parsestr(control)
    return f"oci:{space}/image", str(fields.get("Source", package)).split()[0]


@pytest.mark.parametrize("package", ["openssl", "libcurl4"])
def test_what_is_new_in_a_real_package(package: str, tmp_path: Path, workshop: Workshop) -> None:
    """Two versions from the archives; curl's library brings its upstream's changelog as well, which is not it."""
    need_root()
    program("buildah", "buildah")
    there = versions(package)
    assert len(there) > 1, f"the archives have one version of {package} only: {there}"
    (before, source), (after, _) = (of_debian(tmp_path / each, package, each) for each in (there[-2], there[-1]))
    (change,) = workshop.answer("diff", before, after)["packages"]
    assert (change["name"], change["before"], change["after"]) == (package, there[-2], there[-1])
    assert change["changelog"][0].startswith(f"{source} ({there[-1].partition('+b')[0]}")
    entries = [line for line in change["changelog"] if line.startswith(f"{source} (")]
    assert not any(f"({there[-2]})" in line for line in entries)
    assert any(line.lstrip().startswith("*") for line in change["changelog"])
    note = workshop.call("diff", before, after, "--format", "md").stdout
    assert f"What is new in `{source}`:" in note
    back = workshop.answer("diff", after, before)["packages"]
    assert [each["changelog"] for each in back] == [[]], "what an older version lacks is not new in it"
