# SPDX-License-Identifier: Apache-2.0
"""Roots without shell and package manager: packages unpacked, no script of theirs run (recipes/bare.py)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imagewright.archives.debian.deb import Control
from imagewright.engine.dpkg import make_directory
from imagewright.engine.normalise import normalise, now_on
from imagewright.engine.overlays import Overlay
from imagewright.engine.roots import ExtendedRoot, Machine
from imagewright.engine.sites import Place, make_home
from imagewright.engine.trees import scan, walk
from imagewright.engine.unpack import Unpacked, Unpacker, disk
from imagewright.model.packages import LockedPackage
from imagewright.model.plan import RootWork
from imagewright.model.tree import EntryStream, Kind
from imagewright.recipes import bare as recipe
from imagewright.recipes import roots as roots_recipe
from imagewright.recipes.authorities import LOCAL_AUTHORITIES, authority_name
from imagewright.recipes.pathrules import PathRules


@dataclass(frozen=True, slots=True)
class BareRoot:
    """A root of its own. ``epoch`` (seconds) is the latest modification time in its packages."""

    tree: Path
    epoch: int

    def layer(self) -> EntryStream:
        """All of it, sorted: nothing here is rewritten by a later installation."""
        return walk(self.tree)


def assemble_bare(work: RootWork, machine: Machine, workspace: Path) -> BareRoot:
    """Make a bare root in ``workspace`` (empty, on the store's file system). The packages must be in the store.

    Depends on the work alone. Raises :class:`VerificationError` for a package that is not what it should be.
    """
    root = workspace / "root"
    started = now_on(workspace)
    with disk("cannot make a root"):
        make_directory(root)
        for name in roots_recipe.merged_links(work.suite, work.architecture):
            make_directory(root / "usr" / name)
            (root / name).symlink_to(f"usr/{name}")
    done = _unpack(Unpacker(root, (), PathRules(work.exclude, work.include), machine.kept), work.packages, machine)
    with disk("cannot finish a root"):
        own = _own_certificates(work, machine)
        certificates = _certificates(root)
        if certificates or own:
            _write(root / recipe.BUNDLE, recipe.bundle(certificates) + recipe.bundle(own))
        _reduce(root)
        for path, text in work.files:
            _write(root / path, text.encode())
        for link in recipe.LINKS:
            _link(root, link)
        _database(root, done)
        for directory in recipe.DIRECTORIES:
            place = root / directory.path
            make_directory(place)
            os.chown(place, directory.owner, directory.owner)
            place.chmod(directory.mode)
        above = Place(root, ())
        for name, data in own:
            _write(above.directory(LOCAL_AUTHORITIES) / name, data)
        if work.account is not None:
            make_home(above, work.account)
    epoch = max((each.newest for each in done), default=0)
    normalise(root, started, epoch, whole=True)
    return BareRoot(root, epoch)


def extend_bare(
    packages: Iterable[LockedPackage],
    lower: tuple[Path, ...],
    machine: Machine,
    workspace: Path,
    *,
    rules: PathRules,
    epoch: int = 0,
) -> ExtendedRoot:
    """Add packages to a bare root (``lower``, topmost first), in ``workspace`` (empty).

    ``epoch`` is that of what lies below, which counts where nothing is added. Raises as
    :func:`assemble_bare`, and :class:`BuildError` for files of ``lower`` that would be hidden.
    """
    upper = workspace / "upper"
    started = now_on(workspace)
    with disk("cannot extend a root"):
        make_directory(upper)
    done = _unpack(Unpacker(upper, lower, rules, machine.kept), packages, machine)
    with disk("cannot finish a root"):
        _reduce(upper)
        for package in done:
            if package.package.name == recipe.BUSYBOX:
                for link in recipe.applet_links(_busybox(package)):
                    _link(upper, link)
        _database(upper, done)
    latest = max((each.newest for each in done), default=epoch)
    normalise(upper, started, latest, whole=False)
    Overlay(upper, lower).check_nothing_hidden()
    return ExtendedRoot(upper, lower, latest)


def _unpack(
    unpacker: Unpacker, packages: Iterable[LockedPackage], machine: Machine
) -> tuple[Unpacked[Control], ...]:
    ordered = sorted(packages, key=lambda package: package.name)
    return unpacker.unpack(
        ordered, lambda package: machine.blobs.open(package.sha256), diversions={}, jobs=machine.jobs
    )


def _certificates(root: Path) -> list[tuple[str, bytes]]:
    place = root / recipe.CERTIFICATES
    return [(str(path.relative_to(place)), path.read_bytes()) for path in sorted(place.rglob("*.crt"))]


def _own_certificates(work: RootWork, machine: Machine) -> list[tuple[str, bytes]]:
    """A person's own, which update-ca-certificates puts after those of packages."""
    found = []
    for certificate in work.certificates:
        with machine.blobs.open(certificate.sha256) as file:
            found.append((authority_name(certificate), file.read()))
    return sorted(found)


def _reduce(root: Path) -> None:
    for entry in scan(root).entries:
        unwanted = recipe.REMOVED.match(entry.path) and not recipe.KEPT.match(entry.path)
        if unwanted and entry.kind is not Kind.DIRECTORY:
            (root / entry.path).unlink()


def _link(root: Path, link: recipe.Link) -> None:
    place = root / link.path
    make_directory(place.parent)
    if place.is_symlink():
        return
    if place.is_dir():
        place.rmdir()
    place.symlink_to(link.target)


def _database(root: Path, packages: Iterable[Unpacked[Control]]) -> None:
    """A file for each package with its control data, and one with checksums of what is there of it."""
    place = root / recipe.STATUS
    for package in packages:
        control = package.control
        first, _, rest = control.text.strip("\n").partition("\n")
        _write(place / control.name, f"{first}\nStatus: install ok installed\n{rest}\n".encode())
        sums = control.files.get("md5sums", b"").decode("utf-8", "surrogateescape")
        kept = [line for line in sums.splitlines() if _is_there(root, line)]
        data = "".join(f"{line}\n" for line in kept).encode("utf-8", "surrogateescape")
        _write(place / f"{control.name}.md5sums", data)


def _is_there(root: Path, line: str) -> bool:
    """Whether a line of md5sums, ``DIGEST  PATH``, is about a file that was kept.

    A package made before ``/lib`` was merged into ``/usr/lib`` names a path through a link that may lie below.
    """
    path = line.partition("  ")[2].removeprefix("./")
    return bool(path) and any((root / name).is_file() for name in (path, f"usr/{path}"))


def _busybox(package: Unpacked[Control]) -> str:
    return next(path[1:] for path in package.listed if path.endswith("bin/busybox"))


def _write(path: Path, data: bytes) -> None:
    make_directory(path.parent)
    path.write_bytes(data)
    path.chmod(0o644)
