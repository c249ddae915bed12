# SPDX-License-Identifier: Apache-2.0
"""A directory of generated files: only what changed is written, what is gone is removed, nothing else is touched.

The directory has a list of the files that are ours, with their digests. It is written before the first file and
after the last, so that a run that was killed leaves nothing behind that the next one would not know. Every file is
written under another name first and then renamed.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from imagewright.errors import ConfigurationError, MachineError, UsageError
from imagewright.model.digest import canonical_json

LIST = "imagewright-site.json"
"""The list of a site's files."""

_VERSION = 1
_LARGEST_LIST = 1 << 28
_UNFINISHED = ".new"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,200}){0,3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of a site's files; ``bytes`` are of all."""

    files: int
    bytes: int
    written: int
    unchanged: int
    removed: int


class SiteFiles:
    """The files of one site while they are written; a context manager that holds the directory for itself."""

    def __init__(self, directory: Path, umask: int) -> None:
        self._directory = directory
        self._mode = 0o666 & ~umask
        self._directory_mode = 0o777 & ~umask
        self._before: frozenset[str] = frozenset()
        self._now: dict[str, str] = {}
        self._bytes = 0
        self._written = 0
        self._held = -1

    def __enter__(self) -> Self:
        """Raises :class:`UsageError` for a directory with other things in it."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._held = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise _refused(self._directory, error) from error
        try:
            fcntl.flock(self._held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._before = frozenset(read_list(self._directory))
        except BlockingIOError as error:
            os.close(self._held)
            raise MachineError(f"another process is writing {self._directory}", hint="wait for it") from error
        except BaseException:
            os.close(self._held)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._held)

    def expect(self, paths: Iterable[str]) -> None:
        """Say what may be written, before the first file is."""
        paths = list(paths)
        for path in paths:
            assert _NAME.fullmatch(path), path
        self._replace(LIST, _encoded(dict.fromkeys((*self._before, *paths), "")))

    def put(self, path: str, content: bytes) -> None:
        """Keep a file; one that is there with this content is left alone."""
        assert _NAME.fullmatch(path), path
        self._now[path] = hashlib.sha256(content).hexdigest()
        self._bytes += len(content)
        if not self._is_there(path, content):
            self._replace(path, content)
            self._written += 1

    def finish(self) -> Counts:
        """Remove what was not written again, and write the list."""
        gone = sorted(self._before - self._now.keys())
        removed = sum(self._remove(path) for path in gone)
        self._replace(LIST, _encoded(self._now))
        count = len(self._now)
        return Counts(count, self._bytes, self._written, count - self._written, removed)

    def _is_there(self, path: str, content: bytes) -> bool:
        target = self._directory / path
        try:
            found = target.lstat()
            return stat.S_ISREG(found.st_mode) and found.st_size == len(content) and target.read_bytes() == content
        except OSError:
            return False

    def _replace(self, path: str, content: bytes) -> None:
        target = self._directory / path
        try:
            self._make_parents(path)
            unfinished = _unfinished(target)
            unfinished.unlink(missing_ok=True)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(descriptor, self._mode)
            unfinished.rename(target)
        except OSError as error:
            raise _refused(self._directory, error) from error

    def _make_parents(self, path: str) -> None:
        """Make the directories of a file. A link in their place is refused: it could lead anywhere."""
        directory = self._directory
        for name in path.split("/")[:-1]:
            directory /= name
            try:
                directory.mkdir()
                directory.chmod(self._directory_mode)
            except FileExistsError:
                if not stat.S_ISDIR(directory.lstat().st_mode):
                    raise UsageError(
                        f"{directory} is not a directory", hint="remove it, or choose another directory"
                    ) from None

    def _remove(self, path: str) -> bool:
        """Remove a file of an earlier run and directories that are empty then; whether it was there."""
        target = self._directory / path
        for parent in list(target.relative_to(self._directory).parents)[:-1]:
            if (self._directory / parent).is_symlink():
                return False
        try:
            _unfinished(target).unlink(missing_ok=True)
            target.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _refused(self._directory, error) from error
        for parent in list(target.relative_to(self._directory).parents)[:-1]:
            try:
                (self._directory / parent).rmdir()
            except OSError:
                break
        return True


def read_list(directory: Path) -> Mapping[str, str]:
    """The files of a site by path, with their SHA-256; nothing for an empty directory.

    Raises :class:`UsageError` for a directory with other things, :class:`ConfigurationError` for a damaged list.
    """
    path = directory / LIST
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_LIST + 1)
    except FileNotFoundError:
        if any(each.name != f".{LIST}{_UNFINISHED}" for each in directory.iterdir()):
            raise UsageError(
                f"{directory} holds other things than a site",
                why=f"it has no {LIST}",
                hint="choose an empty directory",
            ) from None
        return {}
    except OSError as error:
        raise _refused(directory, error) from error
    try:
        found = json.loads(content)
        files = found["files"]
        version = found["version"]
        if version != _VERSION or not all(
            isinstance(digest, str) and _NAME.fullmatch(name) and name != LIST for name, digest in files.items()
        ):
            raise ValueError("it is of another version, or names files that no site has")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigurationError(
            f"{path} is not the list of a site's files", why=str(error)[:200], hint="remove the directory"
        ) from None
    return {str(name): str(digest) for name, digest in files.items()}


def _encoded(files: Mapping[str, str]) -> bytes:
    return canonical_json({"files": dict(files), "version": _VERSION})


def _unfinished(target: Path) -> Path:
    return target.with_name(f".{target.name}{_UNFINISHED}")


def _refused(directory: Path, error: OSError) -> MachineError:
    return MachineError(
        f"cannot write {directory}", why=error.strerror or str(error), hint="choose another directory"
    )
