# SPDX-License-Identifier: Apache-2.0
"""Archives for the real apk, beside what our own solver and roots make of the same packages."""

from __future__ import annotations

import hashlib
import random
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imagewright.archives.alpine.index import parse_index
from imagewright.archives.alpine.solver import solve
from imagewright.archives.alpine.universe import Universe
from imagewright.errors import SolveError
from peers.apk import Apk
from support.apks import KEY, Node, Recipe, build, index, public_pem, signed, signing_key

ARCHITECTURE = "x86_64"
INDEX = f"{ARCHITECTURE}/APKINDEX.tar.gz"

_VIRTUAL = ("so:libx.so.1", "cmd:tool", "virtual", "/bin/sh")
_VERSIONS = ("1.0-r0", "1.0-r1", "1.1-r0", "2.0-r0", "1.0_rc1-r0", "2.0_p1-r3")
_PREFIXES = ("1.0", "2", "1")


class Archive:
    """A directory that apk may be pointed at: ``files`` by path, and the key that signed them."""

    def __init__(self, directory: Path, files: Mapping[str, bytes], branches: Iterable[str] = ("",)) -> None:
        for name, data in files.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.keys = directory / "keys"
        self.keys.mkdir()
        (self.keys / KEY).write_bytes(public_pem(signing_key()))
        self.repositories = directory / "repositories"
        self.repositories.write_text("".join(f"{directory / branch}\n" for branch in branches))

    def options(self, root: Path) -> tuple[str | Path, ...]:
        """Words for an apk that works on a root from this archive alone."""
        words = ("--root", root, "--arch", ARCHITECTURE, "--keys-dir", self.keys)
        return (*words, "--repositories-file", self.repositories, "--no-network", "--no-cache")


@dataclass(frozen=True)
class Puzzle:
    """Packages, and what is asked for."""

    recipes: tuple[Recipe, ...]
    wanted: tuple[str, ...]

    def pinned(self, chosen: Iterable[str]) -> tuple[str, ...]:
        """What is asked for, and exactly these packages."""
        names = set(chosen)
        exact = (f"{one.name}={one.version}" for one in self.recipes if f"{one.name}-{one.version}" in names)
        return (*self.wanted, *exact)


def puzzle(seed: int) -> Puzzle:
    """A small archive, always the same for a ``seed``, whose packages need, provide and refuse one another.

    Left out is what apk 2 and apk 3 decide differently: whether a name that is provided without a version is
    less than every version, and whether it is taken where only one package has it.
    """
    dice = random.Random(seed)
    names = [f"p{letter}" for letter in "abcdefgh"[: dice.randint(3, 8)]]
    recipes = [
        _recipe(dice, name, version, [one for one in names if one != name])
        for name in names
        for version in dice.sample(_VERSIONS, dice.choice([1, 1, 1, 2, 3]))
    ]
    wanted = dice.sample(names, dice.choice([1, 1, 2]))
    if dice.random() < 0.3:
        wanted.append(dice.choice(_VIRTUAL))
    if dice.random() < 0.3:
        wanted.append(dice.choice(names) + dice.choice([">", "<", "=", "~"]) + dice.choice(_VERSIONS))
    if dice.random() < 0.2:
        wanted.append(
            "!" + dice.choice([name for name in names if all(name not in word for word in wanted)] or ["nobody"])
        )
    return Puzzle(tuple(recipes), tuple(wanted))


def _recipe(dice: random.Random, name: str, version: str, others: Sequence[str]) -> Recipe:
    needed = dice.sample([*others, *_VIRTUAL], dice.choice([0, 0, 1, 1, 2, 3]))
    depends = [_relation(dice, one) for one in needed]
    offered = [one for one in _VIRTUAL if one not in needed and dice.random() < 0.25]
    provides = [one + dice.choice(["=1.0-r0", "=2.0-r0", "=1.1", ""]) for one in offered]
    condition = dice.sample(others, dice.choice([1, 2])) if dice.random() < 0.1 and not depends else []
    return Recipe(
        name,
        version,
        depends=depends,
        provides=provides,
        install_if=condition,
        priority=dice.choice([5, 10, 20]),
    )


