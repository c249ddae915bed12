# SPDX-License-Identifier: Apache-2.0
"""Real packages of Debian, fetched by apt with the machine's own sources and kept between runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from imagewright.archives.debian.deb import Control, read_control
from imagewright.archives.debian.relations import parse_dependency, parse_relations
from imagewright.model.digest import Digest
from imagewright.model.packages import LockedPackage
from support.apt_oracle import AptOracle, NoOracleError, cache_directory


def fetch(oracle: AptOracle, packages: Iterable[tuple[str, str]]) -> list[Path]:
    """The .debs of these (name, version), in the order given. Raises :class:`NoOracleError`."""
    directory = cache_directory() / f"debs-{oracle.suite}-{oracle.architecture}"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = list(packages)
    missing = [f"{name}={version}" for name, version in wanted if not _found(directory, name, version)]
    for start in range(0, len(missing), 200):
        result = subprocess.run(
            ["apt-get", "-qq", f"-oDir::State::status={oracle.root}/var/lib/dpkg/empty", "download",
             *missing[start : start + 200]],
            cwd=directory,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "APT_CONFIG": str(oracle.root / "apt.conf")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )  # fmt: skip
        if result.returncode:
            raise NoOracleError(f"apt-get download for {oracle.suite}: {result.stderr.strip()}")
    return [_found(directory, name, version)[0] for name, version in wanted]


def _found(directory: Path, name: str, version: str) -> list[Path]:
    return sorted(directory.glob(f"{name}_{version.replace(':', '%3a')}_*.deb"))


class FileBlobs:
    """A store of blobs that are files elsewhere: as much of the port as unpacking needs."""

    def __init__(self) -> None:
        self.paths: dict[Digest, Path] = {}

    def open(self, digest: Digest) -> BinaryIO:
        return ExitStack().enter_context(self.paths[digest].open("rb"))


def lock(
    paths: Sequence[Path], blobs: FileBlobs, below: Sequence[LockedPackage] = ()
) -> tuple[LockedPackage, ...]:
    """Lock files as planning would, dependencies resolved among them and ``below``."""
    controls: dict[str, tuple[Control, Path]] = {}
    for path in paths:
        with path.open("rb") as file:
            control = read_control(file, path.name)
        controls[control.name] = (control, path)
    known = set(controls) | {package.name for package in below}
    provided: dict[str, str] = {}
    for name, (control, _) in sorted(controls.items()):
        for relation in parse_relations(control.get("provides")):
            provided.setdefault(relation.name, name)
    return tuple(_locked(control, path, blobs, known, provided) for _, (control, path) in sorted(controls.items()))


def _locked(
    control: Control, path: Path, blobs: FileBlobs, known: set[str], provided: dict[str, str]
) -> LockedPackage:
    depends: set[str] = set()
    for field in ("depends", "pre-depends"):
        for alternatives in parse_dependency(control.get(field)):
            names = (
                relation.name if relation.name in known else provided.get(relation.name, "")
                for relation in alternatives
            )
            depends.add(next((name for name in names if name), ""))
    digest = Digest.of(path.read_bytes())
    blobs.paths[digest] = path
    source, _, version = control.get("source").partition(" ")
    return LockedPackage(
        name=control.name,
        version=control.version,
        architecture=control.architecture,
        source=source or control.name,
        source_version=version.strip("()") or control.version,
        size=path.stat().st_size,
        sha256=digest,
        path=f"pool/{path.name}",
        archive="test",
        depends=tuple(sorted(depends - {"", control.name})),
        essential=control.get("essential") == "yes",
    )


def digest_of(entries: Iterable[tuple[object, BinaryIO | None]]) -> str:
    """One hash over a stream of entries and their contents."""
    state = hashlib.sha256()
    for entry, content in entries:
        data = content.read() if content is not None else b""
        state.update(f"{entry!r}\n".encode("utf-8", "surrogateescape") + hashlib.sha256(data).digest())
    return state.hexdigest()
