# SPDX-License-Identifier: Apache-2.0
"""An image on Ubuntu from nothing: an archive in its layout, signed on the spot, locked, built, checked, and used.

The packages are Debian's (trixie), as no archive of Ubuntu can be asked here; see ``support/ubuntu.py``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from imagewright.catalog.resolve import wished
from imagewright.catalog.shipped import shipped_catalog
from imagewright.model.lock import Role
from imagewright.model.packages import LockedPackage
from imagewright.planning.lockfile import read_lock
from peers.fixtures import Built, Workshop
from support import real_debs
from support.apt_oracle import AptOracle
from support.archive import SigningKey
from support.debs import make_deb
from support.loopback import Loopback, serve
from support.machine import need_root, unpack_archive
from support.ubuntu import UbuntuArchive, suite_table

pytestmark = [pytest.mark.integration, pytest.mark.slow]
SPEC = ("3.13-slim-noble", "--profile", "quick")
UNIVERSE = {"libbluetooth-dev", "tk-dev", "libdb-dev"}
KEYRING = "usr/share/keyrings/ubuntu-archive-keyring.gpg"

SUITES = ("noble", "jammy")
FULL = """
[[catalog.variant]]
name = "full"
word = ""
title = "with as much of what it has as the test's archive holds"
slim = false
parts = ["interpreter", "development", "installers", "extras", "debug"]
optional_modules = []
packages = [
  { name = "ca-certificates", why = "TLS" },
  { name = "dpkg-dev", why = "dpkg-buildflags" },
  { name = "gcc", why = "compiles extension modules" },
  { name = "libc6-dev", why = "headers of the C library" },
  { name = "libssl-dev", why = "TLS in extension modules" },
  { name = "netbase", why = "names of services" },
  { name = "tk-dev", why = "tkinter works in this variant" },
  { name = "tzdata", why = "time zones" },
]
"""
"""The full variant with the packages that the archive has anyway; all of them would be 400 more."""


@dataclass(frozen=True, slots=True)
class Ubuntu:
    """An archive that is served, and a directory with a configuration that knows it."""

    archive: UbuntuArchive
    url: Loopback
    workshop: Workshop

    def configure(self, *, fingerprint: str = "", mirrors: str = "ubuntu", full: str = FULL) -> None:
        """Write ``imagewright.toml``: the archive's own key, or another fingerprint; one mirror for all.

        ``full`` is the table of that variant; without any it is the one that ships.
        """
        directory = self.workshop.directory
        (directory / "own.asc").write_text(self.archive.key.certificate)
        address = f'{mirrors} = "{self.url}/{self.archive.prefix}"\n' if mirrors else ""
        (directory / "imagewright.toml").write_text(
            f'[mirrors]\n{address}\n[catalog]\nkeyrings = ["own.asc"]\n\n'
            + "\n".join(suite_table(fingerprint or self.archive.key.fingerprint, name) for name in SUITES)
            + full
        )


@pytest.fixture(scope="module")
def ubuntu(quick_image: Built, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ubuntu]:
    """The packages that the quick image on trixie was made of, and procps, published as Ubuntu's noble."""
    need_root()
    directory = tmp_path_factory.mktemp("ubuntu")
    files: dict[str, bytes] = {}
    archive = UbuntuArchive(directory, files)
    known = _packages(quick_image.workshop)
    for package in known.values():
        deb = quick_image.workshop.store / "blobs" / "sha256" / package.sha256.hex
        _publish(archive, deb, package.name, package.version, package.architecture, zstd=package.essential)
    oracle = AptOracle("trixie", "amd64")
    more = sorted(pair for pair in oracle.install(["procps"]).packages if pair[0] not in known)
    for (name, version), deb in zip(more, real_debs.fetch(oracle, more), strict=True):
        _publish(archive, deb, name, version, "amd64", zstd=True)
    archive.pocket("").add_deb(make_deb(directory, "netbase", "1.0", architecture="all"))
    archive.pocket("").add_deb(make_deb(directory, "qemu-user-static", "1.0"))  # locked for arm64, never run
    archive.add_keyring()
    archive.write()
    workshop = Workshop(directory, quick_image.workshop.store, directory / "imagewright.lock")
    with serve(files) as url:
        made = Ubuntu(archive, url, workshop)
        made.configure()
        yield made


