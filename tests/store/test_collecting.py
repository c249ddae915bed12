# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imagewright.model.digest import Digest, canonical_json
from imagewright.model.plan import StepKind, StepRecord
from imagewright.store import fsck, gc
from imagewright.store.images import StoredImage
from imagewright.store.store import Store
from imagewright.store.trees import DiskTrees, describe
from support.fake_store import FakeClock

AMD64, ARM64 = "linux/amd64", "linux/arm64/v8"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    with Store.open(tmp_path / "store", clock=clock, exclusive=True) as opened:
        yield opened


def put(store: Store, content: bytes) -> Digest:
    """Put a blob that is as old as the store's clock says."""
    digest = store.blobs.put([content])
    now = store.clock.now().timestamp()
    os.utime(store.layout.blob(digest), (now, now))
    return digest


def put_image(store: Store, spec: str, *, platform: str = AMD64, tags: tuple[str, ...] = ()) -> StoredImage:
    layer, config = put(store, f"layer {spec}".encode()), put(store, f"config {spec}".encode())
    parts = [{"digest": str(digest), "size": store.blobs.size(digest)} for digest in (config, layer)]
    manifest = put(store, canonical_json({"schemaVersion": 2, "config": parts[0], "layers": parts[1:]}))
    image = StoredImage(spec, platform, manifest, tags, 100, int(store.clock.now().timestamp()))
    store.images.put(image)
    return image


def put_step(store: Store, name: str, *outputs: Digest, kind: StepKind = StepKind.BASE) -> StepRecord:
    named = tuple((f"output{number}", digest) for number, digest in enumerate(outputs))
    record = StepRecord(Digest.of(name.encode()), kind, name, named, (), 1.0, int(store.clock.now().timestamp()))
    store.steps.put(record)
    return record


def put_tree(store: Store, key: Digest) -> Path:
    with store.trees.workspace("x") as space:
        (space / "root" / "etc").mkdir(parents=True)
        (space / "root" / "etc" / "file").write_text("content")
        (space / "root" / "link").symlink_to("etc")
        return store.trees.adopt(space / "root", key)


def blobs(store: Store) -> set[Digest]:
    return {digest for digest, _ in store.blobs.all()}


def flip(path: Path, at: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


# --- garbage collection ---


def test_what_nothing_leads_to_goes_when_it_is_old(store: Store, clock: FakeClock) -> None:
    put(store, b"download")
    assert gc.collect(store, keep_days=30).blobs == 0
    clock.pass_days(31)
    fresh = put(store, b"fresh")
    result = gc.collect(store, keep_days=30)
    assert (result.blobs, result.bytes, result.kept) == (1, len(b"download"), 1)
    assert blobs(store) == {fresh}


def test_a_dry_run_removes_nothing(store: Store, clock: FakeClock) -> None:
    put(store, b"download")
    put_tree(store, Digest.of(b"tree"))
    clock.pass_days(31)
    result = gc.collect(store, keep_days=30, dry_run=True)
    assert (result.blobs, result.trees, result.bytes) == (1, 1, len(b"download") + len(b"content"))
    assert result.dry_run
    assert len(blobs(store)) == 1
    assert len(store.trees.all()) == 1


def test_the_newest_record_of_a_kind_stays_with_its_blobs(store: Store, clock: FakeClock) -> None:
    old = put_step(store, "old", put(store, b"old"))
    clock.pass_days(1)
    new = put_step(store, "new", put(store, b"new"))
    other = put_step(store, "other", put(store, b"other"), kind=StepKind.RUNTIME)
    clock.pass_days(100)
    result = gc.collect(store)
    assert result.records == 1
    assert store.steps.get(old.id) is None
    assert store.steps.get(new.id) == new
    assert store.steps.get(other.id) == other
    assert blobs(store) == {new.output("output0"), other.output("output0")}


def test_a_record_in_use_stays(store: Store, clock: FakeClock) -> None:
    old = put_step(store, "old", put(store, b"old"))
    clock.pass_days(1)
    put_step(store, "new", put(store, b"new"))
    clock.pass_days(40)
    assert store.steps.get(old.id) == old
    clock.pass_days(20)
    gc.collect(store, keep_days=30)
    assert store.steps.get(old.id) == old


def test_an_image_keeps_all_it_leads_to_while_it_is_pinned(store: Store, clock: FakeClock) -> None:
    image = put_image(store, "3.13-slim-trixie")
    assert store.images.pin("3.13-slim-trixie") == 1
    clock.pass_days(400)
    assert gc.collect(store).blobs == 0
    assert len(blobs(store)) == 3
    store.images.put(replace(image, finished=5))
    assert store.images.all()[0].pinned
    store.images.pin("3.13-slim-trixie", pinned=False)
    result = gc.collect(store)
    assert (result.images, result.blobs) == (1, 3)
    assert store.images.all() == []
    assert json.loads(store.layout.index.read_text())["manifests"] == []


def test_an_index_keeps_its_manifests(store: Store, clock: FakeClock) -> None:
    image = put_image(store, "3.13")
    store.images.remove([image])
    index = put(store, canonical_json({"schemaVersion": 2, "manifests": [{"digest": str(image.manifest)}]}))
    step = put_step(store, "image", index, kind=StepKind.IMAGE)
    clock.pass_days(400)
    gc.collect(store)
    assert len(blobs(store)) == 4
    assert store.steps.get(step.id) is not None


def test_what_the_caller_names_stays(store: Store, clock: FakeClock) -> None:
    package = put(store, b"package of the lock")
    put(store, b"package of no lock")
    clock.pass_days(400)
    gc.collect(store, keep=[package])
    assert blobs(store) == {package}


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b'{"schemaVersion":2,"layers":7}',
        b'{"schemaVersion":2,"layers":[{"digest":"md5:x"},null]}',
        b"{" * 100_000,
    ],
)
def test_what_only_looks_like_a_manifest_does_no_harm(store: Store, clock: FakeClock, content: bytes) -> None:
    put_step(store, "step", put(store, content))
    clock.pass_days(400)
    assert gc.collect(store).blobs == 0


