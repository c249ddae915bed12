# SPDX-License-Identifier: Apache-2.0
"""The real archives, but for a security archive of a test's own, in which packages were patched a minute ago."""

from __future__ import annotations

import json
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import tomli_w

from imagewright.app.application import Imagewright
from imagewright.app.world import SystemClock, World
from imagewright.catalog.shipped import shipped_documents
from imagewright.model.general import GlobalOptions
from imagewright.planning.lockfile import read_lock
from imagewright.store.store import Store
from peers.fixtures import QUICK, Built
from support.archive import SignedArchive, SigningKey
from support.machine import program

KEY = SigningKey.make()
PATCHED = ("hostname", "netbase")
"""One package of the base, one of the runtime layer."""


@dataclass(frozen=True)
class Patched:
    """An application whose suite has a security archive of its own, at ``security``, with newer packages.

    The configuration lies beside the lock and does not name that address.
    """

    application: Imagewright
    platform: str
    lock: Path
    security: str


@contextmanager
def patching(
    quick_image: Built, tmp_path: Path, script: str = "", *, patch: tuple[str, ...] = PATCHED, beside: bool = False
) -> Iterator[Patched]:
    """The workshop's store and lock, and packages that were patched a minute ago.

    ``script`` is what configures the packages, in place of their own. With ``beside`` the archive also has what is
    locked from the real one, so that nothing but ``patch`` changes.
    """
    program("dpkg-deb", "dpkg")
    workshop = quick_image.workshop
    forget_others(workshop.store, quick_image.answer["image"], quick_image.answer["platform"])
    archive = SignedArchive(tmp_path / "archive", KEY)
    for deb in newer_debs(workshop.lock, workshop.store, tmp_path, script, patch):
        archive.add_deb(deb)
    for deb in locked_debs(workshop.lock, workshop.store, tmp_path) if beside else ():
        archive.add_deb(deb)
    # No younger than the real one, which the shared store would else refuse as a rollback from then on.
    locked = {one.name: one for one in read_lock(workshop.lock.read_text()).archives}
    date = datetime.fromisoformat(locked["trixie-security"].date)
    archive.write(suite="stable-security", codename="trixie-security", date=date)
    shutil.copy(workshop.lock, tmp_path / "imagewright.lock")
    (tmp_path / "imagewright.toml").write_text(configuration())
    (tmp_path / "key.asc").write_text(KEY.certificate)
    with archive.serve() as url:
        options = GlobalOptions(
            store=workshop.store,
            config=tmp_path / "imagewright.toml",
            lock=tmp_path / "imagewright.lock",
            mirrors=(("debian-security", str(url)),),
        )
        application = Imagewright(World(options, SystemClock(), 0o022))
        yield Patched(application, quick_image.answer["platform"], tmp_path / "imagewright.lock", str(url))
    # The store is shared: other tests expect the image that their own lock describes.
    again = json.loads(workshop.call("build", *QUICK, "--json", "--progress", "none").stdout)
    assert again[0]["digest"] == quick_image.answer["digest"]


def forget_others(store: Path, spec: str, platform: str) -> None:
    """Take the names of other tests' images away, which this archive has no packages for."""
    with Store.open(store, clock=SystemClock()) as opened:
        others = [image for image in opened.images.all() if (image.spec, image.platform) != (spec, platform)]
        opened.images.remove(others)


def locked_debs(lock: Path, store: Path, directory: Path) -> Iterator[Path]:
    """What is locked from the security archive and in this store, as it is."""
    packages = {one.sha256: one for found in read_lock(lock.read_text()).sets for one in found.packages}
    for sha256, package in packages.items():
        if package.archive == "trixie-security":
            with Store.open(store, clock=SystemClock()) as opened:
                if not opened.blobs.has(sha256):
                    continue  # of a build root that nobody unpacked here
                path = directory / Path(package.path).name
                path.write_bytes(opened.blobs.path(sha256).read_bytes())
            yield path


def newer_debs(
    lock: Path, store: Path, directory: Path, script: str, patch: tuple[str, ...] = PATCHED
) -> Iterator[Path]:
    """The locked packages once more, as a later version."""
    packages = {package.name: package for found in read_lock(lock.read_text()).sets for package in found.packages}
    for name in patch:
        package = packages[name]
        with Store.open(store, clock=SystemClock()) as opened:
            deb = opened.blobs.path(package.sha256)
        root = directory / name
        subprocess.run(["dpkg-deb", "-R", deb, root], check=True)
        control = root / "DEBIAN" / "control"
        control.write_text(
            control.read_text().replace(f"Version: {package.version}", f"Version: {package.version}.1")
        )
        if script:
            (root / "DEBIAN" / "postinst").write_text(script)
            (root / "DEBIAN" / "postinst").chmod(0o755)
        path = directory / f"{name}_9_{package.architecture}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", root, path], check=True, stdout=subprocess.DEVNULL)
        yield path


def configuration() -> str:
    """Debian's own archives, but for the security archive, which the test's key signs."""
    suites = tomllib.loads(shipped_documents()["suites.toml"])["suite"]
    trixie = next(suite for suite in suites if suite["name"] == "trixie")
    for archive in trixie["archives"]:
        if archive["name"] == "trixie-security":
            archive["keys"] = [KEY.fingerprint]
    return tomli_w.dumps({"catalog": {"keyrings": ["key.asc"], "suite": [trixie]}})
