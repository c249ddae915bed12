# SPDX-License-Identifier: Apache-2.0
"""Alpine from nothing: an archive in its form, signed on the spot, locked, unpacked, its scripts run.

What is in the packages is Debian's static busybox and musl (``support/alpine_world.py``). CPython on packages of a
real Alpine is in ``test_alpine_image.py``.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.app.building import Builder
from imagewright.app.steps import make_ports
from imagewright.app.world import make_world
from imagewright.archives.alpine.database import read_installed
from imagewright.engine.apkroots import extend_root
from imagewright.engine.roots import Machine
from imagewright.model.digest import Digest
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Profile
from imagewright.model.lock import Role
from imagewright.model.options import Selection
from imagewright.planning.lockfile import read_lock
from imagewright.recipes.pathrules import PathRules
from peers.fixtures import Workshop
from peers.programs import peers_directory
from support.alpine_world import (
    BRANCH,
    AlpineWorld,
    base_world,
    configuration,
    fetch_debs,
    write_key,
)
from support.apks import KEY, Node, Recipe, build, index, public_pem, signed, signing_key
from support.loopback import Loopback, serve
from support.machine import need_root, program

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SPEC = "3.13-alpine3.22"
FOLDER = f"{BRANCH}/main/x86_64"
INDEX = f"{FOLDER}/APKINDEX.tar.gz"


SAYING = ". /etc/os-release; echo $ID $VERSION_ID; ls / | wc -l; id -un"


@dataclass(frozen=True, slots=True)
class Alpine:
    """An archive that is served, and a directory with a configuration that knows it."""

    world: AlpineWorld
    url: Loopback
    workshop: Workshop

    @property
    def tree(self) -> Path:
        """The base root, made if need be."""
        options = GlobalOptions(
            store=self.workshop.store, config=self.workshop.directory / "imagewright.toml", lock=self.workshop.lock
        )
        world = make_world(options)
        with world.open_store() as store:
            builder = Builder(world, store, lambda event: None)
            plan, lock, _ = builder.laid_out((SPEC,), Selection(profile=Profile.QUICK))
            base = plan.images[0].steps[0]
            builder.bring(plan, lock, [base])
            tree = store.trees.get(base)
        assert tree is not None
        return tree


@pytest.fixture(scope="module")
def debs() -> Path:
    need_root()
    return fetch_debs(peers_directory() / "alpine-debs")


def workshop(directory: Path) -> Workshop:
    directory.mkdir(exist_ok=True)
    return Workshop(directory, directory / "store", directory / "imagewright.lock")


@pytest.fixture(scope="module")
def alpine(debs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alpine]:
    world = base_world(debs)
    with serve(world.files) as url:
        place = workshop(tmp_path_factory.mktemp("alpine"))
        write_key(place.directory)
        (place.directory / "imagewright.toml").write_text(configuration(str(url)))
        place.call("lock", SPEC)
        yield Alpine(world, url, place)


def test_a_lock_pins_whole_files(alpine: Alpine) -> None:
    lock = read_lock(alpine.workshop.lock.read_text())
    packages = {package.name: package for found in lock.sets for package in found.packages}
    assert set(packages) == {
        "alpine-baselayout", "alpine-keys", "alpine-release", "busybox", "hello", "musl", "tzdata",
    }  # fmt: skip
    for name, package in packages.items():
        data = alpine.world.packages[name].data
        assert (package.sha256, package.size) == (Digest.of(data), len(data))
    assert packages["busybox"].depends == ("musl",)
    assert {archive.name for archive in lock.archives} == {"v3.22-main-x86_64", "v3.22-community-x86_64"}
    assert alpine.workshop.answer("lock", SPEC)["changed"] == []


def test_a_root_whose_scripts_and_triggers_ran(alpine: Alpine) -> None:
    tree = alpine.tree
    assert (tree / "bin/ls").is_symlink()  # by busybox's own script
    said = subprocess.run(
        [
            program("chroot", "coreutils"),
            tree,
            "/bin/sh",
            "-c",
            ". /etc/os-release; echo $ID $VERSION_ID; ls / | wc -l; id -un",
        ],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": "/bin:/usr/bin"},
    ).stdout.split()
    assert said[:2] == ["alpine", "3.22.1"]
    assert said[3] == "root"
    linker = [program("chroot", "coreutils"), tree, "/lib/ld-musl-x86_64.so.1"]
    loader = subprocess.run(linker, capture_output=True, text=True, check=False)
    assert "musl libc (x86_64)" in loader.stderr
    found = read_installed((tree / "lib/apk/db/installed").read_bytes(), "the root")
    assert [fields["P"] for fields in found] == [
        "alpine-baselayout",
        "alpine-keys",
        "alpine-release",
        "busybox",
        "musl",
    ]
    world = (tree / "etc/apk/world").read_text().split()
    assert world == ["alpine-baselayout", "alpine-keys", "alpine-release", "busybox"]
    assert (tree / "etc/apk/repositories").read_text().splitlines() == [
        f"{alpine.url}/{BRANCH}/main",
        f"{alpine.url}/{BRANCH}/community",
    ]
    assert (tree / "etc/apk/keys" / KEY).read_bytes() == public_pem(signing_key())
    assert not list((tree / "lib/apk").glob("exec"))


def test_packages_added_to_a_root(alpine: Alpine, tmp_path: Path) -> None:
    """As a run-time layer is made: scripts and the triggers of what lies below run above it."""
    tree = alpine.tree
    lock = read_lock(alpine.workshop.lock.read_text())
    added = next(found.packages for found in lock.sets if found.role is Role.RUNTIME)
    world = make_world(GlobalOptions(store=alpine.workshop.store))
    said: list[bytes] = []
    with world.open_store() as store, store.trees.workspace("test") as space:
        ports = make_ports(world, store)
        machine = Machine(ports.blobs, ports.sandbox, said.append, 2)
        root = extend_root(added, (tree,), machine, space, rules=PathRules(), automatic=added[1:])
        layer = {entry.path: entry for entry, _ in root.layer()}
        state = {entry.path: content and content.read() for entry, content in root.state()}
    assert b"".join(said).split() == [
        *b"Executing hello-1.0-r0.post-install Executing busybox-1.35.0-r18.trigger".split(),
    ]
    assert "etc/hello.conf" in layer
    assert layer["usr/bin/hello"].mode == 0o755
    assert "usr/bin/env" not in layer  # a link that busybox made in the root below, and would make again
    assert b"hello:x:100:101:" in (state["etc/passwd"] or b"")
    assert (state["etc/apk/world"] or b"").split()[-1] == b"hello"
    names = [fields["P"] for fields in read_installed(state["lib/apk/db/installed"] or b"", "the root")]
    assert {"hello", "tzdata"} <= set(names)
    assert names == sorted(names)


def test_the_same_root_again(alpine: Alpine, tmp_path: Path) -> None:
    """In another store, from the same lock: every byte, mode, owner and time."""
    other = workshop(tmp_path / "other")
    for name in ("imagewright.toml", "imagewright.lock", KEY):
        (other.directory / name).write_bytes((alpine.workshop.directory / name).read_bytes())
    trees = [alpine.tree, Alpine(alpine.world, alpine.url, other).tree]
    listing = [
        subprocess.run(
            [
                program("tar", "tar"),
                "--sort=name",
                "--format=pax",
                "--pax-option=delete=atime,delete=ctime",
                "-c",
                ".",
            ],
            cwd=tree,
            capture_output=True,
            check=True,
        ).stdout
        for tree in trees
    ]
    assert listing[0] == listing[1]


@pytest.mark.parametrize("what", ["index", "signature", "key", "package", "older"])
def test_what_cannot_be_believed_ends_with_status_5(alpine: Alpine, tmp_path: Path, what: str) -> None:
    files = dict(alpine.url.files)
    place = workshop(tmp_path / "place")
    write_key(place.directory)
    musl = f"{FOLDER}/{alpine.world.packages['musl'].filename}"
    with serve(files) as url:
        (place.directory / "imagewright.toml").write_text(configuration(str(url)))
        if what == "older":
            place.call("lock", SPEC)
            older = [build(Recipe(name, built=1_600_000_000)) for name in sorted(alpine.world.packages)]
            url.files[INDEX] = signed(index(older, written=1_600_000_000))
        elif what == "index":
            url.files[INDEX] = url.files[INDEX][:-40] + bytes(40)
        elif what == "signature":
            url.files[INDEX] = signed(index([]), key=signing_key(2048, 9))
        elif what == "key":
            (place.directory / KEY).write_bytes(public_pem(signing_key(2048, 9)))
        else:
            evil = build(Recipe("musl", "1.2.3-r0", {"lib/ld-musl-x86_64.so.1": Node(b"evil", 0o755)}))
            url.files[musl] = evil.data + bytes(len(url.files[musl]) - len(evil.data))
        ended = place.call("lock", SPEC, "--json", expect=5)
    error = json.loads(ended.stdout)["error"]
    assert error["kind"] == "verification"
    assert error["why"]


def test_a_locked_file_that_changed_on_the_mirror(alpine: Alpine, tmp_path: Path) -> None:
    """From the lock on a file is taken by its SHA-256 alone, whoever signed what."""
    place = workshop(tmp_path / "place")
    write_key(place.directory)
    files = dict(alpine.url.files)
    with serve(files) as url:
        (place.directory / "imagewright.toml").write_text(configuration(str(url)))
        place.lock.write_bytes(alpine.workshop.lock.read_bytes())
        name = f"{FOLDER}/{alpine.world.packages['tzdata'].filename}"
        url.files[name] = build(alpine.world.packages["tzdata"].recipe).data[:-1] + b"\1"
        lock = place.lock.read_text().replace(str(alpine.url), str(url))
        place.lock.write_text(lock)
        ended = place.call("build", SPEC, "--profile", "quick", "--json", "--progress", "none", expect=5)
    assert "tzdata" in json.loads(ended.stdout)["error"]["message"]


def test_without_a_key_or_a_mirror(alpine: Alpine, tmp_path: Path) -> None:
    place = workshop(tmp_path / "place")
    text = configuration(str(alpine.url))
    write_key(place.directory)
    (place.directory / "imagewright.toml").write_text(text.replace(f'keyrings = ["{KEY}"]', ""))
    assert "no key is known" in place.call("lock", SPEC, expect=3).stderr
    (place.directory / "imagewright.toml").write_text(text.replace(f'alpine = "{alpine.url}"', ""))
    assert "no mirror is known for alpine" in place.call("lock", SPEC, expect=3).stderr
