# SPDX-License-Identifier: Apache-2.0
"""What the real apk (apk-tools 3) makes of the same archives, packages, versions and roots as we do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewright.app.building import Builder
from imagewright.app.world import make_world
from imagewright.archives.alpine.apk import check_whole, open_apk
from imagewright.archives.alpine.database import installed_files, read_installed
from imagewright.archives.alpine.index import open_index
from imagewright.archives.alpine.keys import load_key
from imagewright.archives.alpine.version import compare, key
from imagewright.catalog.shipped import shipped_catalog
from imagewright.errors import VerificationError
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Profile
from imagewright.model.options import Selection
from imagewright.recipes.commands import apk_script
from peers.apk import Apk, real_apk
from peers.fixtures import Workshop
from peers.programs import output, peers_directory
from support.alpine_world import AlpineWorld, base_world, configuration, fetch_debs, write_key
from support.apk_oracle import (
    INDEX,
    Archive,
    apks_choice,
    indexed,
    listing,
    odd_packages,
    our_choice,
    puzzle,
)
from support.apks import KEY, Algorithm, Node, Recipe, build, index, public_pem, signed, signing_key
from support.loopback import serve

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SPEC = "3.13-alpine3.22"
BASE = ("alpine-baselayout", "alpine-keys", "alpine-release", "busybox")
BRANCHES = ("v3.22/main", "v3.22/community")
DATABASE = "lib/apk/db"
PUZZLES = 100
FORGERIES = 60


@pytest.fixture(scope="module")
def apk() -> Apk:
    return real_apk()


@pytest.fixture(scope="module")
def empty(apk: Apk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root in which nothing is installed."""
    root = tmp_path_factory.mktemp("empty") / "root"
    apk("--root", root, "--arch", "x86_64", "--initdb", "--no-network", "add")
    return root


@dataclass(frozen=True)
class Pair:
    """One archive, and the base of an image out of it: ``ours`` as we make it, ``apks`` as apk does."""

    world: AlpineWorld
    archive: Archive
    ours: Path
    apks: Path


