# SPDX-License-Identifier: Apache-2.0
"""The recipe of a root made of Debian packages: what is left out, added, emptied and kept apart. Pure data.

docs/explanation/roots.md tells the reasons at length; each rule carries its own in short.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from importlib import resources

from imagewright.model.packages import LockedPackage
from imagewright.model.plan import Script
from imagewright.model.tree import Entry, Kind

REVISION = "1"
"""Part of every root step's identity: changed when the same inputs give other bytes."""

EXTENDED = "2"
"""The same for packages that are added to a root."""

BOOTSTRAP = ("apt",)
"""Besides Essential packages, what is unpacked before any maintainer script runs, as debootstrap does it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern over paths (relative; ``*`` also stands for slashes) and why it is there."""

    pattern: str
    why: str


class Rules:
    """Any of several rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._any = re.compile("|".join(translate(rule.pattern) for rule in self.rules))

    def match(self, path: str) -> bool:
        """Whether one of them is about ``path``."""
        return self._any.match(path) is not None


# What Debian's own slim images leave out; dpkg keeps to it later, as the same rules are in its configuration.
SLIM_EXCLUDE = (
    "/usr/share/doc/*",
    "/usr/share/groff/*",
    "/usr/share/info/*",
    "/usr/share/linda/*",
    "/usr/share/lintian/overrides/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
)
SLIM_INCLUDE = (
    "/usr/share/doc/*/copyright",  # licences want to be shipped with what they license
    "/usr/share/doc/kde/HTML/C/*",
    "/usr/share/gnome/help/*/C/*",
    "/usr/share/locale/all_languages",
    "/usr/share/locale/currency/*",
    "/usr/share/locale/l10n/*",
    "/usr/share/locale/languages",
    "/usr/share/locale/locale.alias",  # read by the C library, and not a translation
    "/usr/share/omf/*/*-C.emf",
)

STATE = Rules(
    (
        Rule("var/lib/dpkg/status", "which packages there are"),
        Rule("var/lib/dpkg/diversions", "files that give way to other packages' files"),
        Rule("var/lib/dpkg/statoverride", "modes and owners other than the packages'"),
        Rule("var/lib/dpkg/available", "dselect's list, written by some tools"),
        Rule("var/lib/dpkg/arch*", "architectures that are enabled"),
        Rule("var/lib/dpkg/lock*", "touched by every run of dpkg"),
        Rule("var/lib/dpkg/triggers/*", "which package waits for which trigger"),
        Rule("var/lib/dpkg/alternatives/*", "update-alternatives' choices and candidates"),
        Rule("etc/alternatives/*", "the links of these choices"),
        Rule("var/lib/apt/extended_states", "which packages were asked for, and which came along"),
        Rule("var/cache/debconf/*.dat", "answers and templates"),
        Rule("etc/passwd", "users that packages add"),
        Rule("etc/group", "groups that packages add"),
        Rule("etc/shadow", "follows passwd"),
        Rule("etc/gshadow", "follows group"),
        Rule("etc/subuid", "follows passwd"),
        Rule("etc/subgid", "follows group"),
        Rule("etc/.pwd.lock", "touched with passwd"),
        Rule("etc/ld.so.cache", "an index of all shared libraries"),
        Rule("etc/shells", "login shells that packages add"),
        Rule("var/lib/shells.state", "what update-shells added to it"),
        Rule("etc/pam.d/common-*", "generated from all PAM profiles"),
        Rule("var/lib/pam/*", "what they were generated from"),
        Rule("var/lib/ucf/*", "ucf's registry of configuration files"),
        Rule("etc/environment", "written by several packages"),
    )
)
"""Files that every installation changes: they are a layer of their own, the last one's, so none hides another."""

