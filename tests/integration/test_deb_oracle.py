# SPDX-License-Identifier: Apache-2.0
"""Real packages read as dpkg-deb reads them: names, modes, owners, times, link targets, contents, control data.

The packages are chosen from three suites by a fixed seed. ``IMAGEWRIGHT_DEB_ORACLE`` says how many (42; 500
for all that was promised).
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.archives.debian.ar import read_ar
from imagewright.archives.debian.deb import open_deb, read_control
from imagewright.model.tree import Kind
from support.apt_oracle import AptOracle, NoOracleError
from support.machine import lacking, program
from support.real_debs import fetch

pytestmark = pytest.mark.integration

SUITES = ("bullseye", "bookworm", "trixie")
COUNT = int(os.environ.get("IMAGEWRIGHT_DEB_ORACLE", "42"))
LARGEST = 4_000_000
KINDS = {
    tarfile.REGTYPE: Kind.FILE,
    tarfile.AREGTYPE: Kind.FILE,
    tarfile.DIRTYPE: Kind.DIRECTORY,
    tarfile.SYMTYPE: Kind.SYMLINK,
    tarfile.LNKTYPE: Kind.HARDLINK,
}
Row = tuple[str, Kind, int, tuple[int, int], int, int, str, str]


def chosen(oracle: AptOracle, count: int) -> list[tuple[str, str]]:
    """Packages of the suite's main archive, by a fixed seed over its sorted names; none is too large to fetch."""
    text = oracle.lists()[oracle.suite].read_text()
    rows = []
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Size): (.*)$", stanza, re.MULTILINE))
        if fields and int(fields["Size"]) <= LARGEST:
            rows.append((fields["Package"], fields["Version"]))
    # Seen to be hard links, set-user-id, long names, compressed with gzip, or owned by others than root.
    odd = {"perl-base", "sudo", "git", "ca-certificates", "base-files", "dbus", "zsh-common", "man-db"}
    rng = random.Random(f"imagewright {oracle.suite}")
    rest = sorted(row for row in rows if row[0] not in odd)
    return [row for row in sorted(rows) if row[0] in odd] + rng.sample(rest, count)


@pytest.fixture(scope="module")
def packages() -> list[Path]:
    program("dpkg-deb", "dpkg")
    found: list[Path] = []
    for number, suite in enumerate(SUITES):
        share = (COUNT + number) // len(SUITES)
        try:
            oracle = AptOracle(suite, "amd64")
            found += fetch(oracle, chosen(oracle, share))
        except NoOracleError as error:
            lacking(str(error))
    return found


def ours(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for entry, content in open_deb(file, path.name).entries():
            digest = hashlib.sha256(content.read() if content is not None else b"").hexdigest()
            owner = (entry.uid, entry.gid)
            yield entry.path, entry.kind, entry.mode, owner, entry.mtime, entry.size, entry.link, digest


def theirs(path: Path) -> Iterator[Row]:
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isreg() else None
                digest = hashlib.sha256(content.read() if content is not None else b"").hexdigest()
                size = member.size if member.isreg() else 0
                link = member.linkname.removeprefix("./") if member.islnk() else member.linkname
                name = member.name.removeprefix("./").removeprefix(".").rstrip("/")
                owner = (member.uid, member.gid)
                mode, mtime = member.mode & 0o7777, int(member.mtime)
                yield name, KINDS[member.type], mode, owner, mtime, size, link, digest
    assert process.returncode == 0


def test_data_is_read_as_dpkg_reads_it(packages: list[Path]) -> None:
    seen: Counter[str] = Counter()
    for path in packages:
        assert list(ours(path)) == list(theirs(path)), path.name
        with path.open("rb") as file:
            seen.update(member.name for member in read_ar(file, path.name))
    assert len(packages) >= COUNT
    assert seen["data.tar.xz"] > 0
    print(f"{len(packages)} packages: {dict(seen)}")


def test_control_is_read_as_dpkg_reads_it(packages: list[Path], tmp_path: Path) -> None:
    for number, path in enumerate(packages):
        with path.open("rb") as file:
            control = read_control(file, path.name)
        directory = tmp_path / str(number)
        subprocess.run(["dpkg-deb", "--control", path, directory], check=True)
        extracted = {each.name: each for each in directory.iterdir()}
        assert extracted.pop("control").read_text() == control.text
        assert set(extracted) == set(control.files), path.name
        for name, each in extracted.items():
            assert each.read_bytes() == control.files[name], (path.name, name)
            assert each.stat().st_mode & 0o7777 == control.modes[name], (path.name, name)
        shown = subprocess.run(
            ["dpkg-deb", "--show", "--showformat=${Package} ${Version} ${Architecture} ${Multi-Arch}", path],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        mine = f"{control.name} {control.version} {control.architecture} {control.get('multi-arch') or 'no'}"
        assert shown.stdout == mine


@pytest.mark.parametrize("compression", ["none", "gzip", "xz", "zstd"])
@pytest.mark.parametrize("uniform", [True, False])
def test_what_dpkg_deb_writes(tmp_path: Path, compression: str, uniform: bool) -> None:
    program("dpkg-deb", "dpkg")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN/control").write_text(
        "Package: made\nVersion: 2:1.0~rc1-3\nArchitecture: all\nMaintainer: t <t@example.org>\n"
        "Description: d\n long\n"
    )
    deep = tree / "/".join(["directory-with-a-long-name"] * 6)
    deep.mkdir(parents=True)
    (deep / ("x" * 120)).write_bytes(os.urandom(300_000) + bytes(3_000_000))
    (tree / "link").symlink_to("y" * 200)
    os.link(deep / ("x" * 120), tree / "hard")
    (tree / "bin").mkdir()
    (tree / "bin/su").write_bytes(b"")
    (tree / "bin/su").chmod(0o6755)
    option = "--uniform-compression" if uniform else "--no-uniform-compression"
    path = tmp_path / "made.deb"
    subprocess.run(
        ["dpkg-deb", f"-Z{compression}", option, "--build", tree, path], check=True, stdout=subprocess.DEVNULL
    )
    rows = list(ours(path))
    assert rows == list(theirs(path))
    assert {row[1] for row in rows} == {Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.HARDLINK}
    with path.open("rb") as file:
        assert read_control(file, "made").version == "2:1.0~rc1-3"
