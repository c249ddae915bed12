# SPDX-License-Identifier: Apache-2.0
"""Trees as streams: what is read from a disk, and what is written to one."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewright.engine.trees import apply, entry_at, scan, walk
from imagewright.errors import BuildError, VerificationError
from imagewright.model.tree import Entry, Kind
from support.root_helpers import owned_by_anyone


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


def read(root: Path) -> list[tuple[Entry, bytes]]:
    return [(entry, content.read() if content is not None else b"") for entry, content in walk(root)]


def file(path: str, data: bytes = b"", **values: object) -> tuple[Entry, io.BytesIO]:
    return Entry(path, Kind.FILE, 0o644, size=len(data), **values), io.BytesIO(data)  # type: ignore[arg-type]


def test_sorted_by_bytes_with_links_to_the_first(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x").write_bytes(b"12")
    (tmp_path / "a-b").write_bytes(b"")
    (tmp_path / "Z").symlink_to("a/x")
    os.link(tmp_path / "a/x", tmp_path / "é")
    os.mkfifo(tmp_path / "pipe", 0o600)
    found = read(tmp_path)
    assert [(entry.path, entry.kind) for entry, _ in found] == [
        ("Z", Kind.SYMLINK),
        ("a", Kind.DIRECTORY),
        ("a-b", Kind.FILE),
        ("a/x", Kind.FILE),
        ("pipe", Kind.FIFO),
        ("é", Kind.HARDLINK),
    ]
    assert found[5][0].link == "a/x"
    assert found[3][1] == b"12"
    assert found[0][0].link == "a/x"


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))).write_bytes(b"x")
    ((entry, content),) = read(tmp_path)
    assert entry.path.encode("utf-8", "surrogateescape") == b"\xff\xfe"
    assert content == b"x"


def test_sockets_have_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mknod("s", 0o140644)  # a socket file, which needs no privilege
    with pytest.raises(BuildError, match="is a socket"):
        scan(tmp_path)


def test_extended_attributes(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"")
    try:
        os.setxattr(tmp_path / "f", "user.note", b"1")
        os.setxattr(tmp_path / "f", "user.overlay.origin", b"1")
    except OSError:
        pytest.skip("this file system has no user attributes")
    assert entry_at(tmp_path, "f") == scan(tmp_path).entries[0]
    assert scan(tmp_path).entries[0].xattrs == (("user.note", b"1"),)
    target = tmp_path / "out"
    target.mkdir()
    apply([(Entry("f", Kind.FILE, 0o644, xattrs=(("user.note", b"1"),)), io.BytesIO())], target)
    assert os.getxattr(target / "f", "user.note") == b"1"


def test_entry_at(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"123")
    found = entry_at(tmp_path, "f")
    assert found is not None
    assert (found.kind, found.size) == (Kind.FILE, 3)
    assert entry_at(tmp_path, "g") is None
    assert entry_at(tmp_path, "f/g") is None


def test_layers_add_up(tmp_path: Path, owners: dict[str, tuple[int, int]]) -> None:
    directory = Entry("etc", Kind.DIRECTORY, 0o750, uid=1, gid=2, mtime=5)
    apply([(directory, None), file("etc/a", b"a", mtime=7)], tmp_path)
    apply(
        [
            (directory, None),
            file("etc/b", b"b", mtime=8),
            (Entry("etc/h", Kind.HARDLINK, 0o644, link="etc/a"), None),
        ],
        tmp_path,
    )
    assert (tmp_path / "etc/h").stat().st_ino == (tmp_path / "etc/a").stat().st_ino
    assert (tmp_path / "etc").stat().st_mode & 0o7777 == 0o750
    assert (tmp_path / "etc").stat().st_mtime == 5
    assert (tmp_path / "etc/b").stat().st_mtime == 8
    assert owners[str(tmp_path / "etc")] == (1, 2)


@pytest.mark.parametrize(
    "entries",
    [
        [file("../x")],
        [file("/x")],
        [file("a/../x")],
        [file("a//x")],
        [file("a\0")],
        [(Entry("l", Kind.SYMLINK, 0o777, link="/tmp"), None), file("l/x")],
        [(Entry("l", Kind.SYMLINK, 0o777, link="/tmp"), None), (Entry("l", Kind.DIRECTORY, 0o777), None)],
        [file("a"), file("a")],
        [file("a"), (Entry("a", Kind.SYMLINK, 0o777, link="x"), None)],
        [file("a"), file("a/b")],
        [(Entry("n", Kind.CHARACTER, 0o666, device=(1, 3)), None)],
        [(Entry("n", Kind.BLOCK, 0o666, device=(8, 0)), None)],
        [(Entry("h", Kind.HARDLINK, 0o644, link="../../etc/passwd"), None)],
        [
            (Entry("l", Kind.SYMLINK, 0o777, link="/etc"), None),
            (Entry("h", Kind.HARDLINK, 0o644, link="l/passwd"), None),
        ],
        [file("etc/.wh.passwd")],
        [(Entry("short", Kind.FILE, 0o644, size=5), io.BytesIO(b"1"))],
        [(Entry("long", Kind.FILE, 0o644, size=1), io.BytesIO(b"12345"))],
    ],
)
def test_refuses(tmp_path: Path, entries: list[tuple[Entry, io.BytesIO | None]]) -> None:
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(VerificationError):
        apply(entries, target)
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_bounded(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="more than 2"):
        apply((file(f"{number}") for number in range(3)), tmp_path, most=2)


NAMES = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in {".", ".."} and not name.startswith(".wh.") and len(name.encode()) < 200)


@given(
    st.dictionaries(
        st.tuples(NAMES, NAMES).map("/".join),
        st.tuples(st.binary(max_size=50), st.integers(0o400, 0o777)),
        max_size=8,
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, tuple[bytes, int]]
) -> None:
    root = tmp_path_factory.mktemp("round")
    entries = [
        (Entry(path, Kind.FILE, mode | 0o400, size=len(data), mtime=9), io.BytesIO(data))
        for path, (data, mode) in files.items()
    ]
    apply(entries, root)
    found = {entry.path: (content, entry.mode) for entry, content in read(root) if entry.kind is Kind.FILE}
    assert found == {path: (data, mode | 0o400) for path, (data, mode) in files.items()}
    copy = tmp_path_factory.mktemp("copy")
    apply(walk(root), copy)
    assert [(entry.path, entry.mode, content) for entry, content in read(copy)] == [
        (entry.path, entry.mode, content) for entry, content in read(root)
    ]
