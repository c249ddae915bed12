# SPDX-License-Identifier: Apache-2.0
"""Roots as mmdebstrap makes them: the same packages give the same tree, but for what is listed with its reason.

The list is explained in docs/explanation/roots.md. ``IMAGEWRIGHT_ROOT_ORACLE`` names the suites
(``trixie bookworm``).
"""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import zstandard

import imagewright
from imagewright.engine.roots import AssembledRoot, ExtendedRoot, Machine, extend_root
from imagewright.engine.trees import apply, scan
from imagewright.model.sandboxing import PlainRoot, SandboxRequest
from imagewright.model.tree import Entry, Kind
from imagewright.recipes.pathrules import PathRules
from imagewright.recipes.roots import SLIM_EXCLUDE, SLIM_INCLUDE
from imagewright.sandbox.runner import NamespaceSandbox
from support import root_worker
from support.apt_oracle import KEYRING, AptOracle, NoOracleError, machine_mirrors
from support.machine import lacking, need_root, open_directory, ordinary_person, program, root_person
from support.real_debs import FileBlobs, digest_of, fetch, lock

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SUITES = os.environ.get("IMAGEWRIGHT_ROOT_ORACLE", "trixie bookworm").split()
EXTENSION = ("ca-certificates", "dbus", "git", "libsqlite3-0", "mercurial", "netbase", "procps")
HOOKS = Path("/usr/share/mmdebstrap/hooks")

# What differs, and why; a pattern may match nothing in one suite or another. Only for what is in both trees, the
# contents may differ.
ONLY_OURS = {
    "etc/apt/apt.conf.d/docker-*": "apt as a container wants it",
    "etc/apt/sources.list.d/debian.sources": "the archive in deb822 form",
    "etc/dpkg/dpkg.cfg.d/docker*": "dpkg as a container wants it",
    "usr/sbin/policy-rc.d": "no service starts in a container that is being built",
}
ONLY_THEIRS = {
    "dev/*": "device nodes: whoever runs a container makes them",
    "etc/apt/apt.conf.d/99mmdebstrap": "its --aptopt",
    "etc/apt/sources.list": "the archive in the one-line form",
    "etc/dpkg/dpkg.cfg.d/99mmdebstrap": "its --dpkgopt",
    "etc/fstab": "a comment; a container has no file systems to mount",
    "etc/hostname": "the building machine's",
    "etc/resolv.conf": "the building machine's",
    "etc/*-": "backups of the user database",
    "var/cache/debconf/*-old": "backups",
    "var/cache/fontconfig/*": "holds times of directories",
    "var/lib/dpkg/*-old": "backups",
    "var/lib/ucf/*.[0-9]": "backups",
    "var/lib/apt/lists/*": "indexes of the archive",
    "var/cache/apt/*": "caches",
    "var/log/fontconfig.log": "times",
    "usr/*.cpython-39.pyc": "bytecode of Python before 3.11 is not reproducible",
}
METADATA = {
    "var/*/apt/*partial": "apt gives them to its own user when it first downloads something",
}
CONTENT = {
    "etc/shadow": "the date of the last change is the epoch's, not today",
    "var/lib/apt/extended_states": "nothing counts as automatic here; mmdebstrap leaves it to apt",
    "*.pyc": "hash-based where SOURCE_DATE_EPOCH is set (PEP 552), so that no time is in them",
    "var/lib/dpkg/triggers/File": "the same lines in the order in which packages were unpacked",
    "var/cache/debconf/config.dat": "the same answers in another order",
    "var/log/faillog": "emptied: useradd wrote records without content",
    "var/log/lastlog": "the same",
    "etc/ld.so.cache": "the same libraries; equal entries in the order of directories",
}


@dataclass(frozen=True)
class Pair:
    """mmdebstrap's tree and ours, of the same packages."""

    suite: str
    theirs: Path
    ours: AssembledRoot
    debs: list[Path]
    oracle: AptOracle


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    need_root()
    program("mmdebstrap", "mmdebstrap")
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="module", params=SUITES)
def pair(request: pytest.FixtureRequest, place: Path) -> Pair:
    suite = request.param
    try:
        oracle = AptOracle(suite, "amd64")
        theirs = mmdebstrap(oracle, place / f"{suite}-theirs")
        debs = fetch(oracle, installed(theirs))
    except NoOracleError as error:
        lacking(str(error))
    return Pair(suite, theirs, root_worker.build(debs, suite, 2, place / f"{suite}-ours"), debs, oracle)


