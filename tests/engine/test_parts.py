# SPDX-License-Identifier: Apache-2.0
"""Splitting an install tree: the parts are disjoint and together the whole, with all that a file has."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.engine.context import Outcome, StepContext, StepLog
from imagewright.engine.materialise import image_root
from imagewright.engine.packing import LayerBlob
from imagewright.engine.parts import merge_trees, parts_left, split_tree
from imagewright.engine.steps.image import run_image
from imagewright.engine.steps.python import keep_parts
from imagewright.engine.trees import apply, scan
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import ImageConfiguration, PythonPart
from imagewright.model.plan import ImageWork, Step, StepKind, StepRecord
from imagewright.model.ports import Ports
from imagewright.model.tree import Entry, Kind
from imagewright.oci.reader import read_layer
from imagewright.recipes.parts import part_of
from support.fake_sandbox import FakeSandbox
from support.fake_store import FakeBlobs, FakeClock, FakeSteps, FakeTrees

EPOCH = 1_700_000_000
LIBRARY = "usr/local/lib/python3.13"
FILES = {
    "usr/local/bin/python3.13": 0o755,
    "usr/local/bin/python3.13-config": 0o755,
    "usr/local/bin/pip": 0o755,
    "usr/local/include/python3.13/Python.h": 0o644,
    f"{LIBRARY}/os.py": 0o644,
    f"{LIBRARY}/__pycache__/os.cpython-313.pyc": 0o644,
    f"{LIBRARY}/__pycache__/turtle.cpython-313.pyc": 0o644,
    f"{LIBRARY}/idlelib/icons/a.png": 0o644,
    f"{LIBRARY}/site-packages/README.txt": 0o644,
    f"{LIBRARY}/ensurepip/_bundled/pip.whl": 0o600,
    "usr/lib/debug/.build-id/0a/1b.debug": 0o644,
}
LINKS = {"usr/local/bin/python": "python3.13", "usr/local/bin/python-config": "python3.13-config"}


def make(tree: Path) -> Path:
    for name, mode in FILES.items():
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        path.chmod(mode)
    for name, target in LINKS.items():
        (tree / name).symlink_to(target)
    (tree / "usr/local/share/empty").mkdir(parents=True)
    (tree / "usr/local/share").chmod(0o775)
    for entry in reversed(scan(tree).entries):
        os.utime(tree / entry.path, (EPOCH, EPOCH), follow_symlinks=False)
    os.utime(tree, (EPOCH, EPOCH))
    return tree


def states(tree: Path) -> dict[str, Entry]:
    return {entry.path: entry for entry in scan(tree).entries}


def test_the_parts_are_disjoint_and_together_the_whole(tmp_path: Path) -> None:
    whole = states(make(tmp_path / "tree"))
    parts = split_tree(tmp_path / "tree", tmp_path / "parts")
    assert set(parts) == set(PythonPart)
    seen: dict[str, Entry] = {}
    for part, place in parts.items():
        for path, entry in states(place).items():
            if entry.kind is Kind.DIRECTORY:
                assert entry == whole[path]
            else:
                assert path not in seen, part
                assert part_of(path) is part
            seen[path] = entry
    assert seen == whole


def test_a_part_has_no_directories_of_others(tmp_path: Path) -> None:
    make(tmp_path / "tree")
    parts = split_tree(tmp_path / "tree", tmp_path / "parts")
    interpreter = states(parts[PythonPart.INTERPRETER])
    assert "usr/local/share/empty" in interpreter
    assert "usr/local/include" not in interpreter
    assert "usr/lib/debug" not in interpreter
    assert f"{LIBRARY}/site-packages" in interpreter


def test_hard_links_across_parts_become_files(tmp_path: Path) -> None:
    tree = make(tmp_path / "tree")
    (tree / "usr/local/bin/pip3").hardlink_to(tree / "usr/local/bin/python3.13")
    parts = split_tree(tree, tmp_path / "parts")
    for part, name in ((PythonPart.INTERPRETER, "python3.13"), (PythonPart.INSTALLERS, "pip3")):
        assert states(parts[part])[f"usr/local/bin/{name}"].kind is Kind.FILE


def test_merging_refuses_what_both_have(tmp_path: Path) -> None:
    make(tmp_path / "a")
    for name in ("b", "c"):
        (tmp_path / name / "usr/share/gdb").mkdir(parents=True)
        (tmp_path / name / "usr/share/gdb/x.py").write_text(name)
    merge_trees(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a/usr/share/gdb/x.py").read_text() == "b"
    with pytest.raises(BuildError, match=r"x\.py is both"):
        merge_trees(tmp_path / "a", tmp_path / "c")


NAMES = st.sampled_from([*FILES, *LINKS])


@settings(deadline=None, max_examples=40)
@given(st.sets(NAMES, min_size=1))
def test_any_tree_comes_together_again(names: set[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        whole = make(place / "tree")
        for name in {*FILES, *LINKS} - names:
            (whole / name).unlink()
        before = {path: replace(entry, mtime=0) for path, entry in states(whole).items()}
        again = place / "again"
        again.mkdir()
        for part in split_tree(whole, place / "parts").values():
            merge_trees(again, part)
        assert {path: replace(entry, mtime=0) for path, entry in states(again).items()} == before


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    for name in ("blobs", "trees"):
        (tmp_path / name).mkdir()
    blobs = FakeBlobs(tmp_path / "blobs")
    return Ports(
        clock=FakeClock(),
        fetcher=None,  # type: ignore[arg-type] # no step may fetch
        blobs=blobs,
        steps=FakeSteps(blobs),
        trees=FakeTrees(tmp_path / "trees"),
        sandbox=FakeSandbox(),
    )


def record(step: Step, outcome: Outcome, ports: Ports) -> StepRecord:
    made = StepRecord(step.id, step.kind, step.name, outcome.outputs, outcome.facts, 0.0, 0)
    ports.steps.put(made)
    return made


def context(step: Step, ports: Ports, workspace: Path, **needs: StepRecord) -> StepContext:
    workspace.mkdir()
    log = StepLog(step, workspace / "log", io.BytesIO(), lambda _: None)
    return StepContext(step, needs, ports, workspace, log, 1)


def image(name: str, parts: tuple[PythonPart, ...]) -> Step:
    work = ImageWork(name, "linux/amd64", ImageConfiguration((), ("python3",)), 0, parts)
    return Step(Digest.of(name.encode()), StepKind.IMAGE, f"image {name}", work)


def test_variants_share_the_interpreters_blob_and_trees_are_what_layers_unpack_to(
    ports: Ports, tmp_path: Path
) -> None:
    step = Step(Digest.of(b"python"), StepKind.PYTHON, "python 3.13.15 trixie", image("", ()).work)
    compiling = context(step, ports, tmp_path / "compile")
    outcome = keep_parts(make(compiling.workspace / "tree"), compiling, epoch=EPOCH)
    python = record(step, outcome, ports)
    other = record(replace(step, id=Digest.of(b"other"), name="runtime x"), _empty(ports, tmp_path), ports)
    layers = {}
    for name, parts in (
        ("full", tuple(PythonPart)),
        ("slim", tuple(part for part in PythonPart if part is not PythonPart.DEBUG)),
        ("minimal", (PythonPart.INTERPRETER,)),
    ):
        assert parts_left(python, parts) == parts
        needs = {"python": python, "base": other, "runtime": other}
        made = record(
            image(name, parts), run_image(context(image(name, parts), ports, tmp_path / name, **needs)), ports
        )
        layers[name] = [digest for key, digest in sorted(made.outputs) if key.startswith("layer")]
        assert len(layers[name]) == len(parts) + 3
        trees = image_root(made, ports)
        assert len(trees) == len(parts) + 2
        merged: dict[str, Entry] = {}
        for tree in reversed(trees):
            merged |= states(tree)
        root = tmp_path / f"{name}-root"
        root.mkdir()
        for digest in layers[name]:
            with ports.blobs.open(digest) as file:
                apply(read_layer(file), root)
        assert states(root) == merged
        assert all(part_of(path) in parts for path, entry in merged.items() if entry.kind is not Kind.DIRECTORY)
    blob = LayerBlob.of(python, PythonPart.INTERPRETER).digest
    assert all(layers[name][2] == blob for name in layers)


def _empty(ports: Ports, place: Path) -> Outcome:
    """What a step leaves that adds nothing."""
    from imagewright.engine.packing import pack

    (place / "nothing").mkdir()
    ports.trees.adopt(place / "nothing", Digest.of(b"other"))
    packed = [pack(name, (), ports.blobs, epoch=EPOCH, jobs=1) for name in ("layer", "state")]
    return Outcome(
        tuple(layer.output() for layer in packed), tuple(fact for layer in packed for fact in layer.facts())
    )
