# SPDX-License-Identifier: Apache-2.0
"""Layers and archives as other programs read them: GNU tar, skopeo, podman, buildah; and memory while writing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat
from imagewright.model.images import Compression, ImageConfiguration
from imagewright.model.platforms import parse_platform
from imagewright.model.tree import Entry, Kind
from imagewright.oci.image import ImageDocuments, ImageLayer, assemble
from imagewright.oci.layers import Layer, write_layer
from imagewright.oci.layout import Export, export
from imagewright.oci.reader import read_layer
from imagewright.oci.tar import order
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from support.fake_store import FakeClock
from support.machine import need_root, program

pytestmark = pytest.mark.integration

EPOCH = 1_700_000_000
NOISE = os.urandom(1 << 20) * 3  # more than one member or frame, and as many bytes compressed
MEMORY = Path(__file__).parent.parent / "support" / "layer_memory.py"
LONG = "/".join(["a directory with a long name, as they come in real trees"] * 5)
Pair = tuple[Entry, bytes]


def sample() -> list[Pair]:
    """One of everything."""
    pairs = [
        (Entry("bin", Kind.SYMLINK, 0o777, link="usr/bin"), b""),
        (Entry("dev", Kind.DIRECTORY, 0o755), b""),
        (Entry("dev/null", Kind.CHARACTER, 0o666, device=(1, 3)), b""),
        (Entry("etc", Kind.DIRECTORY, 0o755), b""),
        (Entry("etc/shadow", Kind.FILE, 0o640, gid=42, mtime=5, size=2), b"x\n"),
        (Entry("home", Kind.DIRECTORY, 0o700, uid=100_000, gid=1 << 22), b""),
        (Entry("home/Grüße", Kind.FILE, 0o4755, size=len(NOISE)), NOISE),
        (Entry("home/link", Kind.HARDLINK, 0o4755, link="home/Grüße"), b""),
        (Entry("run", Kind.DIRECTORY, 0o1777), b""),
        (Entry("run/fifo", Kind.FIFO, 0o600), b""),
        (Entry(f"{LONG}", Kind.DIRECTORY, 0o755), b""),
        (Entry(f"{LONG}/file", Kind.FILE, 0o644, size=1), b"1"),
        (Entry("usr", Kind.DIRECTORY, 0o755), b""),
        (Entry("usr/ping", Kind.FILE, 0o755, size=4, xattrs=(("user.note", b"a\0b"),)), b"ping"),
    ]
    return sorted(pairs, key=lambda pair: order(pair[0].path))


def layer(compression: Compression, pairs: list[Pair]) -> Layer:
    source = ((entry, io.BytesIO(content) if entry.kind is Kind.FILE else None) for entry, content in pairs)
    return Layer(source, epoch=EPOCH, compression=compression, jobs=2)


def output(*words: str | Path) -> str:
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{words}: {ended.stderr}"
    return ended.stdout


@dataclass(frozen=True)
class Image:
    documents: ImageDocuments
    layers: tuple[ImageLayer, ...]
    files: dict[ArchiveFormat, Path]


@pytest.fixture(scope="module", params=list(Compression))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Image:
    """An image of two layers, in every form."""
    compression: Compression = request.param
    space = tmp_path_factory.mktemp("image")
    with Store.open(space / "store", clock=FakeClock()) as store:
        made = []
        for number, pairs in enumerate((sample(), [(Entry("second", Kind.FILE, 0o644, size=1), b"2")])):
            one = layer(compression, pairs)
            store.blobs.put(one)
            found = one.result
            made.append(ImageLayer(found.digest, found.diff_id, found.size, compression, EPOCH, f"layer {number}"))
        configuration = ImageConfiguration((("PATH", "/usr/bin"),), ("ping",), labels=(("a", "b"),))
        documents = assemble(parse_platform("amd64"), configuration, made, created=EPOCH)
        store.blobs.put([documents.config_bytes], expected=documents.config.digest)
        store.blobs.put([documents.manifest_bytes], expected=documents.manifest.digest)
        names = ("localhost/peers:one", "localhost/peers:two")
        files = {form: space / form.value for form in ArchiveFormat}
        for form, path in files.items():
            export([Export(documents.manifest, names)], store.blobs, path, form)
    return Image(documents, tuple(made), files)


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory, runroot: Path) -> list[str]:
    """Options that give podman and buildah a storage of their own."""
    need_root()
    space = tmp_path_factory.mktemp("storage")
    return [f"--root={space}/root", f"--runroot={runroot}", "--storage-driver=vfs"]


@pytest.mark.parametrize("compression", list(Compression))
def test_gnu_tar_unpacks_a_layer_as_it_was_meant(tmp_path: Path, compression: Compression) -> None:
    need_root()
    packed = tmp_path / "layer"
    with packed.open("wb") as file:
        for chunk in layer(compression, sample()):
            file.write(chunk)
    tool = {Compression.GZIP: "gzip", Compression.ZSTD: "zstd"}[compression]
    program(tool, tool)
    plain = tmp_path / "plain"
    with packed.open("rb") as source, plain.open("wb") as file:
        subprocess.run([tool, "-d", "-c"], stdin=source, stdout=file, check=True)
    root = tmp_path / "root"
    root.mkdir()
    output("tar", "--numeric-owner", "--xattrs", "-xpf", plain, "-C", root)
    for entry, content in sample():
        path = root / entry.path
        state = path.lstat()
        if entry.kind is not Kind.SYMLINK:
            assert state.st_mode & 0o7777 == entry.mode, entry.path
        assert (state.st_uid, state.st_gid, int(state.st_mtime)) == (entry.uid, entry.gid, entry.mtime), entry.path
        if entry.kind is Kind.FILE:
            assert path.read_bytes() == content
        if entry.kind is Kind.CHARACTER:
            assert (os.major(state.st_rdev), os.minor(state.st_rdev)) == entry.device
    assert (root / "home/link").samefile(root / "home/Grüße")
    assert (root / "bin").readlink() == Path("usr/bin")
    assert os.getxattr(root / "usr/ping", "user.note") == b"a\0b"


@pytest.mark.parametrize("form", ["gnu", "pax", "ustar"])
def test_what_gnu_tar_writes_is_read_as_it_was_meant(tmp_path: Path, form: str) -> None:
    root = tmp_path / "root"
    (root / "usr" / ("d" * 80)).mkdir(parents=True)
    (root / "usr" / ("d" * 80) / "file").write_bytes(b"content")
    (root / "usr" / "link").symlink_to("x" * 90)
    os.link(root / "usr" / ("d" * 80) / "file", root / "usr" / "hard")
    if form != "ustar":
        (root / "usr" / ("n" * 200)).write_bytes(b"1")
    archive = tmp_path / "archive.tar.gz"
    output("tar", f"--format={form}", "--sort=name", "-czf", archive, "-C", root, ".")
    with archive.open("rb") as file:
        found = {entry.path: (entry, content.read() if content else b"") for entry, content in read_layer(file)}
    assert set(found) == {"", *(str(path.relative_to(root)) for path in root.rglob("*"))}
    for path, (entry, content) in found.items():
        state = (root / path).lstat()
        assert (entry.uid, entry.gid, entry.mtime) == (state.st_uid, state.st_gid, int(state.st_mtime))
        if entry.kind is Kind.FILE:
            assert content == (root / path).read_bytes()
        if entry.kind is Kind.HARDLINK:
            assert (root / path).samefile(root / entry.link)
        if entry.kind is Kind.SYMLINK:
            assert entry.link == str((root / path).readlink())


def sources(image: Image) -> dict[str, str]:
    files = image.files
    return {
        "oci-archive": f"oci-archive:{files[ArchiveFormat.OCI_ARCHIVE]}",
        "oci-archive by name": f"oci-archive:{files[ArchiveFormat.OCI_ARCHIVE]}:one",
        "docker-archive of it": f"docker-archive:{files[ArchiveFormat.OCI_ARCHIVE]}:localhost/peers:two",
        "docker-archive": f"docker-archive:{files[ArchiveFormat.DOCKER_ARCHIVE]}:localhost/peers:one",
        "oci": f"oci:{files[ArchiveFormat.OCI_DIR]}",
    }


def test_skopeo_inspects_every_form(image: Image) -> None:
    program("skopeo", "skopeo")
    for name, source in sources(image).items():
        seen = json.loads(output("skopeo", "inspect", source))
        assert (seen["Architecture"], seen["Os"], seen["Labels"]) == ("amd64", "linux", {"a": "b"}), name
        assert seen["Created"] == "2023-11-14T22:13:20Z"
        if "docker" not in name:
            assert seen["Digest"] == str(image.documents.manifest.digest)
            assert seen["Layers"] == [str(one.digest) for one in image.layers]


def test_skopeo_copies_every_form(image: Image, tmp_path: Path) -> None:
    """A copy reads every byte and checks every digest."""
    program("skopeo", "skopeo")
    for name, source in sources(image).items():
        target = tmp_path / name.replace(" ", "-")
        output("skopeo", "copy", "--quiet", "--insecure-policy", source, f"dir:{target}")
        manifest = (target / "manifest.json").read_bytes()
        assert (target / json.loads(manifest)["config"]["digest"].removeprefix("sha256:")).read_bytes() == (
            image.documents.config_bytes
        )
        if "docker" not in name:
            assert Digest.of(manifest) == image.documents.manifest.digest


def check_tree(root: Path) -> None:
    """A root as a container engine unpacked it."""
    for entry, content in sample():
        path = root / entry.path
        state = path.lstat()
        if entry.kind is not Kind.SYMLINK:
            assert state.st_mode & 0o7777 == entry.mode, entry.path
        assert (state.st_uid, state.st_gid) == (entry.uid, entry.gid), entry.path
        if entry.kind is Kind.FILE:
            assert path.read_bytes() == content
            assert int(state.st_mtime) == entry.mtime
    assert (root / "second").read_bytes() == b"2"


@pytest.mark.parametrize("form", [ArchiveFormat.OCI_ARCHIVE, ArchiveFormat.DOCKER_ARCHIVE])
def test_podman_loads_an_archive(image: Image, storage: list[str], form: ArchiveFormat) -> None:
    program("podman", "podman")
    podman: Callable[..., str] = partial(output, "podman", *storage)
    assert "localhost/peers:one" in podman("load", "--input", image.files[form])
    seen = json.loads(podman("image", "inspect", "localhost/peers:one"))[0]
    assert seen["Id"] == image.documents.config.digest.hex
    assert seen["RootFS"]["Layers"] == [str(one.diff_id) for one in image.layers]
    check_tree(Path(podman("image", "mount", "localhost/peers:one").strip()))
    podman("image", "unmount", "localhost/peers:one")
    podman("image", "rm", "--force", "localhost/peers:one")


def test_buildah_takes_it_as_a_base(image: Image, storage: list[str]) -> None:
    program("buildah", "buildah")
    source = f"oci-archive:{image.files[ArchiveFormat.OCI_ARCHIVE]}"
    container = output("buildah", *storage, "from", source).strip().splitlines()[-1]
    check_tree(Path(output("buildah", *storage, "mount", container).strip()))
    output("buildah", *storage, "rm", container)


def test_a_store_is_an_oci_layout_to_others(tmp_path: Path) -> None:
    program("skopeo", "skopeo")
    with Store.open(tmp_path / "store", clock=FakeClock()) as store:
        one = layer(Compression.GZIP, sample())
        store.blobs.put(one)
        found = one.result
        part = ImageLayer(found.digest, found.diff_id, found.size, Compression.GZIP, 5, "x")
        made = assemble(parse_platform("amd64"), ImageConfiguration((), ()), [part], created=5)
        for content in (made.config_bytes, made.manifest_bytes):
            store.blobs.put([content])
        store.images.put(
            StoredImage("3.13.15-trixie", "linux/amd64", made.manifest.digest, ("3.13",), made.size, 5)
        )
    for name in ("3.13.15-trixie", "3.13"):
        seen = json.loads(output("skopeo", "inspect", f"oci:{tmp_path}/store:{name}"))
        assert seen["Digest"] == str(made.manifest.digest)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "mebibytes"), [("gzip", 32), ("zstd", 100)])
def test_memory_does_not_grow_with_the_layer(kind: str, mebibytes: int) -> None:
    """A layer of a gibibyte (256 MiB in CI) in two threads."""
    size = "256" if os.environ.get("CI") else "1024"
    grown = int(output(sys.executable, MEMORY, size, kind))
    assert grown < mebibytes << 10, f"{grown} KiB"


def test_writing_twice_gives_the_same(tmp_path: Path) -> None:
    results = []
    for jobs in (1, 2):
        source = ((entry, io.BytesIO(content) if entry.kind is Kind.FILE else None) for entry, content in sample())
        with (tmp_path / str(jobs)).open("wb") as file:
            results.append(write_layer(source, file.write, epoch=EPOCH, jobs=jobs))
    assert results[0] == results[1]
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
