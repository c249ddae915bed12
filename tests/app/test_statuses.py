# SPDX-License-Identifier: Apache-2.0
"""``imagewright status``: never a check mark without a record behind it."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from imagewright.app.statuses import forget_failure, note_failure, note_pushed, status
from imagewright.app.world import SystemClock, World
from imagewright.describe.status import CHECKED_MANIFEST
from imagewright.describe.status_text import markdown, plain, svg, table
from imagewright.model.digest import Digest
from imagewright.model.options import GlobalOptions
from imagewright.model.plan import StepKind, StepRecord
from imagewright.model.platforms import parse_platform
from imagewright.model.statuses import ImageStatus, Status, StatusOptions
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from support.fake_application import IMAGE

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
        ["Debian (trixie)", *[""] * 5],
        ["Debian (bookworm)", *["✓"] * 5],
        ["Ubuntu (jammy)", *[""] * 5],
        ["Ubuntu (noble)", *[""] * 5],
    ]
    assert plain(found)[3] == "Debian (bookworm)     ✓       ✓       ✓        ✓        ✓"
    lines = markdown(found).splitlines()
    assert lines[4] == "| Debian (bookworm)    | &check; | &check; | &check; | &check; | &check; |"
    assert len({line.count("|") for line in lines}) == 1


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
    forget_failure(store, key)
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
    built = IMAGE.__class__(
        **{name: getattr(IMAGE, name) for name in IMAGE.__dataclass_fields__}
        | {"image": "3.13.0-bookworm", "platform": AMD64, "digest": manifest}
    )
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


def test_the_sheet_of_badges_is_xml_with_a_badge_for_each_mark(store: Store) -> None:
    checked(store, "3.13.0-bookworm", image(store, "3.13.0-bookworm"))
    note_failure(store, ("3.12.7-bookworm", AMD64), 1, "<b>")
    root = ET.fromstring(svg(status(WORLD, store, INFRA7)))
    name = "{http://www.w3.org/2000/svg}"
    fills = [rect.get("fill") for rect in root.iter(f"{name}rect")][1:]
    assert fills == ["#2da44e", "#cf222e"]
    assert [text.text for text in root.iter(f"{name}text")].count("✓") == 1
    assert root.findtext(f"{name}title") == "build status"
