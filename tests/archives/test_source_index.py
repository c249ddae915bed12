# SPDX-License-Identifier: Apache-2.0
"""CPython's releases in a Sources index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.debian import source_index
from imagewright.archives.debian.source_index import DebianSource, parse_sources, upstream_release
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

ORIG = "93e583f243454e6e9e4588ca2c2662206ad961659863277afcdb96801647d640"
OTHER = "a" * 64
STANZA = f"""\
Package: python3.13
Binary: python3.13, python3.13-venv
Version: 3.13.5-2
Directory: pool/main/p/python3.13
Checksums-Sha256:
 {OTHER} 3639 python3.13_3.13.5-2.dsc
 {ORIG} 22856016 python3.13_3.13.5.orig.tar.xz
 {OTHER} 963 python3.13_3.13.5.orig.tar.xz.asc
 {OTHER} 240000 python3.13_3.13.5-2.debian.tar.xz
"""


def read(text: str) -> list[DebianSource]:
    return list(parse_sources([text.encode()], "trixie"))


def test_a_release_is_read() -> None:
    other = "Package: hello\nVersion: 2.10-3\nDirectory: pool/main/h/hello\nChecksums-Sha256:\n nonsense\n"
    (found,) = read(f"{other}\n{STANZA}")
    assert found == DebianSource(
        release="3.13.5",
        version="3.13.5-2",
        path="pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz",
        size=22856016,
        sha256=Digest(ORIG),
        packed="tar.xz",
        signature="pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz.asc",
    )


def test_gzip_and_no_signature() -> None:
    (found,) = read(STANZA.replace("orig.tar.xz.asc", "orig.txt").replace(".orig.tar.xz", ".orig.tar.gz"))
    assert (found.packed, found.signature) == ("tgz", "")


@pytest.mark.parametrize(
    ("version", "release"),
    [
        ("3.13.5-2", "3.13.5"), ("3.15.0~b3-1", "3.15.0b3"), ("3.15.0~rc1-1", "3.15.0rc1"), ("2.7.18-8", "2.7.18"),
        ("3.13.5+dfsg-1", ""), ("3.13.5+ds1-1", ""), ("3.14~git20250101-1", ""), ("3.13.5~repack-1", ""),
    ],
)  # fmt: skip
def test_versions_of_debian_name_releases(version: str, release: str) -> None:
    assert upstream_release(version) == release


def test_repacked_and_foreign_archives_are_passed_over() -> None:
    assert read(STANZA.replace("3.13.5", "3.13.5+dfsg")) == []
    assert read(STANZA.replace("Package: python3.13", "Package: python3.12")) == []
    assert read(STANZA.replace("Package: python3.13", "Package: python3.13-doc")) == []
    assert read(STANZA.replace(".orig.tar.xz", ".orig.zip")) == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("pool/main/p/python3.13", "pool/../etc", "Directory is"),
        ("pool/main/p/python3.13", "/etc", "Directory is"),
        ("22856016", "-1", "Checksums-Sha256 lists"),
        ("22856016", "999999999999", "bytes"),
        (ORIG, ORIG[:-1], "Checksums-Sha256 lists"),
        ("python3.13_3.13.5.orig.tar.xz\n", "../python3.13_3.13.5.orig.tar.xz\n", "Checksums-Sha256 lists"),
        ("Version: 3.13.5-2", "Version: what?", "malformed"),
        ("Version: 3.13.5-2", "Version 3.13.5-2", "not a field"),
    ],
)
def test_nonsense_is_refused(old: str, new: str, why: str) -> None:
    with pytest.raises(VerificationError) as caught:
        read(STANZA.replace(old, new, 1))
    assert "trixie" in caught.value.message
    assert why in caught.value.why


def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_index, "MAXIMUM_FILES", 3)
    with pytest.raises(VerificationError):
        read(STANZA)
    monkeypatch.setattr(source_index, "MAXIMUM_FILES", 9)
    monkeypatch.setattr(source_index, "MAXIMUM_SOURCES", 1)
    with pytest.raises(VerificationError):
        read(f"{STANZA}\n{STANZA}")


@given(st.integers(0, len(STANZA)), st.integers(0, 5), st.text(max_size=5))
def test_a_damaged_index_gives_nothing_false(at: int, cut: int, text: str) -> None:
    damaged = STANZA[:at] + text + STANZA[at + cut :]
    try:
        found = read(damaged)
    except VerificationError:
        return
    for one in found:
        assert one.path.startswith("pool/")
        assert ".." not in one.path.split("/")
        assert 0 <= one.size <= source_index.LARGEST_SOURCE