REMOVED = Rules(
    (
        Rule("var/lib/dpkg/*-old", "dpkg's backups: of no use in an image, and they hold the steps of its making"),
        Rule("var/cache/debconf/*-old", "debconf's backups"),
        Rule("var/lib/ucf/*.[0-9]", "ucf's backups"),
        Rule("etc/passwd-", "backups of the user database"),
        Rule("etc/group-", "the same"),
        Rule("etc/shadow-", "the same"),
        Rule("etc/gshadow-", "the same"),
        Rule("etc/subuid-", "the same"),
        Rule("etc/subgid-", "the same"),
        Rule("var/cache/ldconfig/aux-cache", "holds inode numbers and times"),
        Rule("var/cache/apt/*.bin", "made again by apt"),
        Rule("var/cache/apt/archives/*.deb", "what was downloaded"),
        Rule("var/cache/fontconfig/*", "holds times; made again when a font is first used"),
        Rule("var/cache/man/*", "holds times; made again by man-db"),
        Rule("var/lib/apt/lists/?*_*", "indexes of an archive, old the day after"),
        Rule("var/lib/dbus/machine-id", "every container is a machine of its own"),
        Rule("var/lib/systemd/random-seed", "must not be the same twice"),
        Rule("var/log/dpkg.log", "when things were done"),
        Rule("var/log/alternatives.log", "the same"),
        Rule("var/log/bootstrap.log", "the same"),
        Rule("var/log/fontconfig.log", "the same"),
        Rule("var/log/apt/*", "the same"),
        Rule(
            "usr/*.cpython-3[0-9].pyc", "before Python 3.11, sets in bytecode were in a random order (bpo-37596)"
        ),
        Rule("usr/*.cpython-310.pyc", "the same"),
        Rule("run/*", "made when a system starts"),
        Rule("tmp/*", "temporary"),
        Rule("var/tmp/*", "temporary"),
        Rule("dev/*", "made by whoever runs a container"),
    )
)
"""What is gone after configuration."""

EMPTIED = Rules(
    (
        Rule("etc/machine-id", "an empty one is filled in when a system first starts (machine-id(5))"),
        Rule("etc/hostname", "a container gets its own"),
        Rule("etc/resolv.conf", "a container gets its own"),
        Rule("var/log/faillog", "failed logins; useradd writes an empty record into it"),
        Rule("var/log/lastlog", "last logins; the same"),
    )
)
"""Files that stay, without content."""

DIRECTORIES = (("run/lock", 0o1777),)
"""Directories that a package's script makes where the sandbox has a file system of its own: path, mode."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is done with the files of a root: those of ``state`` are a layer of their own, others are ``removed``
    or ``emptied``, ``directories`` (path, mode) are made."""

    state: Rules
    removed: Rules
    emptied: Rules
    directories: tuple[tuple[str, int], ...] = ()


DEBIAN_LAYOUT = Layout(STATE, REMOVED, EMPTIED, DIRECTORIES)
"""That of roots that dpkg configures."""


def split(entries: Sequence[Entry], rules: Rules = STATE) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """A sorted tree in two: files that stay as they are, and state (``rules``) with the directories above it."""
    state = {entry.path for entry in entries if entry.kind is not Kind.DIRECTORY and rules.match(entry.path)}
    above: set[str] = set()
    for path in state:
        parent = path.rpartition("/")[0]
        while parent and parent not in above:
            above.add(parent)
            parent = parent.rpartition("/")[0]
    layer = tuple(entry for entry in entries if entry.path not in state)
    return layer, tuple(entry for entry in entries if entry.path in state or entry.path in above)


_TRIVIAL = re.compile(
    rb"\s*|#.*|set -e|exit 0|"
    rb"dpkg-maintscript-helper (rm_conffile|mv_conffile|symlink_to_dir|dir_to_symlink) "
    rb"[A-Za-z0-9/_.:+ ~'\\-]+ -- \"\$@\""
)


def does_something(preinst: bytes) -> bool:
    """Whether a preinst script can have an effect on a package that was not installed before.

    Most are made of dpkg-maintscript-helper's lines, which by their definition only look at an older version.
    """
    return not all(_TRIVIAL.fullmatch(line) for line in preinst.split(b"\n"))


