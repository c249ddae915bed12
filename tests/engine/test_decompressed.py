# SPDX-License-Identifier: Apache-2.0
"""Packages that were unpacked before: the same tree, without their own compression."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewright.archives.debian.deb import Deb
from imagewright.archives.decompressed import Decompressed
from imagewright.engine import unpack as unpacking
from imagewright.engine.unpack import Unpacked, Unpacker
from imagewright.errors import VerificationError
from imagewright.store.store import Store
from support.debs import make_ar
from support.fake_store import FakeClock
from support.root_helpers import Packages, listing, owned_by_anyone


@pytest.fixture(autouse=True)
def owners(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[int, int]]:
    return owned_by_anyone(monkeypatch)


@pytest.fixture(autouse=True)
def _even_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "WORTH_KEEPING", 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store", clock=FakeClock()) as opened:
        yield opened


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    found = Packages(tmp_path / "debs")
    found.add(
        "a",
        files={"usr/bin/su": "root", "etc/a.conf": "x=1", "usr/share/a": "a" * 300_000},
        links={"usr/lib/liba.so": "liba.so.1"},
        modes={"usr/bin/su": 0o4755, "etc": 0o700},
        scripts={"conffiles": "/etc/a.conf\n"},
    )
    return found


def unpack(root: Path, packages: Packages, store: Store | None) -> tuple[Unpacked, ...]:
    root.mkdir()
    kept = store and Decompressed.of(store.blobs, store.derived)
    return Unpacker(root, (), None, kept).unpack(
        packages.locked(), lambda package: packages.blobs.open(package.sha256), diversions={}, jobs=2
    )


def test_the_second_time_nothing_is_decompressed(
    packages: Packages, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = unpack(tmp_path / "plain", packages, None)
    first = unpack(tmp_path / "first", packages, store)

    def refuse(self: Deb) -> Iterator[bytes]:
        raise AssertionError("read again")

    monkeypatch.setattr(Deb, "data", refuse)
    monkeypatch.setattr(Deb, "entries", refuse)
    second = unpack(tmp_path / "second", packages, store)
    assert plain == first == second
    assert listing(tmp_path / "plain") == listing(tmp_path / "first") == listing(tmp_path / "second")
    assert (tmp_path / "second/usr/share/a").read_text() == "a" * 300_000


def test_what_the_disk_harmed_is_refused(packages: Packages, store: Store, tmp_path: Path) -> None:
    unpack(tmp_path / "first", packages, store)
    ((digest, _),) = store.blobs.all()
    path = store.layout.blob(digest)
    data = bytearray(path.read_bytes())
    path.chmod(0o644)
    harmed = [data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] for at in (4, len(data) // 2, len(data) - 1)]
    for number, bad in enumerate([*harmed, data[:-1], data[:4], data + b"more"]):
        path.write_bytes(bad)
        with pytest.raises(VerificationError):
            unpack(tmp_path / str(number), packages, store)


def test_small_packages_are_not_kept(
    packages: Packages, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacking, "WORTH_KEEPING", 1 << 20)
    unpack(tmp_path / "root", packages, store)
    assert list(store.blobs.all()) == []


def test_of_a_damaged_package_nothing_is_kept(packages: Packages, store: Store, tmp_path: Path) -> None:
    (package,) = packages.locked()
    with packages.blobs.open(package.sha256) as file:
        whole = file.read()
    kept = Decompressed.of(store.blobs, store.derived)
    more = whole + make_ar({"more": b"what does not belong here"}).removeprefix(b"!<arch>\n")
    blob = tmp_path / "blob"
    for damaged in (whole[:-100], more):
        blob.write_bytes(damaged)
        root = tmp_path / "root"
        root.mkdir(exist_ok=True)
        with pytest.raises(VerificationError):
            Unpacker(root, (), None, kept).unpack([package], lambda _: blob.open("rb"), diversions={}, jobs=1)
    assert list(store.blobs.all()) == []
