# SPDX-License-Identifier: Apache-2.0
"""Unpacking many packages at once: safe, in any order, as dpkg would have done it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewright.engine.unpack import Unpacked, Unpacker
from imagewright.errors import BuildError, VerificationError
from imagewright.model.packages import LockedPackage
from imagewright.recipes.pathrules import PathRules
from support.debs import make_ar
from support.root_helpers import Packages, listing, owned_by_anyone


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "debs")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    path.mkdir()
    return path


def unpack(
    unpacker: Unpacker, packages: Packages, jobs: int = 2, **diversions: tuple[str, str]
) -> tuple[Unpacked, ...]:
    locked = packages.locked()
    return unpacker.unpack(
        locked, lambda package: packages.blobs.open(package.sha256), diversions=diversions, jobs=jobs
    )


def test_files_links_modes_and_times(root: Path, packages: Packages) -> None:
    packages.add(
        "a",
        files={"usr/bin/su": "root", "etc/a.conf": "x=1"},
        links={"usr/lib/liba.so": "liba.so.1"},
        modes={"usr/bin/su": 0o4755, "etc": 0o700},
        scripts={"conffiles": "/etc/a.conf\n"},
    )
    (done,) = unpack(Unpacker(root), packages)
    assert listing(root) == {
        "etc": "drwx------",
        "etc/a.conf": "-rw-r--r--",
        "usr": "drwxr-xr-x",
        "usr/bin": "drwxr-xr-x",
        "usr/bin/su": "-rwsr-xr-x",
        "usr/lib": "drwxr-xr-x",
        "usr/lib/liba.so": "lrwxrwxrwx -> liba.so.1",
    }
    assert done.listed[:3] == ("/.", "/etc", "/etc/a.conf")
    assert done.conffiles == (("/etc/a.conf", hashlib.md5(b"x=1").hexdigest()),)
    assert done.newest == 1_700_000_000
    for path in root.rglob("*"):
        assert path.lstat().st_mtime == 1_700_000_000


def test_owners_are_those_of_the_package(
    root: Path, packages: Packages, owners: dict[str, tuple[int, int]], tmp_path: Path
) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for name, kind, gid in (("./mail", tarfile.DIRTYPE, 8), ("./mail/x", tarfile.REGTYPE, 42)):
            info = tarfile.TarInfo(name)
            info.type, info.uid, info.gid, info.mode = kind, 1, gid, 0o2775
            archive.addfile(info)
    add_raw(packages, tmp_path, data.getvalue())
    unpack(Unpacker(root), packages)
    assert owners[str(root / "mail")] == (1, 8)
    assert owners[str(root / "mail/x")] == (1, 42)


def add_raw(packages: Packages, directory: Path, data: bytes, name: str = "raw") -> None:
    control = io.BytesIO()
    text = f"Package: {name}\nVersion: 1\nArchitecture: all\n".encode()
    with tarfile.open(fileobj=control, mode="w") as archive:
        info = tarfile.TarInfo("./control")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    path = directory / f"{name}.deb"
    path.write_bytes(make_ar({"debian-binary": b"2.0\n", "control.tar": control.getvalue(), "data.tar": data}))
    packages.paths.append(path)


def test_hard_links_stay_links(root: Path, packages: Packages, tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("./a"))
        link = tarfile.TarInfo("./b")
        link.type, link.linkname = tarfile.LNKTYPE, "./a"
        archive.addfile(link)
    add_raw(packages, tmp_path, data.getvalue())
    unpack(Unpacker(root), packages)
    assert (root / "a").stat().st_ino == (root / "b").stat().st_ino


def test_merged_directories_are_followed_beneath_the_root(root: Path, packages: Packages) -> None:
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "abs").symlink_to("/usr/lib")
    packages.add("a", files={"lib/x86_64/liba.so.1": "a", "abs/b": "b"}, links={"lib/liba.so": "liba.so.1"})
    unpack(Unpacker(root), packages)
    assert (root / "usr/lib/x86_64/liba.so.1").read_text() == "a"
    assert (root / "usr/lib/b").read_text() == "b"
    assert (root / "usr/lib/liba.so").is_symlink()
    assert (root / "lib").is_symlink()


@pytest.mark.parametrize("target", ["/", "../../..", "..", "/../../x", "../outside", "/proc/self/cwd/.."])
def test_links_cannot_lead_out(root: Path, packages: Packages, target: str, tmp_path: Path) -> None:
    (root / "way").symlink_to(target)
    packages.add("a", files={"way/planted": "x", "way/down/planted": "x"})
    before = set(tmp_path.iterdir())
    unpack(Unpacker(root), packages)
    assert set(tmp_path.iterdir()) - before <= {tmp_path / "debs"}
    assert not Path("/planted").exists()
    assert len(list(root.rglob("planted"))) == 2


def test_links_in_a_circle_end(root: Path, packages: Packages) -> None:
    (root / "x").symlink_to("y")
    (root / "y").symlink_to("x")
    packages.add("a", files={"x/f": ""})
    with pytest.raises(BuildError, match="too many symbolic links"):
        unpack(Unpacker(root), packages)


def test_a_link_that_a_package_ships_is_not_followed_by_another(root: Path, packages: Packages) -> None:
    packages.add("a", links={"opt/x": "/etc"})
    packages.add("b", files={"opt/x/passwd": "evil"})
    with pytest.raises(BuildError, match="symbolic link in a_1_amd64"):
        unpack(Unpacker(root), packages)
    assert not (root / "etc").exists()


def test_file_where_a_directory_is_needed(root: Path, packages: Packages) -> None:
    (root / "x").write_text("file")
    packages.add("a", files={"x/f": ""})
    with pytest.raises(BuildError, match="not a directory"):
        unpack(Unpacker(root), packages)


def test_directory_where_a_file_is_shipped(root: Path, packages: Packages) -> None:
    (root / "x").mkdir()
    packages.add("a", files={"x": ""})
    with pytest.raises(BuildError, match="is a directory"):
        unpack(Unpacker(root), packages)


def test_files_without_an_owner_give_way_and_directories_are_left_alone(root: Path, packages: Packages) -> None:
    (root / "etc").mkdir(mode=0o711)
    (root / "etc/x").write_text("left by a script")
    (root / "etc/l").write_text("left by a script")
    packages.add("a", files={"etc/x": "shipped"}, links={"etc/l": "x"})
    unpack(Unpacker(root), packages)
    assert (root / "etc/x").read_text() == "shipped"
    assert (root / "etc/l").readlink() == Path("x")
    assert (root / "etc").stat().st_mode & 0o777 == 0o711


def test_two_packages_with_one_file(root: Path, packages: Packages) -> None:
    packages.add("a", files={"f": "a"})
    packages.add("b", files={"f": "b"})
    with pytest.raises(BuildError, match=r"/f is in a_1_amd64 and in b_1_amd64"):
        unpack(Unpacker(root), packages)


@pytest.mark.parametrize(
    ("first", "second", "content"),
    [
        ({}, {"Replaces": "a"}, "b"),
        ({"Replaces": "b"}, {}, "a"),
        ({}, {"Replaces": "x, a (<< 2)"}, "b"),
        ({"Provides": "virtual"}, {"Replaces": "virtual"}, "b"),
    ],
)
@pytest.mark.parametrize("jobs", [1, 3])
def test_replaces_decides(
    root: Path, packages: Packages, first: dict[str, str], second: dict[str, str], content: str, jobs: int
) -> None:
    packages.add("a", files={"d/f": "a", "d/a": ""}, fields=first)
    packages.add("b", files={"d/f": "b", "d/b": ""}, fields=second)
    done = {each.package.name: each for each in unpack(Unpacker(root), packages, jobs)}
    assert (root / "d/f").read_text() == content
    assert sorted(path.name for path in (root / "d").iterdir()) == ["a", "b", "f"]
    lists = {name: "/d/f" in each.listed for name, each in done.items()}
    assert lists == {"a": content == "a", "b": content == "b"}


def test_a_version_that_is_not_replaced(root: Path, packages: Packages) -> None:
    packages.add("a", "3", files={"f": "a"})
    packages.add("b", files={"f": "b"}, fields={"Replaces": "a (<< 2)"})
    with pytest.raises(BuildError, match="neither replaces the other"):
        unpack(Unpacker(root), packages)


def test_rules_leave_files_out_but_not_off_the_list(root: Path, packages: Packages) -> None:
    packages.add("a", files={"usr/share/man/a.1": "", "usr/share/doc/a/copyright": "", "usr/share/doc/a/NEWS": ""})
    rules = PathRules(("/usr/share/man/*", "/usr/share/doc/*"), ("/usr/share/doc/*/copyright",))
    (done,) = unpack(Unpacker(root, rules=rules), packages)
    assert sorted(listing(root)) == [
        "usr", "usr/share", "usr/share/doc", "usr/share/doc/a", "usr/share/doc/a/copyright", "usr/share/man",
    ]  # fmt: skip
    assert "/usr/share/man/a.1" in done.listed


def test_diversions(root: Path, packages: Packages) -> None:
    packages.add("a", files={"bin/sh": "a"})
    packages.add("b", files={"bin/sh": "b"}, links={"bin/l": "sh"})
    unpack(Unpacker(root), packages, **{"bin/sh": ("bin/sh.distrib", "b"), "bin/l": ("bin/l2", "a")})
    assert {path.name for path in (root / "bin").iterdir()} == {"sh", "sh.distrib", "l2"}
    assert (root / "bin/sh").read_text() == "b"


def test_above_a_root(root: Path, packages: Packages, tmp_path: Path) -> None:
    lower = tmp_path / "lower"
    (lower / "usr/lib").mkdir(parents=True)
    (lower / "usr").chmod(0o711)
    (lower / "lib").symlink_to("usr/lib")
    (lower / "usr/lib/old").write_text("")
    packages.add("a", files={"lib/new": "x", "fresh/f": ""}, links={"lib/l": "new"})
    unpack(Unpacker(root, (lower,)), packages)
    assert listing(root) == {
        "fresh": "drwxr-xr-x",
        "fresh/f": "-rw-r--r--",
        "usr": "drwx--x--x",
        "usr/lib": "drwxr-xr-x",
        "usr/lib/l": "lrwxrwxrwx -> new",
        "usr/lib/new": "-rw-r--r--",
    }
    packages.paths.clear()
    packages.add("b", files={"lib/old": "hides"})
    with pytest.raises(BuildError, match="belongs to the root below"):
        unpack(Unpacker(root, (lower,)), packages)


def test_a_package_must_be_the_one_that_is_locked(root: Path, packages: Packages) -> None:
    packages.add("a")
    (locked,) = packages.locked()
    other = LockedPackage("a", "2", "amd64", "a", "2", 1, locked.sha256, "p", "x")
    with pytest.raises(VerificationError, match="a_2_amd64 says it is a_1_amd64"):
        Unpacker(root).unpack([other], lambda each: packages.blobs.open(each.sha256), diversions={}, jobs=1)


TREES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.sets(st.sampled_from(["d/e/f", "d/e/g", "d/h", "i", "j/k", "d/l/m"]), min_size=1),
    min_size=1,
)


@given(TREES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_result_does_not_depend_on_threads(
    tmp_path_factory: pytest.TempPathFactory, trees: dict[str, set[str]]
) -> None:
    base = tmp_path_factory.mktemp("threads")
    packages = Packages(base)
    for order, (name, paths) in enumerate(sorted(trees.items())):
        packages.add(
            name,
            files={f"{path}.{name}": name for path in sorted(paths)},
            modes={"d": 0o700 + order, "d/e": 0o710 + order},
        )
    seen = set()
    for jobs in (1, 2, 4):
        root = base / f"root{jobs}"
        root.mkdir()
        done = unpack(Unpacker(root), packages, jobs)
        seen.add((str(listing(root)), str([each.listed for each in done]), root.stat().st_mode))
    assert len(seen) == 1
