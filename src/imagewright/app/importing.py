# SPDX-License-Identifier: Apache-2.0
"""Somebody's repository, read from the disk: only files with names that are known, and never through a symlink."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.listing import listed
from imagewright.catalog.model import Catalog
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.emit.takeover import infra7, versions
from imagewright.emit.takeover.configuration import configuration
from imagewright.emit.takeover.dockerfile import read_extra
from imagewright.emit.takeover.model import MAXIMUM, Extra, Place, Remarks, Repository
from imagewright.errors import ConfigurationError
from imagewright.model.takeovers import Imported, Kind

_MOST = 512
"""Names of a directory that are looked at."""

_BASES = ("debian:{suite}", "debian:{suite}-slim", "buildpack-deps:{suite}", "ubuntu:{suite}", "alpine:{version}")


@dataclass(frozen=True, slots=True)
class Tree:
    """A directory, read as text; :class:`ConfigurationError` for what is no text, too large or a way out."""

    root: Path

    def read(self, path: str) -> str | None:
        """A file; ``None`` where there is none."""
        try:
            with closing(_Opened(self.root, path)) as opened:
                data = opened.read(MAXIMUM * 4 + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            why = "a symbolic link leads somewhere else" if error.errno == errno.ELOOP else error.strerror
            raise ConfigurationError(f"cannot read {path} of {self.root}", why=why or str(error)) from error
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ConfigurationError(f"{path} of {self.root} is not UTF-8 text", why=str(error)) from error
        if len(text) > MAXIMUM or "\x00" in text:
            raise ConfigurationError(
                f"{path} of {self.root} is not read", why=f"more than {MAXIMUM} characters, or NUL"
            )
        return text

    def names(self, path: str) -> list[str]:
        """What is in a directory, sorted; nothing where there is none."""
        with suppress(OSError):
            place = self.root / path
            if stat.S_ISDIR(place.lstat().st_mode):
                return sorted(inner.name for inner in place.iterdir())[:_MOST]
        return []


class _Opened:
    """A regular file below a root, opened name by name, so that no link is followed (openat(2), O_NOFOLLOW)."""

    def __init__(self, root: Path, path: str) -> None:
        *directories, name = PurePosixPath(path).parts
        at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for directory in directories:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                inner = os.open(directory, flags, dir_fd=at)
                os.close(at)
                at = inner
            # Not blocking: a pipe in the place of a file would keep us waiting.
            self._file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        finally:
            os.close(at)
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            self.close()
            raise OSError(errno.EINVAL, "it is no regular file")

    def read(self, most: int) -> bytes:
        """So many bytes of it at most."""
        found = b""
        while len(found) < most and (piece := os.read(self._file, most - len(found))):
            found += piece
        return found

    def close(self) -> None:
        """Let go of it."""
        os.close(self._file)


def import_repository(root: Path) -> Imported:
    """The configuration that a repository amounts to, and what lacks. Raises :class:`ConfigurationError`."""
    tree, remarks, catalog = Tree(root), Remarks(), shipped_catalog()
    text = tree.read(versions.NAME)
    if text is not None:
        repository = _docker_library(tree, text, catalog, remarks)
    else:
        repository = _infra7(tree, catalog, remarks)
    written = configuration(repository, catalog, remarks)
    if "[[catalog.series]]" not in written:
        first = next(iter(remarks.found), None)
        why = f"{first.file}: {first.what}" if first else "it names no series"
        raise ConfigurationError(f"nothing of {root} can be taken over", why=why)
    images = _images(written, repository, remarks)
    return Imported(repository.kind, written, images, tuple(remarks.found))


def _docker_library(tree: Tree, text: str, catalog: Catalog, remarks: Remarks) -> Repository:
    try:
        series = versions.read_versions(text, remarks)
    except ValueError as error:
        raise ConfigurationError(f"{tree.root / versions.NAME} is wrong", why=str(error)) from error
    extras: dict[str, Extra] = {}
    for place in (place for one in series for place in one.places):
        dockerfile = tree.read(place.file)
        if place.suite not in catalog.by_suite or place.variant not in catalog.by_variant:
            continue
        if dockerfile is None:
            remarks.add(place.file, 0, "it is not there: only its name is taken over")
        elif catalog.by_suite[place.suite].distribution == "windows":
            remarks.add(place.file, 0, "Dockerfiles of Windows are not read: only its name is taken over")
        else:
            _read(dockerfile, place, catalog, extras, remarks)
    return Repository(Kind.DOCKER_LIBRARY, series, extras)


def _read(text: str, place: Place, catalog: Catalog, extras: dict[str, Extra], remarks: Remarks) -> None:
    suite = catalog.by_suite[place.suite]
    bases = [base.format(suite=suite.name, version=suite.version) for base in _BASES]
    try:
        extras[place.file] = read_extra(text, place.file, bases, _packages(place.variant, catalog), remarks)
    except ValueError as error:
        remarks.add(place.file, 0, f"it is no Dockerfile: {error}")


def _packages(variant: str, catalog: Catalog) -> frozenset[str]:
    """What an image of ours has anyway, by name; the official Dockerfiles name some by other ones."""
    own = {wish.name for wish in catalog.by_variant[variant].packages}
    return frozenset(own | {"ca-certificates", "netbase", "tzdata", "libbluetooth-dev", "tk-dev", "uuid-dev"})


def _infra7(tree: Tree, catalog: Catalog, remarks: Remarks) -> Repository:
    files = {}
    for name in tree.names("versions"):
        text = tree.read(f"versions/{name}") if name.endswith(".env") else None
        if text is not None:
            files[f"versions/{name}"] = text
    if not files:
        raise ConfigurationError(
            f"{tree.root} is no repository of images that is known",
            why="it has neither versions.json nor versions/*.env",
            hint="a library manifest is read by: imagewright library --read FILE --as catalog",
        )
    suite = infra7.default_suite(tree.read(".env") or "", remarks)
    targets = [name for name in tree.names("targets") if tree.read(f"targets/{name}/Dockerfile") is not None]
    kept = [name for name in targets if name in catalog.by_suite]
    for name in targets:
        if name not in kept:
            remarks.add(f"targets/{name}/Dockerfile", 0, "our catalog does not know this suite")
    kept.sort(key=lambda name: name != suite)
    series, extras = infra7.read_versions(files, kept, _packages("slim", catalog), remarks)
    return Repository(Kind.INFRA7, series, extras, suite if suite in kept else "")


def _images(written: str, repository: Repository, remarks: Remarks) -> tuple[str, ...]:
    """What our catalog makes of it; whatever that has and the repository lacks, or the other way, is told."""
    catalog, choices = apply_configuration(shipped_documents(), written, "what was taken over")
    settings = resolve_settings(file=choices)
    images = listed(catalog, catalog.by_scheme[settings.scheme], settings.tag_defaults)
    ours = {(one.name.release, one.name.variant, one.name.suite): str(one.name) for one in images}
    theirs = {(one.release, place.variant, place.suite): one for one in repository.series for place in one.places}
    for key in ours.keys() - theirs.keys():
        remarks.add("", 0, f"{ours[key]} would be built, which the repository does not name")
    for key, one in theirs.items():
        known = one.name in catalog.by_series and key[2] in catalog.by_suite and key[1] in catalog.by_variant
        if known and key not in ours:
            named = catalog.by_suite[key[2]].named_only
            what = "is built only where it is named, and not listed" if named else "would not be built"
            remarks.add(one.file, one.line, f"{key[0]} on {key[2]} ({key[1]}) {what}")
    return tuple(ours.values())