def _packages(workshop: Workshop) -> dict[str, LockedPackage]:
    lock = read_lock(workshop.lock.read_text())
    return {package.name: package for found in lock.sets for package in found.packages if found.suite == "trixie"}


def _publish(archive: UbuntuArchive, deb: Path, name: str, version: str, architecture: str, *, zstd: bool) -> None:
    """Where Ubuntu would have it; one package is an update that is phased, one a security update."""
    file = f"{name}_{version.partition(':')[2] or version}_{architecture}.deb"
    archive.add(
        deb,
        file,
        pocket={"netbase": "-updates", "tzdata": "-security"}.get(name, ""),
        component="universe" if name in UNIVERSE else "main",
        phased="10" if name == "netbase" else "",
        zstd=zstd,
    )


@pytest.fixture(scope="module")
def image(ubuntu: Ubuntu) -> tuple[Any, Path]:
    """The image on noble, and its files."""
    output = ubuntu.workshop.directory / "noble.tar"
    (answer,) = ubuntu.workshop.answer("build", *SPEC, "-o", output)
    root = ubuntu.workshop.directory / "root"
    root.mkdir()
    unpack_archive(output, root)
    output.unlink()
    return answer, root


def test_the_lock_names_pockets_and_takes_a_phased_update(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    answer, _ = image
    assert answer["image"] == "3.13.15-slim-noble"
    assert answer["tags"] == ["3.13.15-slim-noble", "3.13-slim-noble"]
    lock = read_lock(ubuntu.workshop.lock.read_text())
    assert {archive.name: archive.mirror for archive in lock.archives} == {
        "noble": "ubuntu",
        "noble-updates": "ubuntu",
        "noble-security": "ubuntu-security",
    }
    packages = {package.name: package for found in lock.sets for package in found.packages}
    assert packages["netbase"].archive == "noble-updates"
    assert packages["netbase"].version != "1.0"
    assert packages["tzdata"].archive == "noble-security"
    assert "/universe/" in packages["tk-dev"].path
    assert lock.profiles == ()


def test_the_acceptance_checks_pass(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    checks = ubuntu.workshop.answer("check", *SPEC)
    assert len(checks) >= 10
    assert [check["check"] for check in checks if not check["passed"]] == []
    assert {"apt", "packages", "privileges"} <= {check["check"] for check in checks}


def test_the_image_is_like_ubuntus(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    _, root = image
    assert (root / "etc/apt/sources.list.d/ubuntu.sources").read_text() == "\n".join(
        f"Types: deb\nURIs: {ubuntu.url}/ubuntu\nSuites: {suites}\nComponents: main universe\n"
        f"Signed-By: /{KEYRING}\n"
        for suites in ("noble noble-updates", "noble-security")
    )
    assert not (root / "etc/apt/sources.list.d/debian.sources").exists()
    for name in ("bin", "sbin", "lib", "lib64"):
        assert (root / name).readlink() == Path(f"usr/{name}")
    assert "path-exclude /usr/share/man/*\n" in (root / "etc/dpkg/dpkg.cfg.d/excludes").read_text()
    assert not [path for path in (root / "usr/share/man").rglob("*") if path.is_file()]
    assert not list((root / "usr/share/locale").glob("*/LC_MESSAGES/*.mo"))
    assert (root / "usr/share/doc/procps/copyright").is_file()
    assert list((root / "usr/share/doc/procps").glob("changelog*"))
    status = (root / "var/lib/dpkg/status").read_text()
    assert "Package: ubuntu-keyring\n" in status
    assert "Package: ubuntu-pro-client\n" not in status


def test_the_images_own_apt_believes_the_archive_and_nothing_else(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    _, root = image
    os.mknod(root / "dev/null", 0o666 | 0o020000, os.makedev(1, 3))
    (root / "dev/null").chmod(0o666)

    def apt(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["chroot", root, *words, "-oAPT::Sandbox::User=root"]
        environment = {"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    updated = apt("apt-get", "update", "-oAPT::Update::Error-Mode=any")
    assert updated.returncode == 0, updated.stderr
    policy = apt("apt-cache", "policy", "netbase").stdout
    assert "noble-updates/main" in policy
    assert "1.0" in policy
    assert apt("apt-get", "--simulate", "upgrade").stdout.count("\nInst ") == 0
    (root / KEYRING).write_bytes(b"")
    assert apt("apt-get", "update", "-oAPT::Update::Error-Mode=any").returncode != 0


def test_full_and_minimal_stand_on_the_same_compile(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    """Every check passes in each: a C extension, tkinter and debug files in one, no shell in the other."""
    specs = ("3.13-noble", "3.13-minimal-noble")
    answers = ubuntu.workshop.answer("build", *specs, *SPEC[1:])
    interpreter = [layer for layer in image[0]["layers"] if layer["step"].startswith("python ")]
    for answer in answers:
        assert [layer for layer in answer["layers"] if layer["step"].startswith("python ")] == interpreter
    assert [answer["tags"] for answer in answers] == [
        ["3.13.15-noble", "3.13-noble"],
        ["3.13.15-minimal-noble", "3.13-minimal-noble"],
    ]
    results = ubuntu.workshop.answer("check", *specs, *SPEC[1:])
    assert [one for one in results if not one["passed"]] == []
    names = {
        answer["image"]: {one["check"] for one in results if one["image"] == answer["image"]} for answer in answers
    }
    assert {"extension", "debug-files", "apt"} <= names["3.13.15-noble"]
    assert {"no-shell", "package-files", "user"} <= names["3.13.15-minimal-noble"]
    said = ubuntu.workshop.call(
        "run",
        specs[1],
        *SPEC[1:],
        "--",
        "python3",
        "-c",
        "import platform; print(platform.freedesktop_os_release()['ID'])",
    )
    assert said.stdout == "debian\n"  # the packages are Debian's


def test_jammy_is_locked_from_its_own_pockets(ubuntu: Ubuntu, tmp_path: Path) -> None:
    before = dict(ubuntu.url.files)
    workshop = Workshop(ubuntu.workshop.directory, ubuntu.workshop.store, tmp_path / "imagewright.lock")
    try:
        ubuntu.archive.write(codename="jammy")
        workshop.call("lock", "3.13-slim-jammy")
    finally:
        ubuntu.url.files.clear()
        ubuntu.url.files.update(before)
    lock = read_lock(workshop.lock.read_text())
    assert {(archive.name, archive.mirror) for archive in lock.archives} == {
        ("jammy", "ubuntu"),
        ("jammy-updates", "ubuntu"),
        ("jammy-security", "ubuntu-security"),
    }
    names = {package.name for found in lock.sets for package in found.packages}
    assert {"ubuntu-keyring", "procps", "apt"} <= names
    assert not {"ubuntu-pro-client", "ubuntu-advantage-tools", "unminimize"} & names


def test_the_whole_list_of_full_is_locked(tmp_path: Path) -> None:
    """Debian's indexes as Ubuntu's: whether Ubuntu has these names too is seen only where its archive is."""
    need_root()
    files: dict[str, bytes] = {}
    archive = UbuntuArchive(tmp_path, files)
    archive.add_keyring()
    indexes = [path.read_bytes() for path in AptOracle("trixie", "amd64").lists().values()]
    indexes.append(archive.pocket("").index("main", "amd64"))
    archive.write(packages=b"\n".join(index.rstrip(b"\n") + b"\n" for index in indexes))
    # A store of its own: this archive is newer than the other tests', which would look like old states after it.
    workshop = Workshop(tmp_path, tmp_path / "store", tmp_path / "imagewright.lock")
    with serve(files) as url:
        Ubuntu(archive, url, workshop).configure(full="")
        workshop.call("lock", "3.13-noble")
    names = {package.name for found in read_lock(workshop.lock.read_text()).sets for package in found.packages}
    catalog = shipped_catalog()
    wanted = wished(catalog.by_variant["full"].packages, "3.13", "noble")
    assert len(wanted) > 50
    assert set(wanted) <= names


def test_a_second_build_is_all_cached(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    (again,) = ubuntu.workshop.answer("build", *SPEC)
    assert again["digest"] == image[0]["digest"]
    assert all(step["cached"] for step in again["steps"])


def test_no_address_is_a_wrong_configuration(ubuntu: Ubuntu) -> None:
    ubuntu.configure(mirrors="")
    try:
        error = ubuntu.workshop.answer("lock", SPEC[0], expect=3)["error"]
    finally:
        ubuntu.configure()
    assert "ubuntu" in error["message"]
    assert "--mirror ubuntu=URL" in error["hint"]
    foreign = ubuntu.workshop.answer("lock", SPEC[0], "--platform", "linux/arm64", expect=3)["error"]
    assert "--mirror ubuntu-ports=URL" in foreign["hint"]


def test_another_key_and_an_older_state_are_not_believed(ubuntu: Ubuntu, image: tuple[Any, Path]) -> None:
    before = dict(ubuntu.url.files)
    try:
        ubuntu.archive.write(signer=SigningKey.make())
        assert ubuntu.workshop.answer("lock", SPEC[0], expect=5)["error"]["kind"]
        ubuntu.archive.write(date=datetime.now(UTC) - timedelta(days=30))
        older = ubuntu.workshop.answer("lock", SPEC[0], expect=5)["error"]
        assert "older than the one seen before" in older["message"]
    finally:
        ubuntu.url.files.update(before)


def test_arm64_comes_from_the_ports_mirror(ubuntu: Ubuntu, tmp_path: Path) -> None:
    index = AptOracle("trixie", "arm64").lists()["trixie"].read_bytes()
    files: dict[str, bytes] = {}
    ports = UbuntuArchive(tmp_path, files, prefix="ubuntu-ports", key=ubuntu.archive.key)
    ports.add_keyring()
    own = ports.pocket("").index("main", "arm64")
    ports.write(architectures=("arm64",), packages=index.rstrip(b"\n") + b"\n\n" + own)
    with serve(files) as url:
        workshop = Workshop(ubuntu.workshop.directory, ubuntu.workshop.store, tmp_path / "imagewright.lock")
        address = f"ubuntu-ports={url}/ubuntu-ports"
        workshop.call("--mirror", address, "lock", SPEC[0], "--platform", "linux/arm64", "--foreign", "emulated")
        asked = url.paths()
    lock = read_lock(workshop.lock.read_text())
    archives = {archive.name: (archive.mirror, archive.suite) for archive in lock.archives}
    assert {name: found for name, found in archives.items() if name.endswith("-ports")} == {
        "noble-ports": ("ubuntu-ports", "noble"),
        "noble-security-ports": ("ubuntu-ports", "noble-security"),
        "noble-updates-ports": ("ubuntu-ports", "noble-updates"),
    }
    assert archives["noble"] == ("ubuntu", "noble")  # for this machine's own: the emulator
    assert {found.role: found.architecture for found in lock.sets} == {
        Role.BASE: "arm64",
        Role.BUILDROOT: "arm64",
        Role.EMULATOR: "amd64",
        Role.RUNTIME: "arm64",
    }
    assert any("/by-hash/SHA256/" in path for path in asked)