def test_old_trees_go_and_used_ones_stay(store: Store, clock: FakeClock) -> None:
    old, used = Digest.of(b"old"), Digest.of(b"used")
    put_tree(store, old)
    put_tree(store, used)
    clock.pass_days(20)
    assert store.trees.get(used) is not None
    clock.pass_days(20)
    assert gc.collect(store, keep_days=30).trees == 1
    assert store.trees.all() == [used]


def test_old_logs_and_the_unfinished_go(store: Store, clock: FakeClock) -> None:
    for name in ("old", "new"):
        (store.layout.logs / name).mkdir()
        (store.layout.logs / name / "log").write_text("x")
    clock.pass_days(40)
    now = clock.now().timestamp()
    os.utime(store.layout.logs / "old", (now - 40 * 86_400, now - 40 * 86_400))
    os.utime(store.layout.logs / "new", (now, now))
    (store.layout.root / ".imagewright-1234").write_text("x")
    (store.layout.work / "1-dead").mkdir()
    assert gc.collect(store).logs == 1
    assert [path.name for path in store.layout.logs.iterdir()] == ["new"]
    assert not (store.layout.root / ".imagewright-1234").exists()
    assert not (store.layout.work / "1-dead").exists()


# --- fsck ---


def damages(store: Store) -> list[tuple[str, str]]:
    return [(problem.damage.value, problem.subject) for problem in fsck.check(store).problems]


def test_a_good_store_has_no_problems(store: Store) -> None:
    put_image(store, "3.13")
    put_step(store, "step", put(store, b"x"))
    put_tree(store, Digest.of(b"tree"))
    result = fsck.check(store)
    assert result.problems == ()
    assert (result.blobs, result.trees) == (4, 1)
    assert result.bytes == sum(found.st_size for _, found in store.blobs.all())


@pytest.mark.parametrize("position", [0, 3, -1])
def test_a_flipped_bit_is_found_and_repair_drops_it(store: Store, position: int) -> None:
    image = put_image(store, "3.13")
    record = put_step(store, "the image", image.manifest)
    good = put(store, b"good")
    flip(store.layout.blob(image.manifest), position)
    found = damages(store)
    assert ("blob", str(image.manifest)) in found
    assert ("record", "the image") in found
    assert ("image", f"3.13 {AMD64}") in found
    assert ("index", "index.json") in found
    repaired = fsck.check(store, repair=True)
    assert repaired.repaired == len(repaired.problems) >= 3
    assert fsck.check(store).problems == ()
    assert store.steps.get(record.id) is None
    assert store.blobs.has(good)
    assert not store.blobs.has(image.manifest)