def mmdebstrap(oracle: AptOracle, target: Path, include: tuple[str, ...] = ()) -> Path:
    mirrors = machine_mirrors()
    suite = oracle.suite
    arguments = ["mmdebstrap", "--quiet", "--variant=minbase", '--aptopt=APT::Install-Recommends "false"']
    if suite == "bookworm":
        arguments.append(f"--hook-dir={HOOKS}/merged-usr")
    if include:
        arguments.append(f"--include={','.join(include)}")
    arguments += [f"--dpkgopt=path-exclude={pattern}" for pattern in SLIM_EXCLUDE]
    arguments += [f"--dpkgopt=path-include={pattern}" for pattern in SLIM_INCLUDE]
    option = f"[signed-by={KEYRING}]"
    sources = [
        f"deb {option} {mirrors.archive} {suite} main",
        f"deb {option} {mirrors.archive} {suite}-updates main",
        f"deb {option} {mirrors.security} {suite}-security main",
    ]
    result = subprocess.run(
        [*arguments, suite, target, *sources], capture_output=True, text=True, timeout=1200, check=False
    )
    if result.returncode:
        raise NoOracleError(f"mmdebstrap failed: {result.stderr[-1000:]}")
    return target


def installed(root: Path) -> list[tuple[str, str]]:
    found = []
    for stanza in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version): (.*)$", stanza, re.MULTILINE))
        if fields:
            found.append((fields["Package"], fields["Version"]))
    return sorted(found)


