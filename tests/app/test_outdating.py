# SPDX-License-Identifier: Apache-2.0
"""Which packages an image has: its layers' databases, topmost first."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from imagewright.app.outdating import read_packages
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from support.fake_store import FakeBlobs

STATUS = "Package: {}\nStatus: install ok installed\nVersion: {}\n\n"


@pytest.fixture
def blobs(tmp_path: Path) -> FakeBlobs:
    return FakeBlobs(tmp_path)


def layer(blobs: FakeBlobs, files: Mapping[str, str]) -> Digest:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return blobs.put([packed.getvalue()])


def one(name: str, version: str) -> dict[str, str]:
    """A package as distroless images have it, and the sums of its files beside it."""
    place = f"var/lib/dpkg/status.d/{name}"
    return {place: f"Package: {name}\nVersion: {version}\n", f"{place}.md5sums": "0  etc/passwd\n"}


def test_a_database_with_all_packages_hides_those_below(blobs: FakeBlobs) -> None:
    base = layer(blobs, {"var/lib/dpkg/status": STATUS.format("libc6", "1") + STATUS.format("gone", "1")})
    program = layer(blobs, {"usr/bin/program": "#!"})
    top = layer(blobs, {"var/lib/dpkg/status": STATUS.format("libc6", "2")})
    assert read_packages((program, top, base), blobs, "it") == {"libc6": "2"}


def test_of_files_with_one_package_each_every_layer_has_its_own(blobs: FakeBlobs) -> None:
    """A minimal image's base has the C library, and the layer above what Python needs."""
    base = layer(blobs, one("libc6", "1") | one("zlib1g", "1"))
    above = layer(blobs, one("zlib1g", "2") | one("libssl3t64", "3"))
    assert read_packages((above, base), blobs, "it") == {"libc6": "1", "zlib1g": "2", "libssl3t64": "3"}


def test_an_image_without_a_database_is_an_error(blobs: FakeBlobs) -> None:
    with pytest.raises(VerificationError, match="it has no package database"):
        read_packages((layer(blobs, {"etc/passwd": "root"}),), blobs, "it")