def test_every_single_bit_of_a_small_blob_counts(store: Store) -> None:
    digest = put(store, b"abc")
    path = store.layout.blob(digest)
    for bit in range(24):
        content = bytearray(b"abc")
        content[bit // 8] ^= 1 << bit % 8
        path.chmod(0o644)
        path.write_bytes(content)
        assert damages(store) == [("blob", str(digest))]


def test_a_missing_layer_is_found(store: Store) -> None:
    put_image(store, "3.13")
    store.blobs.remove(Digest.of(b"layer 3.13"))
    assert damages(store) == [("image", f"3.13 {AMD64}")]


def test_a_manifest_that_lies_about_a_size_is_found(store: Store) -> None:
    layer = put(store, b"layer")
    parts = {"schemaVersion": 2, "layers": [{"digest": str(layer), "size": 6}]}
    store.images.put(StoredImage("3.13", AMD64, put(store, canonical_json(parts)), (), 1, 1))
    (problem,) = fsck.check(store).problems
    assert "6 bytes" in problem.text


def test_strays_are_found(store: Store) -> None:
    (store.layout.root / "notes.txt").write_text("x")
    (store.layout.blobs / "abc").write_text("x")
    (store.layout.blobs / Digest.of(b"d").hex).mkdir()
    (store.layout.root / "blobs" / "sha512").mkdir()
    (store.layout.trees / "half").mkdir()
    found = damages(store)
    assert {subject for damage, subject in found if damage == "stray"} == {
        "notes.txt", "blobs/sha256/abc", f"blobs/sha256/{Digest.of(b'd').hex}", "blobs/sha512", "trees/half",
    }  # fmt: skip
    fsck.check(store, repair=True)
    assert damages(store) == []


@pytest.mark.parametrize("change", ["content", "mode", "name", "link", "description", "root"])
def test_a_changed_tree_is_found(store: Store, change: str) -> None:
    key = Digest.of(b"tree")
    root = put_tree(store, key)
    if change == "content":
        (root / "etc" / "file").write_text("Content")
    elif change == "mode":
        (root / "etc").chmod(0o700)
    elif change == "name":
        (root / "etc" / "file").rename(root / "etc" / "elif")
    elif change == "link":
        (root / "link").unlink()
        (root / "link").symlink_to("cte")
    elif change == "description":
        (root.parent / "tree.json").write_text('{"entries": ')
    else:
        root.rename(root.parent / "toor")
    assert damages(store) == [("tree", key.hex)]
    fsck.check(store, repair=True)
    assert damages(store) == []
    assert store.trees.get(key) is None


def test_a_record_that_cannot_be_read_is_found(store: Store) -> None:
    put_step(store, "good", put(store, b"x"))
    with store.database.writing() as connection:
        connection.execute("INSERT INTO steps VALUES ('zz', 'base', 'x', '[', '[]', 1, 1, 1)")
    assert damages(store) == [("record", "zz")]
    fsck.check(store, repair=True)
    assert damages(store) == []
    assert len(store.steps.all()) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"manifests": 7}', '{"manifests": [{"digest": "x"}]}', "{}"])
def test_a_broken_index_json_is_found_and_made_again(store: Store, content: str) -> None:
    image = put_image(store, "3.13", tags=("3",))
    store.layout.index.write_text(content)
    assert damages(store) == [("index", "index.json")]
    fsck.check(store, repair=True)
    assert damages(store) == []
    names = [entry["annotations"] for entry in json.loads(store.layout.index.read_text())["manifests"]]
    assert [name["org.opencontainers.image.ref.name"] for name in names] == ["3.13", "3"]
    assert store.images.get("3.13", AMD64) == image


def test_a_damaged_database_is_found_and_started_anew(store: Store) -> None:
    record = put_step(store, "x", put(store, b"x"))
    store.database.close()
    store.layout.database.write_bytes(b"nonsense" * 1000)
    assert damages(store)[0] == ("index", "index.sqlite")
    fsck.check(store, repair=True)
    assert damages(store) == []
    assert store.steps.get(record.id) is None
    store.steps.put(record)
    assert store.steps.get(record.id) == record


def test_a_database_with_a_damaged_page_is_found(store: Store) -> None:
    for number in range(200):
        put_step(store, f"step {number}", put(store, b"x"))
    store.database.close()
    path = store.layout.database
    with path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xff" * 4096)
    assert ("index", "index.sqlite") in damages(store)


def test_what_the_dead_left_is_no_damage(store: Store) -> None:
    (store.layout.work / "1-dead").mkdir()
    (store.layout.work / "1-dead" / "blob-1").write_text("half")
    (store.layout.work / "1-dead.lock").touch()
    (store.layout.root / ".imagewright-12").touch()
    (store.layout.locks / "step-1").touch()
    assert damages(store) == []


