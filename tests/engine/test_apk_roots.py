# SPDX-License-Identifier: Apache-2.0
"""Roots of Alpine's packages: the order of scripts, triggers, apk's database, and what may lie above a root."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from imagewright.archives.alpine.database import read_installed
from imagewright.archives.alpine.index import format_checksum
from imagewright.engine import apk
from imagewright.engine.apkroots import assemble_root, extend_root
from imagewright.engine.roots import AssembledRoot, ExtendedRoot, Machine
from imagewright.errors import BuildError, VerificationError
from imagewright.model.digest import Digest
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import RootWork
from imagewright.model.sandboxing import Output, OverlayRoot, SandboxRequest, SandboxResult
from imagewright.recipes.apkroots import STATE, root_files
from imagewright.recipes.pathrules import PathRules
from support.apks import BUILT, Node, Recipe, build
from support.real_debs import FileBlobs
from support.root_helpers import owned_by_anyone

SH = "#!/bin/sh\n"
ELF = hashlib.sha1(b"elf", usedforsecurity=False).digest()
LINK = hashlib.sha1(b"/bin/busybox", usedforsecurity=False).digest()


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


class Scripts:
    """A sandbox that notes which scripts it was to run, and does what ``hook`` says."""

    def __init__(self, hook: Callable[[Path, str], None] | None = None, status: int = 0) -> None:
        self.ran: list[tuple[str, ...]] = []
        self._hook = hook
        self._status = status

    def run(self, request: SandboxRequest, output: Output) -> SandboxResult:
        root = request.root
        tree = root.upper if isinstance(root, OverlayRoot) else root.path
        assert tree is not None
        script = tree / request.argv[0].lstrip("/")
        assert script.stat().st_mode & 0o777 == 0o755
        environment = dict(request.environment)
        assert script.name.endswith(f".{environment['APK_SCRIPT']}")
        self.ran.append((environment["APK_PACKAGE"], environment["APK_SCRIPT"], *request.argv[1:]))
        output(b"")
        if self._hook:
            self._hook(tree, environment["APK_SCRIPT"])
        return SandboxResult(self._status, 0.0, 0)

    def stop(self) -> None:
        raise AssertionError("nobody stops it")

    def replay(self, request: SandboxRequest) -> str:
        return "replay"


class World:
    """Packages in files, locked."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = FileBlobs()

    def lock(self, *recipes: Recipe) -> tuple[LockedPackage, ...]:
        self.directory.mkdir(exist_ok=True)
        names = {recipe.name for recipe in recipes}
        found = []
        for recipe in sorted(recipes, key=lambda one: one.name):
            built = build(recipe)
            path = self.directory / built.filename
            path.write_bytes(built.data)
            digest = Digest.of(built.data)
            self.blobs.paths[digest] = path
            found.append(
                LockedPackage(
                    name=recipe.name,
                    version=recipe.version,
                    architecture="x86_64",
                    source=recipe.name,
                    source_version=recipe.version,
                    size=len(built.data),
                    sha256=digest,
                    path=f"v3.22/main/x86_64/{built.filename}",
                    archive="v3.22-main-x86_64",
                    depends=tuple(sorted(names & set(recipe.depends))),
                )
            )
        return tuple(found)

    def machine(self, sandbox: Scripts) -> Machine:
        return Machine(self.blobs, sandbox, lambda data: None, 2)

    def assemble(
        self, packages: Sequence[LockedPackage], workspace: Path, sandbox: Scripts | None = None
    ) -> AssembledRoot:
        workspace.mkdir()
        files = root_files(architecture="x86_64", world=["busybox"], repositories=["http://m/v3.22/main"])
        work = RootWork("alpine3.22", "amd64", tuple(packages), files, (), (), layered=True)
        return assemble_root(work, self.machine(sandbox or Scripts()), workspace)

    def extend(
        self,
        packages: Sequence[LockedPackage],
        base: AssembledRoot,
        workspace: Path,
        sandbox: Scripts | None = None,
        automatic: Sequence[LockedPackage] = (),
    ) -> ExtendedRoot:
        workspace.mkdir()
        return extend_root(
            packages,
            (base.tree,),
            self.machine(sandbox or Scripts()),
            workspace,
            rules=PathRules(),
            automatic=automatic,
            epoch=base.epoch,
        )


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "apks")