def bootstrap(packages: Iterable[LockedPackage]) -> frozenset[str]:
    """Names of the packages that are unpacked before any script runs: Essential, and what they depend on."""
    by_name = {package.name: package for package in packages}
    todo = [name for name, package in by_name.items() if package.essential or name in BOOTSTRAP]
    return closure(todo, by_name)


def closure(names: Iterable[str], packages: dict[str, LockedPackage]) -> frozenset[str]:
    """The names with all they depend on, as far as ``packages`` has them."""
    found: set[str] = set()
    todo = [name for name in names if name in packages]
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(depend for depend in packages[name].depends if depend in packages)
    return frozenset(found)


def in_order(packages: Iterable[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Each package after what it depends on, as far as there are no circles; the one order for one set."""
    by_name = {package.name: package for package in sorted(packages, key=lambda each: each.name)}
    done: dict[str, LockedPackage] = {}
    for first in by_name:
        stack = [first]
        open_names: set[str] = set()
        while stack:
            name = stack[-1]
            waiting = [
                depend
                for depend in by_name[name].depends
                if depend in by_name and depend not in done and depend not in open_names and depend != name
            ]
            if name in done or not waiting:
                done.setdefault(name, by_name[name])
                stack.pop()
            else:
                open_names.add(name)
                stack.append(waiting[0])
    return tuple(done.values())


# debootstrap, functions, setup_merged_usr: directories that are links into /usr. From trixie on, base-files ships
# them; before bookworm Debian's images do not have them. Ubuntu's are merged since 21.04, by whoever makes the
# root (debootstrap, scripts/gutsy); from noble on only with the directories that its C library really uses.
_MULTILIB: dict[str, tuple[str, ...]] = {
    "amd64": ("lib32", "lib64", "libx32"),
    "i386": ("lib64", "libx32"),
    "ppc64el": ("lib64",),
    "s390x": ("lib32",),
    "mips64el": ("lib32", "lib64", "libo32"),
}
_LINKER: dict[str, tuple[str, ...]] = {"amd64": ("lib64",), "ppc64el": ("lib64",)}
_MERGED: dict[str, dict[str, tuple[str, ...]]] = {
    "bookworm": _MULTILIB,
    "jammy": _MULTILIB,
    "noble": _LINKER,
    "resolute": _LINKER,
}


def merged_links(suite: str, architecture: str) -> tuple[str, ...]:
    """Names in the root directory that must be links to the same name in ``usr`` before anything is unpacked.

    A package that ships such a link itself finds it there already.
    """
    if suite not in _MERGED:
        return ()
    return ("bin", "sbin", "lib", *_MERGED[suite].get(architecture, ()))


FIRST_PACKAGES = ("base-files", "base-passwd")
"""Packages whose preinst comes first: the directories, then the users that all others name."""


ENVIRONMENT = (
    ("DEBCONF_NONINTERACTIVE_SEEN", "true"),  # what was asked without anyone there counts as answered
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("PERL_HASH_SEED", "0"),  # debconf and others write what they iterate over
    ("PERL_PERTURB_KEYS", "0"),
    ("PYTHONHASHSEED", "0"),  # py3compile's bytecode depends on the order it reads modules in
    ("TZ", "UTC"),
)
"""What maintainer scripts see, besides SOURCE_DATE_EPOCH."""

WITHOUT_SYNC = ("/var/lib/dpkg/updates",)
"""dpkg's journal, flushed to the disk at every change and empty at the end: a tmpfs saves half of its time."""


def configure_script() -> Script:
    """The script that runs inside the root; see its head for its arguments."""
    return Script("root-configure", _text("root-configure.sh"), ENVIRONMENT)


@cache
def _text(name: str) -> str:
    return resources.files("imagewright.recipes").joinpath("scripts", name).read_text(encoding="utf-8")