# --- trees ---


def test_a_tree_of_an_earlier_boot_does_not_count_unless_flushed(store: Store) -> None:
    unflushed, flushed, later = Digest.of(b"1"), Digest.of(b"2"), Digest.of(b"3")
    put_tree(store, flushed)
    store.trees.flush()
    put_tree(store, unflushed)
    after = DiskTrees(store.layout, store.session, store.clock, boot="another boot")
    assert after.get(unflushed) is None
    assert after.get(flushed) is not None
    assert after.check(unflushed) == ""
    assert after.stale(unflushed)
    with after.workspace("x") as space:
        (space / "root").mkdir()
        kept = after.adopt(space / "root", unflushed)
    assert after.get(unflushed) == kept
    assert list(kept.iterdir()) == []
    assert store.trees.get(later) is None


def test_describing_sees_what_the_kernel_sees(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").write_bytes(b"12345")
    (tmp_path / os.fsdecode(b"\xff")).symlink_to("nowhere")
    facts = describe(tmp_path)
    assert (facts.entries, facts.size) == (4, 5)
    assert describe(tmp_path) == facts
    os.utime(tmp_path / "a" / "file", (1, 1))
    assert describe(tmp_path).fingerprint != facts.fingerprint


# --- images and facts ---


def test_images_are_found_by_name_tag_and_digest(store: Store) -> None:
    slim = put_image(store, "3.13.15-slim-trixie", tags=("3.13-slim", "3-slim"))
    full = put_image(store, "3.13.15-trixie", tags=("3.13", "latest"))
    assert store.images.all() == [slim, full]
    assert store.images.find("3-slim") == [slim]
    assert store.images.find("3.13.15-trixie") == [full]
    assert store.images.find(str(full.manifest)) == [full]
    assert store.images.find(full.manifest.short) == [full]
    assert store.images.find(full.manifest.hex[:6]) == []
    assert store.images.get("3.13.15-trixie", ARM64) is None


def test_an_image_without_its_manifest_is_no_image(store: Store) -> None:
    image = put_image(store, "3.13")
    store.blobs.remove(image.manifest)
    assert store.images.get("3.13", AMD64) is None


def test_index_json_names_each_image_once(store: Store) -> None:
    put_image(store, "3.13", tags=("latest",))
    put_image(store, "3.13", platform=ARM64, tags=("latest",))
    entries = json.loads(store.layout.index.read_text())["manifests"]
    named = {entry["annotations"]["org.opencontainers.image.ref.name"]: entry["platform"] for entry in entries}
    arm = {"os": "linux", "architecture": "arm64", "variant": "v8"}
    assert named == {
        "3.13": {"os": "linux", "architecture": "amd64"},
        "latest": {"os": "linux", "architecture": "amd64"},
        f"3.13@{ARM64}": arm,
        f"latest@{ARM64}": arm,
    }


def test_a_rebuilt_image_takes_the_name(store: Store) -> None:
    first = put_image(store, "3.13")
    second = replace(first, manifest=put(store, b"{}"), finished=first.finished + 5)
    store.images.put(second)
    assert store.images.all() == [second]
    store.images.remove([first])
    assert store.images.all() == [second], "only that very build was to be forgotten"


def test_facts_are_kept_by_scope(store: Store) -> None:
    seen, other = store.facts("seen"), store.facts("other")
    seen.put("trixie", "2026-08-01")
    assert seen.get("trixie") == "2026-08-01"
    assert other.get("trixie") is None
    seen.put("trixie", "2026-07-01")
    assert seen.all() == {"trixie": "2026-07-01"}


def test_what_must_not_go_back_does_not(store: Store) -> None:
    seen = store.facts("seen")
    assert seen.put_larger("trixie", "2026-08-01T00:00:00Z") == "2026-08-01T00:00:00Z"
    assert seen.put_larger("trixie", "2026-07-01T00:00:00Z") == "2026-08-01T00:00:00Z"
    assert seen.put_larger("trixie", "2026-09-01T00:00:00Z") == "2026-09-01T00:00:00Z"
    assert seen.get("trixie") == "2026-09-01T00:00:00Z"


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    store.facts("a").put("name", "before")

    def change_and_fail() -> None:
        with store.database.writing() as connection:
            connection.execute("UPDATE facts SET value = 'after'")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert store.facts("a").get("name") == "before"
    with sqlite3.connect(store.layout.database) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