@pytest.fixture(scope="module")
def pair(apk: Apk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    place = tmp_path_factory.mktemp("pair")
    world = base_world(fetch_debs(peers_directory() / "alpine-debs"))
    for recipe in odd_packages(world.packages["alpine-release"].recipe):
        world.add(recipe)
    world.write()
    archive = Archive(place / "archive", world.files, BRANCHES)
    apks = place / "apks"
    apk(*archive.options(apks), "--initdb", "add", *BASE)
    with serve(world.files) as url:
        yield Pair(world, archive, _our_base(place, str(url)), apks)


def _our_base(place: Path, url: str) -> Path:
    """A copy of the base root that we make, which may be changed."""
    write_key(place)
    (place / "imagewright.toml").write_text(configuration(url))
    workshop = Workshop(place, place / "store", place / "imagewright.lock")
    workshop.call("lock", SPEC)
    options = GlobalOptions(store=workshop.store, config=place / "imagewright.toml", lock=workshop.lock)
    world = make_world(options)
    with world.open_store() as store:
        builder = Builder(world, store, lambda event: None)
        plan, lock, _ = builder.laid_out((SPEC,), Selection(profile=Profile.QUICK))
        base = plan.images[0].steps[0]
        builder.bring(plan, lock, [base])
        tree = store.trees.get(base)
        assert tree is not None
        copied(tree, place / "ours")
    return place / "ours"


def copied(tree: Path, where: Path) -> None:
    """With owners, links and times."""
    output(["cp", "--archive", tree, where])


def test_every_file_is_as_apk_makes_it(pair: Pair) -> None:
    """Kind, mode, owner, time and content, of all but apk's own notes, whose files have no times of packages."""
    notes = (DATABASE, "var/log", "etc/apk/repositories", "etc/apk/world", "etc/apk/arch", "etc/watched")
    ours, apks = listing(pair.ours, notes), listing(pair.apks, notes)
    assert ours == apks
    assert len(apks) > 300
    for name in ("etc/apk/world", "etc/apk/arch"):
        assert (pair.ours / name).read_bytes() == (pair.apks / name).read_bytes()


def test_scripts_hear_what_apk_tells_them(pair: Pair) -> None:
    """In the same order; but a trigger's directories come in the order of apk's hash table."""
    ours, apks = (
        [(line.split()[:2], sorted(line.split()[2:])) for line in (root / "etc/watched").read_text().splitlines()]
        for root in (pair.ours, pair.apks)
    )
    assert ours == apks
    assert [line[0] for line in ours] == [
        ["early", "pre-install"],
        ["early", "post-install"],
        ["watcher", "trigger"],
    ]


def test_the_database_is_byte_for_byte_apks(pair: Pair) -> None:
    for name in ("installed", "triggers"):
        assert (pair.ours / DATABASE / name).read_bytes() == (pair.apks / DATABASE / name).read_bytes()


def test_apk_goes_on_with_our_root(apk: Apk, pair: Pair, tmp_path: Path) -> None:
    """It finds nothing amiss, adds and removes packages; their scripts and the triggers that were there run."""
    root = tmp_path / "root"
    copied(pair.ours, root)
    options = pair.archive.options(root)
    assert apk("--root", root, "audit", "--full", "--no-network") == apk(
        "--root", pair.apks, "audit", "--full", "--no-network"
    )
    assert apk(*options, "fix").startswith("OK:")
    installed = apk("--root", root, "--no-network", "info", "--verbose").split()
    assert installed == ["alpine-baselayout-3.7.0-r0", "alpine-keys-2.5-r0", "alpine-release-3.22.1-r0",
                         "busybox-1.35.0-r18", "early-1-r0", "musl-1.2.3-r0", "odd-1.0_p1-r0", "other-2-r0",
                         "watcher-1-r0"]  # fmt: skip
    said = apk(*options, "add", "hello")
    assert "Executing hello-1.0-r0.post-install" in said
    assert "Executing busybox-1.35.0-r18.trigger" in said
    assert "Executing watcher" not in said
    assert (root / "etc/hello.conf").read_text() == "hello post-install 1.0-r0\n"
    apk(*options, "del", "hello")
    assert not (root / "usr/bin/hello").exists()
    assert read_installed((root / DATABASE / "installed").read_bytes(), "it")[-1]["P"] == "watcher"


def test_the_solver_decides_as_apk(apk: Apk, empty: Path, tmp_path: Path) -> None:
    """Where apk finds a way, ours is the same. Where it finds none, as it never goes back to an earlier choice,
    and we do, then it accepts what we found when it is told these very packages."""
    same = further = 0
    for seed in range(PUZZLES):
        given = puzzle(seed)
        archive = Archive(tmp_path / str(seed), indexed(given.recipes))
        theirs = apks_choice(apk, archive, empty, given.wanted)
        ours = our_choice(given.recipes, given.wanted)
        if ours == theirs:
            same += 1
            continue
        assert theirs is None, f"puzzle {seed}: apk takes {theirs}, we {ours}"
        assert ours is not None
        assert apks_choice(apk, archive, empty, given.pinned(ours)) == ours, f"puzzle {seed}"
        further += 1
    assert same > 0.85 * PUZZLES
    assert same + further == PUZZLES


def test_versions_are_ordered_as_apk_orders_them(apk: Apk) -> None:
    dice = random.Random(7)
    known = [_version(dice) for _ in range(40)]
    for one in known:
        other = dice.choice(known)
        found = compare(one, other)
        assert "<=>"[(found > 0) - (found < 0) + 1] == apk("version", "-t", one, other).strip(), (one, other)


def _version(dice: random.Random) -> str:
    numbers = ".".join(dice.choice(["0", "1", "01", "010", "2", "9", "10"]) for _ in range(dice.randint(1, 3)))
    letter = dice.choice(["", "", "a", "b"])
    suffix = "".join(
        f"_{dice.choice(['alpha', 'beta', 'pre', 'rc', 'cvs', 'svn', 'git', 'hg', 'p'])}{dice.choice(['', 1, 10])}"
        for _ in range(dice.choice([0, 0, 1, 2]))
    )
    commit = dice.choice(["", "", "", "~0a1b", "~f"])
    return f"{numbers}{letter}{suffix}{commit}{dice.choice(['', '-r0', '-r1', '-r10'])}"


def test_what_is_a_version(apk: Apk) -> None:
    words = """
        1 01 a1 1.0-r0 1.0b 1.0bc 1.0_foo 1.0-r 1.0-1 1..2 1.0~f 1.0~xyz 1.0_p 1.0_p1_p2 1_alpha_beta3~00-r4 1.0a.1
        1.0-r1-r2 1.0_P1
    """
    for text in words.split():
        valid = apk.run("version", "--check", text).returncode == 0
        try:
            key(text)
        except ValueError:
            assert not valid, text
        else:
            assert valid, text


@pytest.mark.parametrize("algorithm", ["RSA", "RSA256"])
def test_signatures_with_either_hash(apk: Apk, tmp_path: Path, algorithm: Algorithm) -> None:
    """By the key that is known; apk and we believe it, and nothing else."""
    content = index([build(Recipe("one"))])
    keys = {KEY: load_key(public_pem(signing_key()), KEY)}
    right = signed(content, algorithm=algorithm)
    files = {
        "right": right,
        "by another key of its name": signed(content, algorithm=algorithm, key=signing_key(2048, 5)),
        "by nobody known": signed(content, algorithm=algorithm, name="who@example.invalid-1.rsa.pub"),
        "by nobody": content,
        "changed": right[:-40] + bytes(40),
        "with more after it": right + index([]),
    }
    for name, data in files.items():
        archive = Archive(tmp_path / name, {INDEX: data})
        ended = apk.run("--keys-dir", archive.keys, "verify", tmp_path / name / INDEX)
        assert (ended.returncode == 0) is (data is right), (name, ended.stdout)
        if data is right:
            assert open_index(data, keys, subject="it").key == KEY
            continue
        with pytest.raises(VerificationError):
            open_index(data, keys, subject="it")


def test_the_index_that_apk_makes_of_packages(apk: Apk, pair: Pair, tmp_path: Path) -> None:
    """Its own ``apk index`` reads our packages, and says of each what our tests' index says."""
    for name, data in pair.world.files.items():
        if name.endswith(".apk"):
            (tmp_path / Path(name).name).write_bytes(data)
    made = tmp_path / "APKINDEX.tar.gz"
    packages = sorted(tmp_path.glob("*.apk"))
    apk("index", "--allow-untrusted", "--no-network", "--rewrite-arch", "x86_64", "-o", made, *packages)
    opened = open_index(signed(made.read_bytes()), {KEY: load_key(public_pem(signing_key()), KEY)}, subject="it")
    found = {fields["P"]: fields for fields in read_installed(opened.text, "it")}
    assert set(found) == set(pair.world.packages)
    for name, built in pair.world.packages.items():
        (ours,) = read_installed(built.paragraph.encode(), "ours")
        assert {letter: found[name].get(letter) for letter in ours} == dict(ours)


def test_no_forgery_is_believed_that_apk_refuses(apk: Apk, pair: Pair, tmp_path: Path) -> None:
    """A bit is changed anywhere in a package: what we believe, with its checksum of the index, apk does too."""
    built = build(Recipe("forged", "1.0-r0", {"etc/one": Node(b"one\n" * 40), "etc/two": Node(link="one")}))
    dice = random.Random(3)
    refused = 0
    for _ in range(FORGERIES):
        data = bytearray(built.data)
        at = dice.randrange(len(data))
        data[at] ^= 1 << dice.randrange(8)
        path = tmp_path / "forged-1.0-r0.apk"
        path.write_bytes(data)
        believed = apk.run("--keys-dir", pair.archive.keys, "verify", path).returncode == 0
        try:
            with path.open("rb") as file:
                check_whole(open_apk(file, "it", checksum=built.checksum))
        except VerificationError:
            refused += 1
        else:
            # The signature in front is not ours to check: the index, which is signed, has the checksum.
            assert believed or at < built.control_at, f"byte {at}"
    assert refused > FORGERIES // 2


def test_a_package_in_the_format_of_apk_3_is_refused_by_name(apk: Apk, tmp_path: Path) -> None:
    said = (word for text in ("name:x", "version:1.0-r0", "arch:x86_64") for word in ("--info", text))
    apk("mkpkg", *said, "--output", tmp_path / "x.apk")
    with (tmp_path / "x.apk").open("rb") as file, pytest.raises(VerificationError, match="format of apk 3"):
        open_apk(file, "it")


def test_the_dockerfiles_script(apk: Apk, tmp_path: Path) -> None:
    """Virtual packages that come and go as one, and libraries by soname, but for modules that are left out."""
    root = tmp_path / "root"
    copied(apk.root, root)
    recipes = (
        Recipe("compiler", files={"usr/bin/cc1": Node(b"c")}, depends=("helper",)),
        Recipe("helper", files={"usr/bin/helper": Node(b"h")}),
        Recipe("libneeded", files={"usr/lib/libneeded.so.1": Node(b"n")}, provides=("so:libneeded.so.1=1",)),
        Recipe("libleft", files={"usr/lib/libleft.so.1": Node(b"l")}, provides=("so:libleft.so.1=1",)),
    )
    packages = [build(recipe) for recipe in recipes]
    files = {f"main/x86_64/{one.filename}": one.data for one in packages}
    files |= {f"main/{INDEX}": signed(index(packages)), f"community/{INDEX}": signed(index([]))}
    Archive(root / "srv/v3.23", files)
    (root / "etc/apk/keys" / KEY).write_bytes(public_pem(signing_key()))
    (root / "image-apk.sh").write_text(apk_script())
    (root / "needs").mkdir()
    (root / "needs/interpreter").write_text("so:libneeded.so.1 _needed\nso:libleft.so.1 _tkinter\n")

    def script(*words: str, parts: str = "") -> None:
        environment = (
            "IW_RELEASE=v3.23",
            "ALPINE_MIRROR=/srv",
            f"IW_PARTS={parts}",
            "IW_OPTIONAL=_tkinter _curses",
        )
        output(
            [
                "chroot",
                root,
                "/usr/bin/env",
                "-i",
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
                *environment,
                "/bin/sh",
                "/image-apk.sh",
                *words,
            ]
        )

    def there() -> set[str]:
        return set(apk("--root", root, "--no-network", "info", "--quiet").split())

    before = there()
    script(".build-deps", "compiler")
    assert there() - before == {".build-deps", "compiler", "helper"}
    output(["chroot", root, "/sbin/apk", "del", "--no-network", ".build-deps"])
    assert there() == before
    script(".python-base", "helper", parts="interpreter extras")
    assert there() - before == {".python-base", ".python-rundeps", "helper", "libneeded"}
    assert not list((root / "var/cache/apk").iterdir())


def test_a_real_system_is_read(apk: Apk) -> None:
    """The database of a real Alpine Linux: packages and owners as apk itself tells them."""
    data = (apk.root / DATABASE / "installed").read_bytes()
    found = [f"{one['P']}-{one['V']}" for one in read_installed(data, "it")]
    assert found == apk("--root", apk.root, "--no-network", "info", "--verbose").split()
    owners = dict(installed_files(data))
    for path in ("bin/busybox", "lib/ld-musl-x86_64.so.1", "usr/lib/libcrypto.so.3"):
        said = apk("--root", apk.root, "--no-network", "info", "--quiet", "--who-owns", f"/{path}").strip()
        assert owners[path] == said


def test_the_catalogs_keys_are_alpines(apk: Apk) -> None:
    """Every key that a suite names is in Alpine's own package of keys, and long enough for us."""
    there = {path.name: path for path in (apk.root / "usr/share/apk/keys").rglob("*.rsa.pub")}
    suites = [suite for suite in shipped_catalog().suites if suite.distribution == "alpine"]
    assert suites
    for suite in suites:
        for archive in suite.archives:
            for name in archive.keys:
                assert load_key(there[name].read_bytes(), name).key_size >= 2048
