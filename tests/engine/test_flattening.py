# SPDX-License-Identifier: Apache-2.0
"""Layers that hide and remove each other's files, as other engines write them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from imagewright.engine.flattening import flatten
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from support.blobs import DirectoryBlobs


def layer(*members: tuple[str, str | None], links: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A tar archive: path → text, or a directory where there is none; then symbolic links."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path, text in members:
            info = tarfile.TarInfo(path)
            info.mode = 0o755
            info.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            info.size = len(text or "")
            archive.addfile(info, io.BytesIO((text or "").encode()))
        for path, target in links:
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    return file.getvalue()


def flattened(root: Path, *layers: bytes) -> dict[str, str]:
    blobs = DirectoryBlobs(root.with_name("blobs"))
    digests: list[Digest] = [blobs.put([data]) for data in layers]
    root.mkdir()
    flatten(digests, root, blobs)
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}


def test_later_files_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    found = flattened(tmp_path / "r", layer(("a", "1"), ("b", "1")), layer(("a", "2")))
    assert found == {"a": "2", "b": "1"}


def test_whiteouts_remove_what_is_below_only(tmp_path: Path) -> None:
    found = flattened(
        tmp_path / "r",
        layer(("d", None), ("d/a", "1"), ("d/b", "1"), ("e", None), ("e/x", "1")),
        layer(("d", None), ("d/.wh.a", ""), ("e", None), ("e/.wh..wh..opq", ""), ("e/y", "2")),
    )
    assert found == {"d/b": "1", "e/y": "2"}


def test_a_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    assert flattened(tmp_path / "r", layer(("a", "1")), layer(("a", None), ("a/b", "2"))) == {"a/b": "2"}


def test_a_removed_directory_goes_with_all_in_it(tmp_path: Path) -> None:
    below = layer(("d", None), ("d/e", None), ("d/e/f", "1"))
    assert flattened(tmp_path / "r", below, layer((".wh.d", ""))) == {}


@pytest.mark.parametrize("path", ["out/file", "out/.wh.file"])
def test_nothing_leads_through_a_link(tmp_path: Path, path: str) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/file").write_text("mine")
    below = layer(links=(("out", str(tmp_path / "victim")),))
    with pytest.raises(VerificationError):
        flattened(tmp_path / "r", below, layer((path, "")))
    assert (tmp_path / "victim/file").read_text() == "mine"