def _relation(dice: random.Random, name: str) -> str:
    operators = [">", ">=", "=", "~"] if name in _VIRTUAL else ["=", "<", ">", ">=", "<=", "~"]
    kind = dice.random()
    if kind < 0.1:
        return f"!{name}"
    if kind < 0.6:
        return name
    return name + dice.choice(operators) + dice.choice([*_VERSIONS, *_PREFIXES])


def our_choice(recipes: Iterable[Recipe], wanted: Iterable[str]) -> frozenset[str] | None:
    """Which packages we would install, as ``name-version``; ``None`` where we say that it cannot be."""
    text = "".join(f"{build(recipe).paragraph}\n" for recipe in recipes).encode()
    universe = Universe(parse_index(text, archive="tests", folder="."), ARCHITECTURE)
    try:
        return frozenset(map(str, solve(universe, wanted).packages))
    except SolveError:
        return None


def apks_choice(apk: Apk, archive: Archive, root: Path, wanted: Iterable[str]) -> frozenset[str] | None:
    """The same, as apk decides it for an empty root."""
    ended = apk.run(*archive.options(root), "add", "--simulate", "--", *wanted)
    if "unable to select packages" in ended.stderr:
        return None
    assert ended.returncode == 0, ended.stderr
    lines = (line.split() for line in ended.stdout.splitlines() if "Installing" in line)
    return frozenset(f"{words[2]}-{words[3].strip('()')}" for words in lines)


def indexed(recipes: Iterable[Recipe]) -> dict[str, bytes]:
    """An archive that has nothing but an index."""
    return {INDEX: signed(index(map(build, recipes)))}


def odd_packages(release: Recipe) -> tuple[Recipe, ...]:
    """What packages may hold and seldom do, and ``release`` again, which now needs them."""
    files = {
        "usr/share/odd": Node(None, 0o700, uid=100, gid=101),
        "usr/share/odd/empty": Node(None),
        "usr/share/odd/private": Node(b"private\n", 0o600, uid=100),
        "usr/share/odd/set-user": Node(b"#!/bin/sh\n", 0o4755),
        "usr/share/odd/with a blank": Node(b"blank\n"),
        "usr/share/odd/\u00e9": Node(b"accent\n"),
        "usr/share/odd/hard": Node(None, 0o600, hardlink="usr/share/odd/private", uid=100),
        "usr/share/odd/link": Node(link="../../nowhere"),
        "usr/share/odd/taken": Node(b"odd\n"),
        "etc/odd/conf": Node(b"odd = yes\n", 0o640, gid=101),
    }
    watch = "#!/bin/sh\necho $APK_PACKAGE $APK_SCRIPT $* >> /etc/watched\n"
    odd = Recipe("odd", "1.0_p1-r0", files, architecture="noarch", provides=("virtual", "cmd:odd=1.0_p1-r0"))
    other = {"usr/share/odd/taken": Node(b"other\n"), "usr/share/other/x": Node(b"x\n")}
    scripts = {"pre-install": watch, "post-install": watch}
    triggers = ("/usr/share/o*", "/etc/odd", "/nothing")
    return (
        odd,
        Recipe("other", "2-r0", other, depends=("odd",), replaces=("odd",)),
        Recipe(
            "watcher",
            "1-r0",
            {"etc/watcher": Node(b"w")},
            triggers=triggers,
            scripts={"trigger": watch},
            depends=("/bin/sh",),
        ),
        Recipe("early", "1-r0", {"etc/early": Node(b"early\n")}, scripts=scripts, depends=("/bin/sh", "other")),
        replace(release, depends=(*release.depends, "odd", "other", "watcher", "early")),
    )


def listing(tree: Path, without: Sequence[str] = ()) -> dict[str, tuple[object, ...]]:
    """Path → mode, owner, group, a file's time, and link or SHA-256; but for what begins as ``without`` says."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(tree.rglob("*")):
        name = str(path.relative_to(tree))
        if not name.startswith(tuple(without)):
            found[name] = _described(path)
    return found


def _described(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    what, time = "", 0
    if path.is_symlink():
        what = str(path.readlink())
    elif path.is_file():
        what, time = hashlib.sha256(path.read_bytes()).hexdigest(), int(info.st_mtime)
    return stat.filemode(info.st_mode), info.st_uid, info.st_gid, time, what
