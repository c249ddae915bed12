# SPDX-License-Identifier: Apache-2.0
"""Layers of other engines as one tree: their layers hide and remove each other's files, which ours never do.

OCI image specification, layer.md: "Whiteouts", "Opaque Whiteout".
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from imagewright.engine.trees import apply
from imagewright.engine.unpack import disk
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.model.ports import BlobStore
from imagewright.model.tree import EntrySource, EntryStream, Kind
from imagewright.oci.reader import read_layer

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


def flatten(layers: Sequence[Digest], root: Path, blobs: BlobStore) -> None:
    """Unpack layers, lowest first, into an empty directory, as an engine sees them together.

    Raises :class:`VerificationError` for a layer that leads out of the tree or through a link.
    """
    for digest in layers:
        with blobs.open(digest) as file, disk(f"cannot unpack {digest.short}"):
            for entry, _ in read_layer(file, whiteouts=True):
                directory, _, name = entry.path.rpartition("/")
                if name == _OPAQUE:
                    _clear(root, directory)
                elif name.startswith(_WHITEOUT):
                    _remove(root, f"{directory}/{name.removeprefix(_WHITEOUT)}".lstrip("/"))
        with blobs.open(digest) as file, disk(f"cannot unpack {digest.short}"):
            apply(_above(root, read_layer(file, whiteouts=True)), root)


def _above(root: Path, entries: EntrySource) -> EntryStream:
    """Entries of a layer; what stands in the place of one is gone before it is written."""
    for entry, content in entries:
        if entry.path.rpartition("/")[2].startswith(_WHITEOUT):
            continue
        place = _inside(root, entry.path)
        both = entry.kind is Kind.DIRECTORY and place.is_dir() and not place.is_symlink()
        if not both and entry.path:
            _remove(root, entry.path)
        yield entry, content


def _clear(root: Path, directory: str) -> None:
    """Empty a directory of what lower layers put there."""
    place = _inside(root, directory)
    if place.is_dir() and not place.is_symlink():
        for inner in place.iterdir():
            _delete(inner)


def _remove(root: Path, path: str) -> None:
    _delete(_inside(root, path))


def _delete(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def _inside(root: Path, path: str) -> Path:
    """A place in the tree, none of whose parents is a link. Raises :class:`VerificationError`."""
    place = root
    parts = [part for part in path.split("/") if part]
    for part in parts[:-1]:
        place = place / part
        if place.is_symlink() or part in {".", ".."}:
            raise VerificationError(f"a layer leads through /{place.relative_to(root)}")
    if parts and parts[-1] in {".", ".."}:
        raise VerificationError(f"a layer leads out of its tree: {path!r}")
    return place / parts[-1] if parts else place