BUSYBOX = Recipe(
    "busybox",
    "1.37.0-r1",
    {
        "bin/busybox": Node(b"elf", 0o755),
        "bin/sh": Node(link="/bin/busybox"),
        "bin/su": Node(hardlink="bin/busybox", mode=0o755),
    },
    depends=("musl",),
    provides=("/bin/sh", "cmd:sh=1.37.0-r1"),
    triggers=("/bin", "/usr/*"),
    scripts={"post-install": SH, "trigger": SH},
)
MUSL = Recipe("musl", "1.2.5-r9", {"lib/ld.so": Node(b"ld", 0o755)}, provides=("so:libc.so=1",))
LAYOUT = Recipe(
    "layout",
    files={"etc/passwd": Node(b"root:x:0:0\n"), "usr/lib": Node(None, 0o755), "tmp": Node(None, 0o1777)},
    depends=("busybox",),
    scripts={"pre-install": SH, "post-install": SH},
)
ZLIB = Recipe("zlib", files={"usr/lib/libz.so.1": Node(b"z")}, depends=("musl",), provides=("so:libz.so.1=1.3",))


def test_scripts_run_in_order_and_triggers_last(world: World, tmp_path: Path) -> None:
    seen: list[bool] = []
    sandbox = Scripts(lambda tree, kind: seen.append((tree / "etc/passwd").exists()))
    root = world.assemble(world.lock(BUSYBOX, MUSL, LAYOUT), tmp_path / "work", sandbox)
    assert sandbox.ran == [
        ("busybox", "post-install", "1.37.0-r1"),
        ("layout", "pre-install", "1.0-r0"),
        ("layout", "post-install", "1.0-r0"),
        ("busybox", "trigger", "/bin", "/usr/lib"),
    ]
    assert seen == [False, False, True, True]  # a pre-install script comes before the package's files
    assert root.epoch == BUILT
    assert not (root.tree / "lib/apk/exec").exists()


def test_the_database_is_as_apk_leaves_it(world: World, tmp_path: Path) -> None:
    root = world.assemble(world.lock(BUSYBOX, MUSL, LAYOUT), tmp_path / "work")
    text = (root.tree / "lib/apk/db/installed").read_text()
    busybox, layout, musl = text.split("\n\n")[:3]
    built = build(BUSYBOX)
    checksum = built.paragraph.splitlines()[0]
    assert musl.splitlines()[1] == "P:musl"
    assert busybox.splitlines() == [
        checksum,
        "P:busybox",
        "V:1.37.0-r1",
        "A:x86_64",
        f"S:{len(built.data)}",
        "I:3",
        "T:package of the tests: busybox",
        "U:https://example.invalid/",
        "L:MIT",
        "o:busybox",
        f"t:{BUILT}",
        "D:musl",
        "p:/bin/sh cmd:sh=1.37.0-r1",
        "F:bin",
        "R:busybox",
        "a:0:0:755",
        f"Z:{format_checksum(ELF)}",
        "R:sh",
        "a:0:0:777",
        f"Z:{format_checksum(LINK)}",
        "R:su",
        "a:0:0:755",
        f"Z:{format_checksum(ELF)}",
    ]
    assert "F:tmp\nM:0:0:1777" in layout
    assert (root.tree / "lib/apk/db/triggers").read_text() == f"{checksum[2:]} /bin /usr/*\n"
    with tarfile.open(fileobj=io.BytesIO((root.tree / "lib/apk/db/scripts.tar").read_bytes())) as archive:
        names = archive.getnames()
    assert f"busybox-1.37.0-r1.{checksum[2:]}.trigger" in names
    assert len(names) == 4
    assert (root.tree / "etc/apk/world").read_text() == "busybox\n"
    assert (root.tree / "etc/apk/arch").read_text() == "x86_64\n"
    assert apk.owners(root.tree, ["bin/sh", "lib/ld.so", "etc/none"]) == {"bin/sh": "busybox", "lib/ld.so": "musl"}
    assert apk.sonames(root.tree) == {"libc.so"}


def looks(path: Path) -> tuple[object, ...]:
    state = path.lstat()
    return state.st_mode, state.st_mtime, path.is_file() and path.read_bytes()


