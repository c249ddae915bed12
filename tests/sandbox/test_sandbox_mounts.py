# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.sandbox.mounts import Bind, Operation, Proc, Protect, Tmpfs, arrange, cover, operations_for
from imagewright.sandbox.request import BindRequest, Request
from imagewright.sandbox.root import make_point, missing_points


def targets(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.target for operation in operations]


def test_what_lies_in_another_comes_after_it() -> None:
    mixed = [Bind("/run/lock/x", "/x"), Protect("/proc/sys"), Tmpfs("/run"), Proc("/proc"), Tmpfs("/run-on")]
    assert targets(arrange(mixed)) == ["/proc", "/proc/sys", "/run", "/run/lock/x", "/run-on"]


@given(st.integers(0, 1000))
def test_the_order_given_does_not_matter(seed: int) -> None:
    operations = list(operations_for(Request(argv=("x",), plain="/", tmpfs=("/tmp/a", "/tmp"))))
    shuffled = operations[:]
    random.Random(seed).shuffle(shuffled)
    assert arrange(shuffled) == tuple(operations)


def test_redundant_operations_are_dropped() -> None:
    kept = arrange(
        [
            Tmpfs("/run"),
            Tmpfs("/run"),
            Bind("/srv", "/in"),
            Bind("/srv/deep", "/in/deep"),  # is seen through the first already
            Bind("/srv/other", "/in/other", writable=True),  # is not: there it is read only
            Bind("/srv/moved", "/in/deep"),  # is not: there it has another name
        ]
    )
    assert targets(kept) == ["/run", "/srv", "/srv/moved", "/srv/other"]


def test_two_things_in_one_place_are_an_error_naming_both() -> None:
    with pytest.raises(ValueError, match=r"bind /a on /x, read only; bind /b on /x$"):
        arrange([Bind("/x", "/a"), Bind("/x", "/b", writable=True)])
    with pytest.raises(ValueError, match="two mounts in one place"):
        operations_for(Request(argv=("x",), plain="/", tmpfs=("/a",), binds=(BindRequest("/etc", "/a"),)))


def test_cover_is_the_innermost() -> None:
    known = {each.target: each for each in (Tmpfs("/a"), Tmpfs("/a/b"), Tmpfs("/a/bc"))}
    assert cover("/a/b/c", known) == Tmpfs("/a/b")
    assert cover("/a/x", known) == Tmpfs("/a")
    assert cover("/a", known) is None
    assert cover("/ab", known) is None


def test_a_run_has_its_own_proc_dev_run_and_an_empty_sys() -> None:
    operations = {each.target: each for each in operations_for(Request(argv=("x",), plain="/"))}
    assert operations["/sys"] == Tmpfs("/sys", 0o555, read_only=True)
    assert {"/proc", "/proc/sys", "/proc/kcore", "/dev", "/dev/null", "/dev/pts", "/dev/shm", "/run"} <= set(
        operations
    )
    devices = [each for each in operations.values() if isinstance(each, Bind)]
    assert all(each.device and each.source == each.target for each in devices)
    assert operations["/dev/shm"] == Tmpfs("/dev/shm", 0o1777)


def test_descriptions_are_for_people() -> None:
    assert Bind("/in", "/srv/a").describe() == "bind /srv/a on /in, read only"
    assert Bind("/out", "/srv/b", writable=True).describe() == "bind /srv/b on /out"
    assert Tmpfs("/tmp").describe() == "mount tmpfs on /tmp"
    assert Proc("/proc").describe() == "mount proc on /proc"


def test_missing_points_are_those_no_layer_has(tmp_path: Path) -> None:
    for path in ("top/proc", "top/sys", "top/run", "low/dev", "upper/inputs"):
        (tmp_path / path).mkdir(parents=True)
    request = Request(
        argv=("x",),
        lower=(str(tmp_path / "top"), str(tmp_path / "low")),
        upper=str(tmp_path / "upper"),
        work=str(tmp_path / "work"),
        binds=(BindRequest("/etc", "/inputs"), BindRequest("/etc", "/deep/out"), BindRequest("/etc", "/run/x")),
    )
    assert [each.target for each in missing_points(request, operations_for(request))] == ["/deep/out"]


def test_mount_points_are_made_with_their_parents(tmp_path: Path) -> None:
    base = str(tmp_path)
    assert make_point(f"{base}/a/b", is_directory=True) == [f"{base}/a", f"{base}/a/b"]
    assert make_point(f"{base}/a/file", is_directory=False) == [f"{base}/a/file"]
    assert make_point(f"{base}/a/b", is_directory=True) == []
    assert (tmp_path / "a/b").is_dir()
    assert (tmp_path / "a/file").is_file()
