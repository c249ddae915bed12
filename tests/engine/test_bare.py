# SPDX-License-Identifier: Apache-2.0
"""Bare roots: unpacked, nothing run, and a package database that scanners read."""

from __future__ import annotations

import hashlib
import stat
from pathlib import Path

import pytest

from imagewright.engine.bare import BareRoot, assemble_bare, extend_bare
from imagewright.engine.roots import ExtendedRoot, Machine
from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import RootKind
from imagewright.model.plan import RootWork
from imagewright.model.site import Account, LocalFile
from imagewright.recipes import bare as recipe
from imagewright.recipes.pathrules import PathRules
from support.root_helpers import FakeDpkg, Packages, listing, owned_by_anyone

RULES = PathRules(("/usr/share/doc/*",), ("/usr/share/doc/*/copyright",))
LIBRARY = b"\x7fELF"


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


@pytest.fixture
def sandbox() -> FakeDpkg:
    return FakeDpkg()


def _md5(data: bytes | str) -> str:
    content = data if isinstance(data, bytes) else data.encode()
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def add(packages: Packages, name: str, files: dict[str, bytes | str], **options: object) -> None:
    sums = "".join(f"{_md5(data)}  {path}\n" for path, data in files.items())
    licence = {f"usr/share/doc/{name}/copyright": "free", f"usr/share/doc/{name}/README": "read me"}
    packages.add(name, files={**files, **licence}, scripts={"md5sums": sums, "postinst": "exit 1"}, **options)


def assemble(
    packages: Packages,
    sandbox: FakeDpkg,
    workspace: Path,
    suite: str = "trixie",
    *,
    account: Account | None = None,
    certificates: tuple[LocalFile, ...] = (),
) -> BareRoot:
    workspace.mkdir()
    work = RootWork(
        suite=suite,
        architecture="amd64",
        packages=packages.locked(),
        files=recipe.FILES,
        exclude=RULES.exclude,
        include=RULES.include,
        layered=True,
        kind=RootKind.BARE,
        account=account,
        certificates=certificates,
    )
    machine = Machine(packages.blobs, sandbox, lambda data: None, 2)
    return assemble_bare(work, machine, workspace)


def extend(packages: Packages, sandbox: FakeDpkg, base: BareRoot, workspace: Path) -> ExtendedRoot:
    workspace.mkdir()
    machine = Machine(packages.blobs, sandbox, lambda data: None, 2)
    return extend_bare(packages.locked(), (base.tree,), machine, workspace, rules=RULES, epoch=base.epoch)


@pytest.fixture
def base(tmp_path: Path, sandbox: FakeDpkg) -> BareRoot:
    packages = Packages(tmp_path / "base-debs")
    add(
        packages,
        "base-files",
        {"usr/lib/os-release": "ID=debian\n", "usr/bin/tool": "#!/bin/sh\n", "etc/issue": "hello"},
    )
    add(
        packages,
        "ca-certificates",
        {
            "usr/share/ca-certificates/mozilla/b.crt": "B",
            "usr/share/ca-certificates/mozilla/a.crt": "A\n",
            "usr/sbin/update-ca-certificates": "#!/bin/sh\n",
        },
    )
    return assemble(packages, sandbox, tmp_path / "base")


def test_nothing_is_run(base: BareRoot, sandbox: FakeDpkg) -> None:
    assert sandbox.requests == []
    assert base.epoch


def test_what_only_scripts_and_people_need_is_gone(base: BareRoot) -> None:
    there = listing(base.tree)
    for gone in (
        "usr/bin/tool",
        "usr/sbin/update-ca-certificates",
        "etc/issue",
        "usr/share/doc/base-files/README",
    ):
        assert gone not in there
    assert "usr/lib/os-release" in there
    assert "usr/share/doc/base-files/copyright" in there
    assert "var/lib/dpkg/status" not in there
    assert (base.tree / "tmp").stat().st_mode & 0o7777 == 0o1777
    assert (base.tree / "usr/lib/ssl/cert.pem").readlink() == Path("/etc/ssl/certs/ca-certificates.crt")


def test_the_nonroot_user_owns_a_home(base: BareRoot, owners: dict[str, tuple[int, int]]) -> None:
    home = base.tree / "home/nonroot"
    assert owners[str(home)] == (recipe.NONROOT, recipe.NONROOT)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert f":{recipe.NONROOT}:" in (base.tree / "etc/passwd").read_text()


def test_certificates_become_one_file(base: BareRoot) -> None:
    assert (base.tree / recipe.BUNDLE).read_bytes() == b"A\nB\n"
    assert not list((base.tree / recipe.CERTIFICATES).rglob("*.crt"))


def _authority(packages: Packages, path: Path, data: bytes) -> LocalFile:
    path.write_bytes(data)
    digest = Digest.of(data)
    packages.blobs.paths[digest] = path
    return LocalFile(f"certificates/{path.name}", len(data), digest)


