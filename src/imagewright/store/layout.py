# SPDX-License-Identifier: Apache-2.0
"""The store's on-disk protocol. Everything that other programs, or a later version, may rely on is here.

::

    oci-layout            {"imageLayoutVersion":"1.0.0"}: the store is an OCI image layout (image-layout.md)
    index.json            its image index, written anew from the table ``images`` whenever that changes
    blobs/sha256/<hex>    content, mode 0444; modification time = last use, exact to a day
    imagewright-store     "imagewright store <version>\\n"; the version of everything below and of index.sqlite
    index.sqlite          steps, images, small facts, pieces of layers (schemas in database.py and pieces.py);
                          write-ahead log beside it
    trees/<hex>/root      an unpacked, immutable tree;  <hex> is the key its maker chose
    trees/<hex>/tree.json what was adopted: entries, bytes, fingerprint, boot;  modification time = last use
    work/<session>.lock   held with flock(2) by the process that owns work/<session>
    work/<session>/       everything unfinished of that process: unverified blobs, workspaces, trash
    logs/<name>           logs of steps, and roots kept of failed ones; removed by gc when old
    locks/store           flock: shared by every process that uses the store, exclusive for gc and repair
    locks/step-<hex>      flock: held by the process that is making that step

Rules that make it safe against ``kill -9`` at any moment:

- A name under ``blobs/`` or ``trees/`` appears by one ``rename(2)`` of something finished, and disappears by
  one ``unlink(2)`` or ``rename(2)``; nothing there is ever written in place.
- A record in ``index.sqlite`` is written after the blobs it names. A record whose blobs are gone does not
  count: the step is done again.
- Unfinished things live below ``work/`` only. A session whose lock is free belongs to the dead: whoever next
  writes to the store moves it away and deletes it. A directory there without a lock is such a remainder.
- Lock files are named before they are locked; a process that gets the lock of a file that is no longer the
  one of that name tries again. The kernel releases locks of the dead.

Rules that make it safe against loss of power: a blob is flushed before it gets its name, the database uses
its write-ahead log, and a tree counts only during the boot it was made in (it is a cache, made again from
blobs), unless it has been flushed since (``tree.json`` says so). Where ``oci-layout`` or ``index.json`` are
empty, they are written again.

The directory is readable by its owner alone (0700): trees hold setuid files of foreign systems.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest
from imagewright.store.failures import machine_errors

VERSION = 1
"""Version of the on-disk protocol."""

UNFINISHED = ".imagewright-"
"""How names of files begin that belong to the making of a store; gc removes them."""

_MARKER_TEXT = re.compile(r"imagewright store ([1-9][0-9]{0,5})\n")
_OCI_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
EMPTY_INDEX = b'{"manifests":[],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}'


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of everything in a store at ``root`` (absolute)."""

    root: Path

    @property
    def marker(self) -> Path:
        """The file that says that this is a store, and of which version."""
        return self.root / "imagewright-store"

    @property
    def oci_layout(self) -> Path:
        """The file that says that this is an OCI image layout."""
        return self.root / "oci-layout"

    @property
    def index(self) -> Path:
        """The OCI image index."""
        return self.root / "index.json"

    @property
    def blobs(self) -> Path:
        """The directory of blobs named by SHA-256."""
        return self.root / "blobs" / "sha256"

    @property
    def database(self) -> Path:
        """The SQLite index."""
        return self.root / "index.sqlite"

    @property
    def trees(self) -> Path:
        """The directory of unpacked trees."""
        return self.root / "trees"

    @property
    def work(self) -> Path:
        """The directory of unfinished things."""
        return self.root / "work"

    @property
    def locks(self) -> Path:
        """The directory of locks."""
        return self.root / "locks"

    @property
    def logs(self) -> Path:
        """The directory of steps' logs, and of what is kept of failed steps."""
        return self.root / "logs"

    def places(self) -> tuple[Path, ...]:
        """Everything that belongs directly below the root, besides ``blobs`` and SQLite's own files."""
        files = (self.marker, self.oci_layout, self.index, self.database)
        return (*files, self.trees, self.work, self.locks, self.logs)

    def blob(self, digest: Digest) -> Path:
        """Where a blob is, or would be."""
        return self.blobs / digest.hex

    def tree(self, key: Digest) -> Path:
        """The directory that holds a tree and its description."""
        return self.trees / key.hex

    def create(self) -> None:
        """Make whatever is missing of an empty store, and check that it is one this version understands.

        Raises ``ConfigurationError`` for a directory that is something else or a store of a newer version,
        ``MachineError`` where the directory cannot be used.
        """
        with machine_errors(self.root, "cannot use the store"):
            if not self._is_marked():
                self._mark()
            for directory in (self.blobs, self.trees, self.work, self.locks, self.logs):
                if not directory.is_dir():
                    directory.mkdir(parents=True, exist_ok=True)
            for path, content in ((self.oci_layout, _OCI_LAYOUT), (self.index, EMPTY_INDEX)):
                if not _has_content(path):
                    replace_file(path, content, flushed=False)

    def _is_marked(self) -> bool:
        try:
            text = self.marker.read_text(encoding="utf-8", errors="replace")[:200]
        except (FileNotFoundError, NotADirectoryError):
            return False
        found = _MARKER_TEXT.fullmatch(text)
        if not found:
            raise ConfigurationError(
                f"{self.root} is not a store",
                why=f"{self.marker.name} there says {text[:40]!r}",
                hint="choose another directory with --store",
            )
        if int(found[1]) > VERSION:
            raise ConfigurationError(
                f"the store {self.root} is of a newer version",
                why=f"it has version {found[1]}, this program knows up to {VERSION}",
                hint="use a newer imagewright, or another directory with --store",
            )
        return True

    def _mark(self) -> None:
        if self.root.exists():
            foreign = [name for name in _names(self.root) if not name.startswith(UNFINISHED)]
            if foreign and not self._is_marked():
                raise ConfigurationError(
                    f"{self.root} is not a store",
                    why=f"it holds other things: {', '.join(sorted(foreign)[:3])}",
                    hint="choose an empty or new directory with --store",
                )
        else:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            self.root.mkdir(mode=0o700, exist_ok=True)
        self.root.chmod(0o700)
        replace_file(self.marker, f"imagewright store {VERSION}\n".encode())


def _has_content(path: Path) -> bool:
    """Whether there is more than the empty file that a loss of power may leave of one that was not flushed."""
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:
        return False


def _names(directory: Path) -> list[str]:
    if not directory.is_dir():
        raise ConfigurationError(
            f"{directory} is not a store", why="it is not a directory", hint="choose another one with --store"
        )
    return [path.name for path in directory.iterdir()]


def replace_file(path: Path, content: bytes, temporary: Path | None = None, *, flushed: bool = True) -> None:
    """Write a small file whole: flushed under another name, then renamed.

    One that is not ``flushed`` may be there without content after a loss of power.
    """
    temporary = temporary or path.parent / f"{UNFINISHED}{os.urandom(8).hex()}"
    try:
        with temporary.open("xb") as file:
            file.write(content)
            if flushed:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path, limit: int = 4 << 20) -> object:
    """Parse a small JSON file. Raises ``ValueError`` (too large, not JSON) and ``OSError``."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"larger than {limit} bytes")
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
