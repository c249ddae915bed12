# SPDX-License-Identifier: Apache-2.0
"""``imagewright site`` from real stores and layouts: pages, what is remembered, what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.app.cataloguing import revision, write_site
from imagewright.app.copying import copy
from imagewright.app.statuses import note_failure
from imagewright.app.world import SystemClock, World
from imagewright.errors import UsageError
from imagewright.events import Event, Note, discard
from imagewright.model.catalogues import CatalogueOptions, WrittenSite
from imagewright.model.digest import Digest
from imagewright.model.general import ArchiveFormat, GlobalOptions
from imagewright.model.transfers import RegistryAccess
from imagewright.oci.descriptor import DOCKER_FOREIGN_LAYER, MANIFEST, Descriptor, Target
from imagewright.oci.layout import Export, export
from imagewright.oci.manifest import Manifest
from imagewright.store.store import Store
from support.catalogue import WORLD, Words, put_image
from support.contents import base, file, python
from support.golden import Golden
from support.registry import run_registry

CATALOG = Path(__file__).parent.parent / "catalogs/004-infra7.toml"
OPTIONS = CatalogueOptions(catalog=CATALOG)
BOOKWORM = Words("3.13.0-bookworm", ("3.13-bookworm", "3.13"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", clock=SystemClock())


@pytest.fixture
def digest(store: Store) -> Digest:
    return put_image(store, [base(), python()], BOOKWORM)


def write(
    store: Store, out: Path, options: CatalogueOptions = OPTIONS, world: World = WORLD
) -> tuple[WrittenSite, list[Event]]:
    events: list[Event] = []
    return write_site(world, store, out, options, events.append), events


def pages(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_pages_of_an_image(store: Store, tmp_path: Path, golden: Golden) -> None:
    lowest = [each for each in base() if not each[0].path.endswith(".gz")]  # what a compressor wrote may vary
    digest = put_image(store, [lowest, python()], BOOKWORM)
    put_image(
        store, [base()], Words("3.12.7-bookworm", ("3.12-bookworm",), platform="linux/arm64/v8", checked=False)
    )
    note_failure(store, ("3.11.10-bookworm", "linux/amd64"), 5, "python 3.11.10: no <space>")
    written, events = write(store, tmp_path / "out")
    assert (written.images, written.files, written.written, written.read) == (2, 20, 20, 2)
    assert [each for each in events if isinstance(each, Note)]
    found = pages(tmp_path / "out")
    directory = f"images/{digest.hex}"
    for name, path in (
        ("index", "index.html"),
        ("status", "status.html"),
        ("list", "list/1.html"),
        ("image", f"{directory}/index.html"),
        ("contents", f"{directory}/contents.html"),
        ("materials", f"{directory}/materials.html"),
        ("images", "data/images.js"),
        ("parts", "data/parts.js"),
    ):
        golden(f"site-{name}{Path(path).suffix}", found[path])
    assert json.loads(found[f"{directory}/sbom.spdx.json"])["spdxVersion"] == "SPDX-2.3"
    assert json.loads(found[f"{directory}/sbom.cdx.json"])["bomFormat"] == "CycloneDX"


def test_the_same_store_gives_the_same_bytes_and_is_read_once(
    store: Store, digest: Digest, tmp_path: Path
) -> None:
    write(store, tmp_path / "one")
    again, _ = write(store, tmp_path / "two")
    assert again.read == 0, "what is in an image is remembered"
    assert pages(tmp_path / "one") == pages(tmp_path / "two")
    third, _ = write(store, tmp_path / "one")
    assert (third.written, third.removed) == (0, 0)
    store.blobs.remove(next(blob for blob, _ in store.blobs.all() if is_findings(store, blob)))
    fourth, _ = write(store, tmp_path / "one")
    assert (fourth.read, fourth.written) == (1, 0)


def is_findings(store: Store, blob: Digest) -> bool:
    return any(value.endswith(blob.hex) for value in store.facts("derived catalogue").all().values())


def test_what_older_code_found_is_not_used(store: Store, digest: Digest, tmp_path: Path) -> None:
    write(store, tmp_path / "out")
    facts = store.facts("derived catalogue")
    ((key, value),) = facts.all().items()
    assert value.startswith(f"{revision()} ")
    facts.put(key, value.replace(revision(), "0" * 16))
    assert write(store, tmp_path / "out")[0].read == 1


def test_images_that_are_gone_leave_no_page(store: Store, digest: Digest, tmp_path: Path) -> None:
    other = put_image(store, [python()], replace(BOOKWORM, spec="3.12.7-bookworm", tags=()))
    out = tmp_path / "out"
    write(store, out)
    store.images.remove([image for image in store.images.all() if image.manifest == other])
    written, _ = write(store, out)
    assert written.removed == 5
    assert not (out / "images" / other.hex).exists()
    assert not any(other.hex.encode() in content for content in pages(out).values())
    assert (out / "images" / digest.hex / "index.html").is_file()


def test_sizes_over_time_come_from_the_records(store: Store, digest: Digest, tmp_path: Path) -> None:
    older = put_image(
        store, [base()], replace(BOOKWORM, spec="3.13.0-bookworm", finished=BOOKWORM.finished - 90_000)
    )
    put_image(store, [base(), python()], BOOKWORM)
    write(store, tmp_path / "out")
    page = (tmp_path / "out/images" / digest.hex / "index.html").read_text()
    assert page.count("<circle") == 2
    assert "Builds of this kind, newest first" in page
    assert "(this image)" in page
    assert older.hex not in page, "an earlier build has no page to lead to"


def test_where_an_image_can_be_had(store: Store, digest: Digest, tmp_path: Path) -> None:
    configuration = tmp_path / "imagewright.toml"
    configuration.write_text('[publication]\ntitle = "Ours & theirs"\npull = "registry.example/team/python"\n')
    world = World(GlobalOptions(config=configuration), SystemClock(), 0o022)
    store.facts("pushed").put(f"{BOOKWORM.spec} linux/amd64", json.dumps({"r.example/pushed": str(digest)}))
    write(store, tmp_path / "out", world=world)
    page = (tmp_path / "out/images" / digest.hex / "index.html").read_text()
    assert "docker pull --platform linux/amd64 registry.example/team/python:3.13.0-bookworm" in page
    assert f"docker pull registry.example/team/python@{digest}" in page
    assert f"podman pull r.example/pushed@{digest}" in page
    assert "Ours &amp; theirs" in page


def test_an_image_of_which_something_is_missing_says_so(store: Store, digest: Digest, tmp_path: Path) -> None:
    damaged = put_image(store, [base()], replace(BOOKWORM, spec="3.12.7-bookworm", tags=()))
    layer = Manifest.parse(store.blobs.read(damaged, limit=1 << 20)).layers[0].digest
    store.images.remove([image for image in store.images.all() if image.manifest == digest])
    store.blobs.remove(layer)
    gone = put_image(store, [python()], replace(BOOKWORM, spec="3.11.10-bookworm", tags=()))
    store.blobs.remove(gone)
    written, _ = write(store, tmp_path / "out")
    assert [(one.image, one.reason.partition(":")[0]) for one in written.not_shown] == [
        ("3.11.10-bookworm", "its manifest is not in the store"),
        ("3.12.7-bookworm", "without content"),
    ]
    page = (tmp_path / "out/images" / damaged.hex / "index.html").read_text()
    assert f"the store lacks blob {layer}" in page
    assert not (tmp_path / "out/images" / damaged.hex / "contents.html").exists()


def test_layers_that_lie_elsewhere_are_not_asked_for(store: Store, tmp_path: Path) -> None:
    elsewhere = put_image(store, [base()], BOOKWORM)
    manifest = Manifest.parse(store.blobs.read(elsewhere, limit=1 << 20))
    layer = replace(manifest.layers[0], media_type=DOCKER_FOREIGN_LAYER, urls=("https://elsewhere.example/layer",))
    foreign = replace(manifest, layers=(layer,)).encode()
    store.blobs.put([foreign])
    described = Descriptor(MANIFEST, Digest.of(foreign), len(foreign), platform=Target("linux", "amd64"))
    export([Export(described, ("win:1",))], store.blobs, tmp_path / "dir", ArchiveFormat.OCI_DIR)
    written, _ = write(store, tmp_path / "out", replace(OPTIONS, refs=(f"oci:{tmp_path}/dir",)))
    assert written.images == 1
    assert "foreign layers" in written.not_shown[0].reason


def test_images_of_a_layout(store: Store, digest: Digest, tmp_path: Path) -> None:
    other = put_image(store, [python()], replace(BOOKWORM, spec="3.12.7-bookworm", tags=()))
    exports = [
        Export(
            Descriptor(MANIFEST, one, store.blobs.size(one), platform=Target("linux", "amd64")), (f"python:{tag}",)
        )
        for one, tag in ((digest, "3.13"), (other, "3.12"))
    ]
    export(exports, store.blobs, tmp_path / "dir", ArchiveFormat.OCI_DIR)
    ref = f"oci:{tmp_path}/dir"
    with pytest.raises(UsageError, match="no single image"):
        write(store, tmp_path / "out", replace(OPTIONS, refs=(ref,)))
    written, _ = write(store, tmp_path / "out", replace(OPTIONS, refs=(ref,), all_tags=True))
    assert written.images == 2
    found = pages(tmp_path / "out")
    assert "status.html" not in found, "there are no records of these images"
    assert not [path for path, content in found.items() if str(tmp_path).encode() in content]
    assert b"No registry is known" in found[f"images/{digest.hex}/index.html"]
    both, _ = write(store, tmp_path / "out", replace(OPTIONS, refs=(ref,), all_tags=True, stored=True))
    assert both.images == 2, "one manifest is one image, wherever it is"
    assert "status.html" in pages(tmp_path / "out")
    quick, _ = write(store, tmp_path / "quick", replace(OPTIONS, content=False))
    assert (quick.read, quick.not_shown) == (0, ())
    assert b"its layers were not read" in pages(tmp_path / "quick")[f"images/{digest.hex}/index.html"]
    with pytest.raises(UsageError, match="--all-tags does not go with"):
        write(store, tmp_path / "out", replace(OPTIONS, refs=("store:3.13",), all_tags=True))


def test_hostile_names_of_files_and_labels_stay_text(store: Store, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    words = replace(BOOKWORM, labels=((evil, evil),), comments=(evil,))
    digest = put_image(store, [[*base(), file(f"etc/{evil}", b"x" * 100_000)]], words)
    write(store, tmp_path / "out")
    for name in ("index", "contents", "materials"):
        page = (tmp_path / f"out/images/{digest.hex}/{name}.html").read_text()
        assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in (tmp_path / f"out/images/{digest.hex}/contents.html").read_text()


def test_an_empty_store_gives_an_empty_site(store: Store, tmp_path: Path) -> None:
    written = write_site(WORLD, store, tmp_path / "out", OPTIONS, discard)
    assert written.images == 0
    assert "0 images" in (tmp_path / "out/index.html").read_text()
    assert "No image of the catalog has been attempted yet" in (tmp_path / "out/status.html").read_text()


@pytest.mark.loopback
def test_every_tag_of_a_repository(store: Store, digest: Digest, tmp_path: Path) -> None:
    other = put_image(store, [python()], replace(BOOKWORM, spec="3.12.7-bookworm", tags=()))
    with run_registry() as registry:
        where = f"{registry.host}/team/python"
        access = RegistryAccess(plain=True)
        world = replace(WORLD, options=replace(WORLD.options, store=tmp_path / "store"))
        for spec, tags in ((BOOKWORM.spec, ("3.13", "3")), ("3.12.7-bookworm", ("3.12",))):
            for tag in tags:
                copy(world, (f"store:{spec}", f"{where}:{tag}"), (), access, discard)
        options = replace(OPTIONS, refs=(where,), all_tags=True, access=access)
        written, _ = write(store, tmp_path / "out", options)
        one, _ = write(store, tmp_path / "one", replace(options, refs=(f"{where}:3.12",), all_tags=False))
    assert (written.images, one.images) == (2, 1)
    page = (tmp_path / "out/images" / digest.hex / "index.html").read_text()
    assert f"docker pull --platform linux/amd64 {where}:3" in page
    assert f"FROM {where}@{digest}" in page
    assert page.count(f"<li><code>{where}:3") == 2, "its tags, each once"
    assert (tmp_path / "one/images" / other.hex / "index.html").is_file()