def test_authorities_of_ones_own_come_after_those_of_packages(sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "debs")
    add(packages, "ca-certificates", {"usr/share/ca-certificates/mozilla/z.crt": "Z\n"})
    own = (
        _authority(packages, tmp_path / "two.pem", b"2\n"),
        _authority(packages, tmp_path / "one.crt", b"1"),
    )
    root = assemble(packages, sandbox, tmp_path / "base", certificates=own)
    assert (root.tree / recipe.BUNDLE).read_bytes() == b"Z\n1\n2\n"
    place = root.tree / "usr/local/share/ca-certificates"
    assert {path.name: path.read_bytes() for path in place.iterdir()} == {"one.crt": b"1", "two.crt": b"2\n"}
    assert stat.S_IMODE((place / "one.crt").stat().st_mode) == 0o644
    again = assemble(packages, sandbox, tmp_path / "again", certificates=own[::-1])
    assert listing(again.tree) == listing(root.tree)


def test_a_user_of_ones_own_has_a_home(
    sandbox: FakeDpkg, tmp_path: Path, owners: dict[str, tuple[int, int]]
) -> None:
    packages = Packages(tmp_path / "debs")
    add(packages, "base-files", {"usr/lib/os-release": "ID=debian\n"})
    account = Account("app", 1234, 1235, "/srv/homes/app", "/sbin/nologin")
    root = assemble(packages, sandbox, tmp_path / "base", account=account)
    home = root.tree / "srv/homes/app"
    assert owners[str(home)] == (1234, 1235)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o755


def test_a_home_behind_a_link_is_refused(sandbox: FakeDpkg, tmp_path: Path) -> None:
    """``/var/run`` is a link to ``/run``: followed from outside, it would lead to this machine's own."""
    packages = Packages(tmp_path / "debs")
    add(packages, "base-files", {"usr/lib/os-release": "ID=debian\n"})
    with pytest.raises(BuildError, match="/var/run is a link"):
        assemble(packages, sandbox, tmp_path / "base", account=Account("app", 1, 1, "/var/run/app", "/x"))


def test_the_database_has_each_package_and_checksums_of_what_is_there(base: BareRoot) -> None:
    place = base.tree / recipe.STATUS
    assert sorted(path.name for path in place.iterdir()) == [
        "base-files",
        "base-files.md5sums",
        "ca-certificates",
        "ca-certificates.md5sums",
    ]
    lines = (place / "base-files").read_text().splitlines()
    assert lines[:3] == ["Package: base-files", "Status: install ok installed", "Version: 1"]
    assert "Maintainer: Test <test@example.org>" in lines
    sums = [line.split("  ")[1] for line in (place / "base-files.md5sums").read_text().splitlines()]
    assert sums == ["usr/lib/os-release"]


def test_the_tree_is_the_same_again(base: BareRoot, sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "base-debs")
    packages.paths = sorted((tmp_path / "base-debs").glob("*.deb"), reverse=True)
    again = assemble(packages, sandbox, tmp_path / "again")
    assert listing(again.tree) == listing(base.tree)
    assert all(path.lstat().st_mtime <= base.epoch for path in base.tree.rglob("*"))


def test_packages_are_added_without_a_shared_database(base: BareRoot, sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "debs")
    add(packages, "libz", {"usr/lib/libz.so.1": LIBRARY})
    root = extend(packages, sandbox, base, tmp_path / "more")
    paths = {entry.path for entry, _ in root.layer()}
    assert {"usr/lib/libz.so.1", f"{recipe.STATUS}/libz", f"{recipe.STATUS}/libz.md5sums"} <= paths
    assert not paths & {path for path in listing(base.tree) if not (base.tree / path).is_dir()}
    assert "busybox" not in paths


def test_checksums_are_kept_for_files_that_a_merged_directory_holds(sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "base-debs")
    add(packages, "base-files", {"usr/lib/os-release": "ID=debian\n"})
    base = assemble(packages, sandbox, tmp_path / "base", suite="bookworm")
    more = Packages(tmp_path / "debs")
    add(more, "libz", {"lib/libz.so.1": LIBRARY})
    root = extend(more, sandbox, base, tmp_path / "more")
    assert (root.upper / "usr/lib/libz.so.1").is_file()
    assert (root.upper / recipe.STATUS / "libz.md5sums").read_text().endswith("  lib/libz.so.1\n")


def test_busybox_brings_its_names(base: BareRoot, sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "debs")
    add(packages, recipe.BUSYBOX, {"usr/bin/busybox": LIBRARY, "usr/bin/other": LIBRARY})
    root = extend(packages, sandbox, base, tmp_path / "more")
    assert (root.upper / "busybox/sh").readlink() == Path("/usr/bin/busybox")
    assert (root.upper / "usr/bin/busybox").is_file()
    assert not (root.upper / "usr/bin/other").exists()


def test_a_file_of_the_base_is_not_replaced(base: BareRoot, sandbox: FakeDpkg, tmp_path: Path) -> None:
    packages = Packages(tmp_path / "debs")
    add(packages, "bad", {"etc/passwd": "root::0:0::/:/bin/sh\n"})
    with pytest.raises(BuildError, match="etc/passwd"):
        extend(packages, sandbox, base, tmp_path / "more")
