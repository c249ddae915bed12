# SPDX-License-Identifier: Apache-2.0
"""Assembling roots: waves, dpkg's database, normalising, and what may lie above a root."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from imagewright.engine import dpkg
from imagewright.engine.normalise import normalise, now_on
from imagewright.engine.overlays import Overlay
from imagewright.engine.roots import AssembledRoot, ExtendedRoot, Machine, assemble_root, extend_root
from imagewright.errors import BuildError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import RootWork
from imagewright.model.sandboxing import OverlayRoot, PlainRoot
from imagewright.model.tree import Kind
from imagewright.recipes.pathrules import PathRules
from support.root_helpers import FakeDpkg, Packages, owned_by_anyone

PREINST = {"preinst": "#!/bin/sh\ntouch /done\n"}


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "debs")


def machine(packages: Packages, sandbox: FakeDpkg) -> Machine:
    return Machine(packages.blobs, sandbox, lambda data: None, 2)  # type: ignore[arg-type]


def work(packages: tuple[LockedPackage, ...], **values: object) -> RootWork:
    defaults = {
        "suite": "trixie",
        "architecture": "amd64",
        "packages": packages,
        "files": (),
        "exclude": (),
        "include": (),
        "layered": True,
    }
    return RootWork(**{**defaults, **values})  # type: ignore[arg-type]


def assemble(
    packages: Packages, workspace: Path, sandbox: FakeDpkg | None = None, **values: object
) -> AssembledRoot:
    workspace.mkdir(exist_ok=True)
    return assemble_root(work(packages.locked(), **values), machine(packages, sandbox or FakeDpkg()), workspace)


def essential(packages: Packages, name: str = "base", **options: object) -> None:
    packages.add(name, fields={"Essential": "yes"}, **options)


def test_one_wave_for_essential_packages(packages: Packages, tmp_path: Path) -> None:
    essential(packages, "base-passwd", scripts=PREINST)
    essential(packages, "base-files", scripts=PREINST)
    essential(packages, "bash", files={"bin/bash": ""}, scripts=PREINST)
    packages.add("zlib", files={"lib/z": ""})
    staged: list[list[str]] = []
    sandbox = FakeDpkg()
    original = sandbox.run

    def run(request, output):  # type: ignore[no-untyped-def]
        directory = request.root.path / "var/lib/dpkg/imagewright.1"
        staged.append(sorted(path.name for path in directory.iterdir()))
        assert (directory / "0000_base-files_amd64/control").read_text().startswith("Package: base-files\n")
        assert os.access(directory / "0000_base-files_amd64/preinst", os.X_OK)
        return original(request, output)

    sandbox.run = run  # type: ignore[method-assign]
    root = assemble(packages, tmp_path / "w", sandbox)
    assert sandbox.plans == [[["preinst", "/var/lib/dpkg/imagewright.1"], ["configure"]]]
    assert staged == [["0000_base-files_amd64", "0001_base-passwd_amd64", "0002_bash_amd64"]]
    (request,) = sandbox.requests
    assert request.root == PlainRoot(root.tree)
    assert "/var/lib/dpkg/updates" in request.tmpfs
    assert not request.network
    assert dict(request.environment)["SOURCE_DATE_EPOCH"] == "1700000000"
    assert not (root.tree / "var/lib/dpkg/imagewright.1").exists()


def test_packages_with_a_preinst_wait_for_what_they_pre_depend_on(packages: Packages, tmp_path: Path) -> None:
    essential(packages, "bash")
    packages.add("tool", files={"usr/bin/tool": ""})
    packages.add(
        "late", files={"late": ""}, scripts=PREINST, fields={"Pre-Depends": "tool | other", "Depends": "bash"}
    )
    packages.add("later", files={"later": ""}, scripts=PREINST, fields={"Pre-Depends": "late (>= 1)"})
    packages.add("free", files={"free": ""}, scripts=PREINST, fields={"Depends": "later"})
    seen: list[set[str]] = []
    sandbox = FakeDpkg(
        lambda tree, plan: seen.append({path.name for path in tree.iterdir()} & {"late", "later", "free"})
    )
    assemble(packages, tmp_path / "w", sandbox)
    assert sandbox.plans == [
        [["configure", "bash"], ["configure", "tool"], ["preinst", "/var/lib/dpkg/imagewright.1"]],
        [["configure", "late"], ["preinst", "/var/lib/dpkg/imagewright.2"]],
        [["configure"]],
    ]
    assert seen == [set(), {"late", "free"}, {"late", "later", "free"}]


def test_circles_of_pre_depends_end(packages: Packages, tmp_path: Path) -> None:
    packages.add("a", scripts=PREINST, fields={"Pre-Depends": "b"})
    packages.add("b", scripts=PREINST, fields={"Pre-Depends": "a"})
    root = assemble(packages, tmp_path / "w")
    assert dpkg.states(root.tree) == {"a": "install ok installed", "b": "install ok installed"}


def test_database(packages: Packages, tmp_path: Path) -> None:
    essential(
        packages,
        "base",
        files={"etc/b.conf": "x", "usr/share/man/b": ""},
        scripts={
            "conffiles": "/etc/b.conf\nremove-on-upgrade /etc/old.conf\n",
            "postinst": "#!/bin/sh\n",
            "triggers": "interest-noawait /usr/share/fonts\ninterest cache\nactivate-noawait ldconfig\n",
            "md5sums": "",
        },
    )
    packages.add(
        "libz", files={"usr/lib/libz": ""}, fields={"Multi-Arch": "same"}, scripts={"triggers": "interest cache\n"}
    )
    admin = assemble(packages, tmp_path / "w", exclude=("/usr/share/man/*",)).tree / "var/lib/dpkg"
    assert sorted(path.name for path in (admin / "info").iterdir()) == [
        "base.conffiles", "base.list", "base.md5sums", "base.postinst", "base.triggers", "format",
        "libz:amd64.list", "libz:amd64.triggers",
    ]  # fmt: skip
    assert (admin / "info/base.list").read_text() == (
        "/.\n/etc\n/etc/b.conf\n/usr\n/usr/share\n/usr/share/man\n/usr/share/man/b\n"
    )
    assert (admin / "info/base.postinst").stat().st_mode & 0o777 == 0o755
    assert (admin / "info/base.list").stat().st_mode & 0o777 == 0o644
    assert (admin / "triggers/File").read_text() == "/usr/share/fonts base/noawait\n"
    assert (admin / "triggers/cache").read_text() == "base\nlibz:amd64\n"
    assert (admin / "arch").read_text() == "amd64\n"
    status = (admin / "status").read_text()
    assert status.startswith("Package: base\nStatus: install ok installed\nVersion: 1\n")
    conffiles = " /etc/b.conf 9dd4e461268c8034f5c8564e155c67a6\n /etc/old.conf newconffile remove-on-upgrade\n\n"
    assert f"Conffiles:\n{conffiles}" in status
    assert status.count("\n\n") == 2


def test_configuration_files_and_layout(packages: Packages, tmp_path: Path) -> None:
    essential(packages, files={"bin/sh": "", "lib/l": ""})
    files = (("etc/apt/apt.conf.d/x", "a\n"), ("usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n"))
    tree = assemble(packages, tmp_path / "w", suite="bookworm", files=files).tree
    assert (tree / "bin").readlink() == Path("usr/bin")
    assert (tree / "usr/bin/sh").is_file()
    assert (tree / "etc/apt/apt.conf.d/x").stat().st_mode & 0o777 == 0o644
    assert (tree / "usr/sbin/policy-rc.d").stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mtime for path in (tree / "etc").rglob("*")} == {1_700_000_000}


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "bin/x"])
def test_configuration_files_stay_inside(packages: Packages, tmp_path: Path, path: str) -> None:
    essential(packages, files={"bin/sh": ""})
    with pytest.raises(BuildError):
        assemble(packages, tmp_path / "w", suite="bookworm", files=((path, "x"),))


def test_two_assemblies_are_one(packages: Packages, tmp_path: Path) -> None:
    def scripts(tree: Path, plan: list[list[str]]) -> None:
        (tree / "etc").mkdir(exist_ok=True)
        (tree / "etc/made-by-script").write_text("x")
        (tree / "var/log").mkdir(parents=True, exist_ok=True)
        (tree / "var/log/dpkg.log").write_text(str(os.getpid()))
        (tree / "usr/bin/b").touch()

    essential(packages, "base", files={"usr/bin/b": "b", "usr/lib/x": "y"})
    packages.add("other", files={"usr/lib/z": ""})
    seen = set()
    for number in range(2):
        root = assemble(packages, tmp_path / f"w{number}", FakeDpkg(scripts))
        pairs = [*root.layer(), *root.state()]
        seen.add(tuple(entry for entry, _ in pairs))
        assert {entry.mtime for entry, _ in pairs} == {1_700_000_000}
        assert not (root.tree / "var/log/dpkg.log").exists()
    assert len(seen) == 1


def test_a_script_that_fails(packages: Packages, tmp_path: Path) -> None:
    essential(packages)
    with pytest.raises(BuildError, match="status 3") as caught:
        assemble(packages, tmp_path / "w", FakeDpkg(status=3))
    assert caught.value.details["replay"] == "replay"


def test_a_package_that_stays_unconfigured(packages: Packages, tmp_path: Path) -> None:
    def undo(tree: Path, plan: list[list[str]]) -> None:
        path = tree / "var/lib/dpkg/status"
        path.write_text(path.read_text().replace("ok installed", "ok half-configured"))

    essential(packages)
    with pytest.raises(BuildError, match="1 packages are not configured"):
        assemble(packages, tmp_path / "w", FakeDpkg(undo))


def test_malformed_relations_are_refused(packages: Packages, tmp_path: Path) -> None:
    packages.add("a", scripts=PREINST, fields={"Provides": "((("})
    packages.paths, paths = [], packages.paths
    packages.add("b")
    (locked,) = packages.locked()
    digest = Digest.of(paths[0].read_bytes())
    packages.blobs.paths[digest] = paths[0]
    bad = LockedPackage("a", "1", "amd64", "a", "1", 1, digest, "p", "x")
    (tmp_path / "w").mkdir()
    with pytest.raises(VerificationError, match="provides"):
        assemble_root(work((locked, bad)), machine(packages, FakeDpkg()), tmp_path / "w")


class Base:
    """A base root, and packages to add to it."""

    def __init__(self, packages: Packages, directory: Path) -> None:
        essential(
            packages,
            files={"etc/passwd": "root\n", "usr/bin/b": "b", "usr/share/fonts/x": "", "etc/keep": "k"},
            scripts={"triggers": "interest-noawait /usr/share/fonts\n"},
        )
        self.packages = packages
        self.directory = directory
        files = (("var/lib/apt/extended_states", "Package: base\n\n"),)
        self.root = assemble(packages, directory / "base", files=files)
        self.locked = packages.locked()
        packages.paths.clear()

    def extend(self, sandbox: FakeDpkg | None = None, automatic: tuple[str, ...] = ()) -> ExtendedRoot:
        workspace = self.directory / "extension"
        workspace.mkdir()
        locked = self.packages.locked(self.locked)
        return extend_root(
            locked,
            (self.root.tree,),
            machine(self.packages, sandbox or FakeDpkg()),
            workspace,
            architecture="amd64",
            rules=PathRules(("/usr/share/man/*",)),
            automatic=[package for package in locked if package.name in automatic],
            epoch=1_800_000_000,
        )


@pytest.fixture
def base(packages: Packages, tmp_path: Path) -> Base:
    return Base(packages, tmp_path)


def names(stream: object) -> dict[str, bytes | None]:
    return {entry.path: content.read() if content else None for entry, content in stream}  # type: ignore[attr-defined]


def test_packages_on_top(base: Base) -> None:
    base.packages.add(
        "late", files={"usr/share/fonts/new": ""}, scripts=PREINST, fields={"Pre-Depends": "base, lib"}
    )
    base.packages.add("lib", files={"usr/lib/lib": "l", "usr/share/man/lib.1": ""})
    sandbox = FakeDpkg()
    unincorporated: list[str] = []
    original = sandbox.run

    def run(request, output):  # type: ignore[no-untyped-def]
        path = request.root.upper / "var/lib/dpkg/triggers/Unincorp"
        unincorporated.append(path.read_text() if path.exists() else "")
        return original(request, output)

    sandbox.run = run  # type: ignore[method-assign]
    root = base.extend(sandbox, automatic=("lib",))
    assert sandbox.plans == [
        [["configure", "lib"], ["preinst", "/var/lib/dpkg/imagewright.1"]],
        [["configure"], ["libraries"]],
    ]
    assert unincorporated == ["", "/usr/share/fonts late\n"]
    assert isinstance(sandbox.requests[0].root, OverlayRoot)
    assert sandbox.requests[0].root.lower == (base.root.tree,)
    layer = names(root.layer())
    assert [path for path, content in layer.items() if content is not None] == [
        "usr/lib/lib", "usr/share/fonts/new", "var/lib/dpkg/info/late.list", "var/lib/dpkg/info/late.preinst",
        "var/lib/dpkg/info/lib.list",
    ]  # fmt: skip
    state = names(root.state())
    assert state["etc/passwd"] == b"root\n"
    assert state["var/lib/apt/extended_states"] == (
        b"Package: base\n\nPackage: lib\nArchitecture: amd64\nAuto-Installed: 1\n\n"
    )
    status = state["var/lib/dpkg/status"]
    assert status is not None
    assert [line for line in status.decode().splitlines() if line.startswith("Package")] == [
        "Package: base", "Package: lib", "Package: late",
    ]  # fmt: skip
    assert root.epoch == 1_700_000_000  # of the packages: an update of what lies below does not change the layer
    assert {entry.mtime for entry, _ in root.layer() if entry.kind is Kind.DIRECTORY} == {1_700_000_000}
    assert not set(layer) & {path for path, content in names(base.root.layer()).items() if content is not None}


def test_nothing_on_top(base: Base) -> None:
    sandbox = FakeDpkg()
    root = base.extend(sandbox)
    assert sandbox.plans == [[["libraries"]]]
    assert names(root.layer()) == {}
    assert names(root.state()) == names(base.root.state())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda upper: (upper / "etc/keep").write_text("changed"), r"/etc/keep was changed \(base\)"),
        (lambda upper: (upper / "etc/keep").symlink_to("x"), r"/etc/keep was changed \(base\)"),
        (lambda upper: (upper / "usr/bin").chmod(0o700), "/usr/bin has another mode or owner"),
        (lambda upper: os.mknod(upper / "etc/keep", 0o020000, 0), r"/etc/keep was removed \(base\)"),
    ],
)
def test_what_lies_below_may_not_change(base: Base, change: object, what: str) -> None:
    def scripts(upper: Path, plan: list[list[str]]) -> None:
        (upper / "etc").mkdir(exist_ok=True)
        (upper / "usr/bin").mkdir(parents=True, exist_ok=True)
        try:
            change(upper)  # type: ignore[operator]
        except PermissionError:
            pytest.skip("only root may note a removal as overlayfs does")

    base.packages.add("x", files={"usr/lib/x": ""})
    with pytest.raises(BuildError, match="files of the root below would be hidden") as caught:
        base.extend(FakeDpkg(scripts))
    assert re.search(what, caught.value.why)


def test_copied_up_without_a_change_is_no_change(base: Base) -> None:
    def scripts(upper: Path, plan: list[list[str]]) -> None:
        (upper / "etc").mkdir(exist_ok=True)
        (upper / "etc/keep").write_text("k")
        (upper / "etc/keep").chmod(0o644)
        (upper / "etc/passwd").write_text("root\nnew\n")
        (upper / "usr/empty-in-base").mkdir(parents=True)

    base.packages.add("x")
    root = base.extend(FakeDpkg(scripts))
    layer = names(root.layer())
    assert "etc/keep" not in layer
    assert "etc" not in layer
    assert "usr/empty-in-base" in layer
    assert names(root.state())["etc/passwd"] == b"root\nnew\n"
    Overlay(root.upper, root.lower).check_nothing_hidden()


def test_normalising(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "run/x/y").mkdir(parents=True)
    (root / "var/log/apt").mkdir(parents=True)
    (root / "var/log/apt/term.log").write_text("x")
    (root / "etc/machine-id").write_text("0123")
    (root / "etc/shadow").write_text("root:*:99999:0:99999:7:::\nold:!:5:0\nnone:!::\n")
    (root / "etc/passwd-").write_text("")
    (root / "old").write_text("")
    os.utime(root / "old", (5, 5))
    started = now_on(tmp_path)
    (root / "written-by-a-slow-clock").write_text("")
    normalise(root, started, 86_400 * 100, whole=True)
    assert not (root / "run/x").exists()
    assert (root / "run/lock").stat().st_mode & 0o7777 == 0o1777
    assert not (root / "var/log/apt/term.log").exists()
    assert (root / "var/log/apt").is_dir()
    assert (root / "etc/machine-id").read_text() == ""
    assert not (root / "etc/passwd-").exists()
    assert (root / "etc/shadow").read_text() == "root:*:100:0:99999:7:::\nold:!:5:0\nnone:!::\n"
    times = {str(path.relative_to(root)): path.lstat().st_mtime for path in [root, *root.rglob("*")]}
    assert times.pop("old") == 5
    assert set(times.values()) == {86_400 * 100}


def test_diversions_are_read(tmp_path: Path) -> None:
    admin = tmp_path / "var/lib/dpkg"
    admin.mkdir(parents=True)
    assert dpkg.read_diversions([tmp_path]) == {}
    (admin / "diversions").write_text("/bin/sh\n/bin/sh.distrib\ndash\n/x\n/y\n:\n")
    assert dpkg.read_diversions([tmp_path]) == {"bin/sh": ("bin/sh.distrib", "dash"), "x": ("y", ":")}
    (admin / "diversions").write_text("/bin/sh\n")
    with pytest.raises(BuildError, match="damaged"):
        dpkg.read_diversions([tmp_path])
