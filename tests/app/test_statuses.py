# SPDX-License-Identifier: Apache-2.0
"""``imagewright status``: never a check mark without a record behind it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagewright.app.statuses import CHECKED_AGAIN, forget_failure, note_failure, note_pushed, status
from imagewright.app.world import SystemClock, World
from imagewright.describe.status import CHECKED_MANIFEST
from imagewright.describe.status_badges import svg
from imagewright.describe.status_text import markdown, plain, table
from imagewright.model.digest import Digest, canonical_json
from imagewright.model.general import GlobalOptions
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.statuses import ImageStatus, Status, StatusOptions
from imagewright.oci.descriptor import INDEX, MANIFEST
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from support.fake_application import IMAGE
from support.registry import Repository, run_registry

CATALOGS = Path(__file__).parent.parent / "catalogs"
WORLD = World(GlobalOptions(), SystemClock(), 0o022)
AMD64 = "linux/amd64"
INFRA7 = StatusOptions(CATALOGS / "004-infra7.toml", (parse_platform("amd64"),))
RELEASES = ("3.13.0", "3.12.7", "3.11.10", "3.10.15", "3.9.20")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(tmp_path / "store", clock=SystemClock())


def image(store: Store, spec: str, finished: int = 10, platform: str = AMD64) -> Digest:
    """Put an image and the record of its step into the store; its manifest."""
    manifest = store.blobs.put([f"{spec} {platform} {finished}".encode()])
    record(store, StepKind.IMAGE, f"image {spec} {platform}", finished, (("manifest", manifest),))
    store.images.put(StoredImage(spec, platform, manifest, (), 1, finished))
    return manifest


def record(
    store: Store,
    kind: StepKind,
    name: str,
    finished: int,
    outputs: tuple[tuple[str, Digest], ...] = (),
    facts: tuple[tuple[str, str], ...] = (),
) -> None:
    step = Digest.of(f"{name} {finished}".encode())
    store.steps.put(StepRecord(step, kind, name, outputs, facts, 1.0, finished))


def checked(store: Store, spec: str, manifest: Digest | None, finished: int = 11, platform: str = AMD64) -> None:
    facts = () if manifest is None else ((CHECKED_MANIFEST, str(manifest)),)
    record(store, StepKind.CHECK, f"check {spec} {platform}", finished, facts=facts)


def one(found: Status, spec: str) -> ImageStatus:
    return next(image for image in found.images if image.image == spec)


def test_infra7s_table(store: Store) -> None:
    for release in RELEASES:
        checked(store, f"{release}-bookworm", image(store, f"{release}-bookworm"))
    found = status(WORLD, store, INFRA7)
    assert table(found) == [
        ["Python version →", "3.13", "3.12", "3.11", "3.10", "3.9"],
        ["Target ↓ / Release →", *RELEASES],
        ["Debian (trixie)¹", *[""] * 5],
        ["Debian (bookworm)", *["✓"] * 5],
        ["Ubuntu (jammy)", *[""] * 5],
        ["Ubuntu (noble)", *[""] * 5],
    ]
    assert plain(found)[3] == "Debian (bookworm)     ✓       ✓       ✓        ✓        ✓"
    lines = markdown(found).splitlines()
    assert lines[4] == "| Debian (bookworm)    | &check; | &check; | &check; | &check; | &check; |"
    assert len({line.count("|") for line in lines[:7]}) == 1


def test_nothing_is_checked_without_a_record_of_that_image(store: Store) -> None:
    old = image(store, "3.13.0-bookworm", 10)
    checked(store, "3.13.0-bookworm", old, 11)
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").state == "checked"
    new = image(store, "3.13.0-bookworm", 20)
    found = one(status(WORLD, store, INFRA7), "3.13.0-bookworm")
    assert (found.state, found.manifest) == ("built", str(new))
    checked(store, "3.13.0-bookworm", new, 21)
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").state == "checked"


def test_a_record_that_names_no_image_vouches_for_the_one_before_it(store: Store) -> None:
    image(store, "3.13.0-bookworm", 10)
    checked(store, "3.13.0-bookworm", None, 11)
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").state == "checked"
    image(store, "3.13.0-bookworm", 20)
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").state == "built"
    checked(store, "3.12.7-bookworm", None)
    assert one(status(WORLD, store, INFRA7), "3.12.7-bookworm").state == "not attempted"


def test_what_failed_and_what_does_no_longer(store: Store) -> None:
    key = ("3.12.7-bookworm", AMD64)
    note_failure(store, key, 30, "python 3.12.7: no space")
    found = one(status(WORLD, store, INFRA7), "3.12.7-bookworm")
    assert (found.state, found.detail, found.finished) == ("failed", "python 3.12.7: no space", 30)
    assert table(status(WORLD, store, INFRA7))[3][2] == "✗"
    checked(store, "3.12.7-bookworm", image(store, "3.12.7-bookworm", 10))
    assert one(status(WORLD, store, INFRA7), "3.12.7-bookworm").state == "failed"
    forget_failure(store, key, checked=False)
    assert one(status(WORLD, store, INFRA7), "3.12.7-bookworm").state == "checked"


def test_an_older_release_is_outdated_and_of_the_same_kind(store: Store) -> None:
    older = image(store, "3.11.9-bookworm")
    image(store, "3.11.8-bookworm")
    image(store, "3.10.1-slim-bookworm")
    image(store, "3.9.1-bookworm", platform="linux/arm64/v8")
    found = status(WORLD, store, INFRA7)
    behind = one(found, "3.11.10-bookworm")
    assert (behind.state, behind.detail, behind.manifest) == ("outdated", "3.11.9-bookworm is there", str(older))
    assert one(found, "3.10.15-bookworm").state == "not attempted"
    assert one(found, "3.9.20-bookworm").state == "not attempted"


def test_what_was_pushed_is_this_very_image(store: Store) -> None:
    manifest = image(store, "3.13.0-bookworm")
    built = replace(IMAGE, image="3.13.0-bookworm", platform=AMD64, digest=manifest)
    note_pushed(store, [built], "registry.example/one")
    note_pushed(store, [built], "registry.example/two")
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").pushed == (
        "registry.example/one",
        "registry.example/two",
    )
    image(store, "3.13.0-bookworm", 20)
    assert one(status(WORLD, store, INFRA7), "3.13.0-bookworm").pushed == ()


def test_a_cell_counts_what_passed(store: Store) -> None:
    checked(store, "3.13.0-bookworm", image(store, "3.13.0-bookworm"))
    both = StatusOptions(INFRA7.catalog, (parse_platform("amd64"), parse_platform("arm64")))
    assert table(status(WORLD, store, both))[3][1] == "1/2"
    assert len(status(WORLD, store, StatusOptions(INFRA7.catalog, every=True)).images) == 10


def test_signs_tell_what_became_of_an_image(store: Store) -> None:
    image(store, "3.13.0-bookworm")
    image(store, "3.12.6-bookworm")
    checked(store, "3.11.10-bookworm", image(store, "3.11.10-bookworm"))
    manifest = image(store, "3.10.15-bookworm")
    checked(store, "3.10.15-bookworm", manifest)
    built = replace(IMAGE, image="3.10.15-bookworm", platform=AMD64, digest=manifest)
    note_pushed(store, [built], "registry.example/one")
    note_failure(store, ("3.9.20-bookworm", AMD64), 30, "compile: \x1b[31mno space\nat all")
    found = status(WORLD, store, INFRA7)
    assert table(found)[3][1:] == ["○", "↻", "✓", "✓↑", "✗"]
    lines = plain(found)
    assert lines[7:] == [
        "✓ passed its checks, ↑ pushed, ○ built, not checked, ↻ an older release is there, ✗ failed",
        "¹ still changes: not for production",
        "",
        "✗ 3.9.20-bookworm linux/amd64: compile: [31mno space at all",
        "↻ 3.12.7-bookworm linux/amd64: 3.12.6-bookworm is there",
    ]
    assert "| Debian (bookworm)    | ○      | ↻      | &check; | &check;↑ | ✗      |" in markdown(found)


def test_a_check_that_failed_again_outlives_builds_that_check_nothing(store: Store) -> None:
    key = ("3.13.0-bookworm", AMD64)
    checked(store, key[0], image(store, key[0]))
    note_failure(store, key, 30, f"{CHECKED_AGAIN}: pip")
    forget_failure(store, key, checked=False)
    assert one(status(WORLD, store, INFRA7), key[0]).state == "failed"
    forget_failure(store, key, checked=True)
    assert one(status(WORLD, store, INFRA7), key[0]).state == "checked"


def test_each_platform_has_rows_of_its_own_where_asked(store: Store) -> None:
    checked(store, "3.13.0-bookworm", image(store, "3.13.0-bookworm"))
    found = status(WORLD, store, StatusOptions(INFRA7.catalog, every=True, apart=True))
    rows = {row[0]: row[1:] for row in table(found)[2:]}
    assert rows == {"Debian (bookworm) amd64": ["✓", "", "", "", ""], "Debian (bookworm) arm64v8": [""] * 5}
    assert len(table(status(WORLD, store, replace(INFRA7, apart=True)))) == 6, "one platform needs no words"


@pytest.mark.parametrize("width", [28, 40, 60, 80, 200])
def test_a_table_fits_the_terminal(store: Store, width: int) -> None:
    note_failure(store, ("3.12.7-bookworm", AMD64), 30, "much " * 50)
    checked(store, "3.9.20-bookworm", image(store, "3.9.20-bookworm"))
    lines = plain(status(WORLD, store, INFRA7), width)
    fitted = [line for line in lines if not line.startswith(("✓ passed", "¹"))]
    assert max(map(len, fitted)) <= width
    assert sum(line.count("✓") for line in fitted) == 1
    assert sum(line.count("3.9.20") for line in fitted) == 1


@pytest.mark.loopback
def test_a_registry_is_asked_what_it_has(store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with run_registry() as registry:
        repository = registry.repository("team/python")
        entries = [put(repository, machine) for machine in ("amd64", "arm64")]
        index = canonical_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
        repository.manifests[str(Digest.of(index))] = (INDEX, index)
        for tag in ("3.13.0-bookworm", "3.12.7-bookworm"):
            repository.tags[tag] = str(Digest.of(index))
        amd64 = Digest.parse(entries[0]["digest"])
        store.images.put(StoredImage("3.13.0-bookworm", AMD64, amd64, (), 1, 1))
        name = f"{registry.host}/team/python"
        note_pushed(store, [replace(IMAGE, image="3.12.7-bookworm", platform=AMD64)], name)
        options = replace(INFRA7, platforms=(), every=True, registries=(name,))
        found = {(one.image, one.platform): one for one in status(WORLD, store, options).images}
    here = found["3.13.0-bookworm", AMD64]
    assert (here.state, here.pushed) == ("built", (name,))
    other = found["3.13.0-bookworm", "linux/arm64/v8"]
    assert (other.state, other.pushed) == ("not attempted", ())
    assert [one.digest for one in other.published] == [entries[1]["digest"]]
    assert found["3.12.7-bookworm", AMD64].pushed == (), "what was noted of a push does not count any longer"
    assert found["3.11.10-bookworm", AMD64].published == ()


def put(repository: Repository, machine: str) -> dict[str, Any]:
    """An image of nothing in a registry; its entry for an index."""
    content = canonical_json({"schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "for": machine})
    digest = str(Digest.of(content))
    repository.manifests[digest] = (MANIFEST, content)
    platform = {"os": "linux", "architecture": machine} | ({"variant": "v8"} if machine == "arm64" else {})
    return {"mediaType": MANIFEST, "digest": digest, "size": len(content), "platform": platform}


def test_the_sheet_of_badges_is_xml_with_a_badge_for_each_mark(store: Store) -> None:
    checked(store, "3.13.0-bookworm", image(store, "3.13.0-bookworm"))
    note_failure(store, ("3.12.7-bookworm", AMD64), 1, "<b>")
    root = ET.fromstring(svg(status(WORLD, store, INFRA7)))
    name = "{http://www.w3.org/2000/svg}"
    fills = [rect.get("fill") for rect in root.iter(f"{name}rect")][1:]
    badges = [fill for fill in fills if fill]
    assert badges == ["#1a7f37", "#cf222e"] * 2, "a badge for each mark, then what the colours mean"
    said = [text.text for text in root.iter(f"{name}text")]
    assert said.count("✓") == 1
    assert {"passed its checks", "failed", "¹ still changes: not for production"} <= set(said)
    assert root.findtext(f"{name}title") == "build status"
