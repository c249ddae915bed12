# SPDX-License-Identifier: Apache-2.0
"""The package sets that the solver is compared with apt on, one a line: suite, architecture, status, names.

The list is in ``tests/integration/data/solver-sets.txt``, because packages come and go. This program made it::

    cd tests && python -m support.solver_sets > integration/data/solver-sets.txt
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewright.archives.debian.packages import PackageStanza, package_stanzas
from imagewright.archives.debian.universe import Universe
from support.apt_oracle import AptOracle

FILE = Path(__file__).parent.parent / "integration" / "data" / "solver-sets.txt"
SEED = 20260901

_SLIM_TEXT = """dpkg-dev gcc gnupg libbluetooth-dev libbz2-dev libc6-dev libdb-dev libffi-dev libgdbm-dev
    liblzma-dev libncursesw5-dev libreadline-dev libsqlite3-dev libssl-dev make tk-dev uuid-dev wget xz-utils
    zlib1g-dev"""
_FULL_TEXT = """ca-certificates curl gnupg netbase sq wget git mercurial openssh-client subversion procps autoconf
    automake bzip2 default-libmysqlclient-dev dpkg-dev file g++ gcc imagemagick libbz2-dev libc6-dev
    libcurl4-openssl-dev libdb-dev libevent-dev libffi-dev libgdbm-dev libglib2.0-dev libgmp-dev libjpeg-dev
    libkrb5-dev liblzma-dev libmagickcore-dev libmagickwand-dev libmaxminddb-dev libncurses5-dev
    libncursesw5-dev libpng-dev libpq-dev libreadline-dev libsqlite3-dev libssl-dev libtool libwebp-dev
    libxml2-dev libxslt-dev libyaml-dev make patch unzip xz-utils zlib1g-dev libbluetooth-dev tk-dev
    uuid-dev"""
_SLIM, _FULL = _SLIM_TEXT.split(), _FULL_TEXT.split()
_RUNTIME = ["ca-certificates", "netbase", "tzdata"]
_CHOSEN = (
    ("trixie", "empty", ["exim4-daemon-light", "postfix"]),  # cannot be together
    ("trixie", "minbase", ["systemd-sysv", "sysvinit-core"]),
    ("trixie", "minbase", ["build-essential", "python3-dev", "devscripts"]),
    ("trixie", "minbase", ["task-gnome-desktop"]),
    ("trixie", "minbase", ["finit-sysv", "libgranite-dev"]),  # apt keeps leftovers
    ("bookworm", "empty", ["libmailutils-dev", "postfix"]),
    ("bookworm", "minbase", ["task-xfce-desktop"]),
    ("bookworm", "minbase", ["wireguard"]),  # a name that only the security archive has
    ("bullseye", "empty", ["gosa-dev", "postfix-policyd-spf-python"]),  # apt keeps leftovers
    ("bullseye", "minbase", ["task-kde-desktop"]),
    ("bullseye", "minbase", ["wordpress", "mariadb-server", "php-fpm"]),
)
_FAMILIES = (
    ("net", "httpd", "mail", "database", "admin", "web"),
    ("x11", "gnome", "kde", "xfce", "graphics", "sound", "video", "editors", "games"),
    ("libs", "utils", "devel", "science", "java", "php", "ruby", "perl", "tex", "text"),
)


@dataclass(frozen=True, slots=True)
class PackageSet:
    """One line: what is asked for, on top of which status."""

    suite: str
    architecture: str
    status: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.suite, self.architecture, self.status, *self.names))


def read_sets(path: Path = FILE) -> list[PackageSet]:
    """The sets of the file, in its order."""
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [PackageSet(suite, architecture, status, tuple(names)) for suite, architecture, status, *names in lines]


def universe_of(oracle: AptOracle) -> Universe:
    """Our own reading of the very lists that apt reads."""

    def packages() -> Iterator[PackageStanza]:
        for archive, path in oracle.lists().items():
            with path.open("rb") as file:
                yield from package_stanzas(iter(lambda: file.read(1 << 20), b""), archive)

    return Universe(packages(), oracle.architecture)


def make_sets() -> Iterator[PackageSet]:
    """Everything, in groups: chosen ones, official lists, their items, random samples."""
    dice = random.Random(SEED)
    for suite, status, names in _CHOSEN:
        yield PackageSet(suite, "amd64", status, tuple(names))
    for suite in ("trixie", "bookworm", "bullseye"):
        universe = universe_of(AptOracle(suite, "amd64"))
        slim, full = (_existing(universe, names) for names in ((*_SLIM, "libzstd-dev"), (*_FULL, "libzstd-dev")))
        for status in ("empty", "minbase"):
            for names in (slim, full, _RUNTIME):
                yield PackageSet(suite, "amd64", status, tuple(names))
        items = sorted({*slim, *full}) if suite == "trixie" else [n for n in full if n.endswith("-dev")]
        status = {"trixie": "empty", "bookworm": "minbase", "bullseye": "empty"}[suite]
        yield from (PackageSet(suite, "amd64", status, (name,)) for name in items)
        yield from _random(dice, universe, suite, 50)
        yield from _virtual(dice, universe, suite, 12)
    for suite, architecture in (
        ("trixie", "arm64"),
        ("trixie", "i386"),
        ("bookworm", "arm64"),
        ("bookworm", "i386"),
    ):
        universe = universe_of(AptOracle(suite, architecture))
        for names in (_SLIM, _FULL):
            yield PackageSet(suite, architecture, "minbase", tuple(_existing(universe, names)))
        yield from _random(dice, universe, suite, 8)


def _existing(universe: Universe, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if universe.get(name)})


def _random(dice: random.Random, universe: Universe, suite: str, count: int) -> Iterator[PackageSet]:
    packages = list(universe)
    pools = [
        [package.name for package in packages if package.name.startswith("python3-")],
        [package.name for package in packages if package.name.endswith("-dev") and "rust" not in package.name],
        [package.name for package in packages if "|" in package.depends_text],
        *([package.name for package in packages if package.section in sections] for sections in _FAMILIES),
    ]
    for _ in range(count):
        names = {dice.choice(dice.choice(pools)) for _ in range(dice.choice((1, 1, 2, 3, 4, 6)))}
        status = dice.choice(("empty", "minbase"))
        yield PackageSet(suite, universe.architecture, status, tuple(sorted(names)))


def _virtual(dice: random.Random, universe: Universe, suite: str, count: int) -> Iterator[PackageSet]:
    """Packages that ask for a name that only others provide, several of them, before anything else."""
    found = [
        package.name
        for package in universe
        if any(
            universe.get(group[0].name) is None and len(universe.targets(group[0])) > 1
            for group in universe.needs(package).positive
        )
    ]
    for name in sorted(dice.sample(found, count)):
        yield PackageSet(suite, universe.architecture, dice.choice(("empty", "minbase")), (name,))


def main(sets: Sequence[PackageSet]) -> None:
    """Write the file, each set once."""
    sys.stdout.write("# Made by tests/support/solver_sets.py: suite, architecture, status, names.\n")
    sys.stdout.writelines(f"{line}\n" for line in dict.fromkeys(map(str, sets)))


if __name__ == "__main__":
    main(list(make_sets()))