def test_the_same_packages_give_the_same_tree(world: World, tmp_path: Path) -> None:
    packages = world.lock(BUSYBOX, MUSL, LAYOUT, ZLIB)
    trees = [
        world.assemble(order, tmp_path / name).tree for name, order in (("a", packages), ("b", packages[::-1]))
    ]
    found = [{str(path.relative_to(tree)): looks(path) for path in sorted(tree.rglob("*"))} for tree in trees]
    assert found[0] == found[1]


def test_what_is_added_joins_database_and_world(world: World, tmp_path: Path) -> None:
    base = world.assemble(world.lock(BUSYBOX, MUSL, LAYOUT), tmp_path / "base")
    added = world.lock(ZLIB, Recipe("helper", files={"usr/share/h": Node(b"h")}))
    helper = [package for package in added if package.name == "helper"]
    sandbox = Scripts()
    root = world.extend(added, base, tmp_path / "more", sandbox, automatic=helper)
    assert sandbox.ran == [("busybox", "trigger", "/usr/lib", "/usr/share")]
    found = read_installed((root.upper / "lib/apk/db/installed").read_bytes(), "it")
    assert [fields["P"] for fields in found] == ["busybox", "helper", "layout", "musl", "zlib"]
    assert (root.upper / "etc/apk/world").read_text() == "busybox\nzlib\n"
    layer = [entry.path for entry, _ in root.layer() if entry.kind != "directory"]
    state = [entry.path for entry, _ in root.state() if entry.kind != "directory"]
    assert layer == ["usr/lib/libz.so.1", "usr/share/h"]
    assert "lib/apk/db/installed" in state
    assert all(STATE.match(path) for path in state)


def test_a_script_that_changes_the_root_below_is_refused(world: World, tmp_path: Path) -> None:
    base = world.assemble(world.lock(BUSYBOX, MUSL, LAYOUT), tmp_path / "base")

    def change(tree: Path, kind: str) -> None:
        (tree / "lib").mkdir(exist_ok=True)
        (tree / "lib/ld.so").write_bytes(b"other")

    with pytest.raises(BuildError, match="would be hidden") as caught:
        world.extend(world.lock(ZLIB), base, tmp_path / "more", Scripts(change))
    assert "/lib/ld.so was changed (musl)" in caught.value.why


def test_a_script_that_fails(world: World, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"the post-install script of busybox-1\.37\.0-r1 ended"):
        world.assemble(world.lock(BUSYBOX, MUSL), tmp_path / "work", Scripts(status=3))


def test_two_packages_with_one_file(world: World, tmp_path: Path) -> None:
    one = Recipe("one", files={"etc/a": Node(b"one")})
    two = Recipe("two", files={"etc/a": Node(b"two")})
    with pytest.raises(BuildError, match="neither replaces the other"):
        world.assemble(world.lock(one, two), tmp_path / "a")
    heir = Recipe("two", files={"etc/a": Node(b"two")}, replaces=("one<2",))
    root = world.assemble(world.lock(one, heir), tmp_path / "b")
    assert (root.tree / "etc/a").read_bytes() == b"two"


def test_a_package_that_is_another_one(world: World, tmp_path: Path) -> None:
    (package,) = world.lock(Recipe("one", files={"etc/a": Node(b"one")}))
    other = LockedPackage(**{**{name: getattr(package, name) for name in package.__slots__}, "version": "2.0-r0"})
    with pytest.raises(VerificationError, match=r"says it is one_1\.0-r0_x86_64"):
        world.assemble([other], tmp_path / "a")


def test_a_link_in_place_of_the_database(world: World, tmp_path: Path) -> None:
    """Nothing is written where a package's link leads on the machine that builds."""
    outside = tmp_path / "outside"
    outside.mkdir()
    evil = Recipe("evil", files={"lib/apk": Node(link=str(outside))})
    with pytest.raises(BuildError, match="leads through a symbolic link"):
        world.assemble(world.lock(evil), tmp_path / "work")
    scripted = Recipe("evil", files={"lib/apk": Node(link=str(outside))}, scripts={"post-install": SH})
    with pytest.raises(BuildError, match="leads through a symbolic link"):
        world.assemble(world.lock(scripted), tmp_path / "other")
    assert not list(outside.iterdir())