def explained(path: str, *reasons: dict[str, str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for table in reasons for pattern in table)


def differences(theirs: Path, ours: Path) -> list[str]:
    """What nobody has explained."""
    left = {entry.path: entry for entry in scan(theirs).entries}
    right = {entry.path: entry for entry in scan(ours).entries}
    found = [f"only theirs: {path}" for path in left.keys() - right.keys() if not explained(path, ONLY_THEIRS)]
    found += [f"only ours: {path}" for path in right.keys() - left.keys() if not explained(path, ONLY_OURS)]
    for path in sorted(left.keys() & right.keys()):
        one, other = left[path], right[path]
        for field in ("kind", "mode", "uid", "gid", "link", "xattrs"):
            if getattr(one, field) != getattr(other, field) and not explained(path, METADATA):
                found.append(f"{path}: {field} {getattr(one, field)!r}, ours {getattr(other, field)!r}")
        if one.kind is other.kind is Kind.FILE and not explained(path, CONTENT):
            if (theirs / path).read_bytes() != (ours / path).read_bytes():
                found.append(f"{path}: content")
            elif one.mtime != other.mtime and one.mtime <= newest(right):
                found.append(f"{path}: time {one.mtime}, ours {other.mtime}")
    return sorted(found)


def newest(entries: dict[str, Entry]) -> int:
    """Our epoch: later times were clamped to it."""
    return max(entry.mtime for entry in entries.values())


def test_the_same_tree(pair: Pair) -> None:
    found = differences(pair.theirs, pair.ours.tree)
    assert not found, "\n".join(found)


def test_explained_contents_are_equivalent(pair: Pair) -> None:
    for path in ("var/lib/dpkg/triggers/File", "var/cache/debconf/config.dat"):
        if not (pair.theirs / path).exists():  # bullseye's base has no trigger on a path
            assert not (pair.ours.tree / path).exists()
            continue
        theirs, ours = ((tree / path).read_text().splitlines() for tree in (pair.theirs, pair.ours.tree))
        assert sorted(theirs) == sorted(ours), path
    shadow = [(tree / "etc/shadow").read_text() for tree in (pair.theirs, pair.ours.tree)]
    dates = re.compile(r"(?m)^([^:]*:[^:]*):\d+:")
    assert dates.sub(r"\1::", shadow[0]) == dates.sub(r"\1::", shadow[1])
    days = {int(day) for day in re.findall(r"(?m)^[^:]*:[^:]*:(\d+):", shadow[1])}
    assert all(day <= pair.ours.epoch // 86_400 for day in days)


def test_dpkg_and_apt_are_content(pair: Pair) -> None:
    output: list[bytes] = []
    script = """
        test -z "$(dpkg --audit)" || exit 1
        apt-get check || exit 1
        dpkg --verify | grep -v ' /usr/share/'
        apt-config dump
    """
    result = NamespaceSandbox().run(
        SandboxRequest(
            PlainRoot(pair.ours.tree), ("/bin/sh", "-c", script), (("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),)
        ),
        output.append,
    )
    text = b"".join(output).decode()
    assert result.status == 0, text
    assert 'APT::AutoRemove::SuggestsImportant "false";' in text
    assert 'Acquire::GzipIndexes "true";' in text
    changed = [line for line in text.splitlines() if re.match(r"^[^ ]*5[^ ]* ", line)]
    assert changed == []  # no file of a package has another content than its package says


@pytest.mark.parametrize(("jobs", "umask", "who"), [(1, 0o077, "root"), (4, 0o002, "root"), (2, 0o022, "user")])
def test_bit_for_bit_wherever(pair: Pair, place: Path, jobs: int, umask: int, who: str) -> None:
    person = root_person() if who == "root" else ordinary_person()
    code = place / "code"
    if not code.exists():  # where an ordinary user may read it
        shutil.copytree(Path(imagewright.__path__[0]), code / "imagewright")
        shutil.copytree(Path(zstandard.__path__[0]), code / "zstandard")
        shutil.copytree(Path(root_worker.__file__).parent, code / "tests/support")
    debs = place / f"{pair.suite}-debs"
    if not debs.exists():
        debs.mkdir(mode=0o755)
        for path in pair.debs:
            shutil.copy(path, debs)
    home = person.own(place / f"{pair.suite}-{jobs}-{umask:o}-{who}")
    worker = str(code / "tests/support/root_worker.py")
    command = [person.python, "-B", worker, str(debs), pair.suite, str(jobs), str(home / "w")]
    process = person.popen(
        command,
        stderr=subprocess.PIPE,
        umask=umask,
        cwd=home,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(code), "TZ": "Asia/Tokyo", "LC_ALL": "C"},
    )
    out, error = process.communicate(timeout=900)
    assert process.returncode == 0, error.decode()[-2000:]
    assert out.decode().split() == [digest_of(pair.ours.layer()), digest_of(pair.ours.state())]  # type: ignore[arg-type]


def test_packages_on_top(pair: Pair, place: Path) -> None:
    """An extension with users, alternatives, diversions, byte-compiling, Pre-Depends: as if installed at once."""
    workspace = place / f"{pair.suite}-extension"
    workspace.mkdir()
    try:
        reference = mmdebstrap(pair.oracle, place / f"{pair.suite}-theirs-extended", EXTENSION)
        debs = fetch(pair.oracle, sorted(set(installed(reference)) - set(installed(pair.theirs))))
    except NoOracleError as error:
        lacking(str(error))
    blobs = FileBlobs()
    below = lock(pair.debs, blobs)
    roots: list[ExtendedRoot] = []
    for number in range(2):
        space = workspace / str(number)
        space.mkdir()
        with (space / "log").open("wb") as log:
            machine = Machine(blobs, NamespaceSandbox(), log.write, 1 + number)  # type: ignore[arg-type]
            roots.append(
                extend_root(
                    lock(debs, blobs, below), (pair.ours.tree,), machine, space, architecture="amd64",
                    rules=PathRules(SLIM_EXCLUDE, SLIM_INCLUDE), epoch=pair.ours.epoch,
                )
            )  # fmt: skip
    one, other = ((digest_of(root.layer()), digest_of(root.state())) for root in roots)  # type: ignore[arg-type]
    assert one == other
    merged = workspace / "merged"
    merged.mkdir(mode=0o755)
    for part in (pair.ours.layer(), roots[0].layer(), roots[0].state()):
        apply(part, merged)
    found = differences(reference, merged)
    assert not found, "\n".join(found)
