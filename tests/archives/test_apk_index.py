# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.alpine.index import ApkPackage, open_index, parse_index
from imagewright.archives.alpine.keys import load_key
from imagewright.errors import VerificationError
from support.apks import BUILT, KEY, Algorithm, Recipe, build, index, public_pem, signed, signing_key

KEYS = {KEY: load_key(public_pem(signing_key()), KEY)}
ZLIB = Recipe(
    "zlib", "1.3.1-r2", depends=("so:libc.musl-x86_64.so.1",), provides=("so:libz.so.1=1.3.1",), origin="zlib-ng"
)
TZDATA = Recipe("tzdata", "2025b-r0", install_if=("docs", "x"), priority=7)


def packages(text: bytes) -> list[ApkPackage]:
    return list(parse_index(text, archive="v3.22-main", folder="v3.22/main/x86_64", rank=1))


@pytest.mark.parametrize("algorithm", ["RSA", "RSA256"])
def test_a_signed_index(algorithm: Algorithm) -> None:
    data = signed(index([build(ZLIB), build(TZDATA)]), algorithm=algorithm)
    found = open_index(data, KEYS, subject="main")
    assert (found.key, found.description, found.written) == (KEY, "v3.22 tests", BUILT)
    zlib, tzdata = packages(found.text)
    assert (zlib.name, zlib.version, zlib.architecture, zlib.origin) == ("zlib", "1.3.1-r2", "x86_64", "zlib-ng")
    assert zlib.path == "v3.22/main/x86_64/zlib-1.3.1-r2.apk"
    assert zlib.size == len(build(ZLIB).data)
    assert [str(one) for one in zlib.depends] == ["so:libc.musl-x86_64.so.1"]
    assert [str(one) for one in zlib.provides] == ["so:libz.so.1=1.3.1"]
    assert (tzdata.provider_priority, [str(one) for one in tzdata.install_if]) == (7, ["docs", "x"])
    assert (tzdata.built, tzdata.rank) == (BUILT, 1)


def test_every_changed_byte_after_the_signature_is_refused() -> None:
    content = index([build(ZLIB)])
    whole = signed(content)
    start = len(whole) - len(content)
    for at in range(start, len(whole), max(1, len(content) // 60)):
        with pytest.raises(VerificationError, match="the signature of main is wrong"):
            open_index(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], KEYS, subject="main")


def test_a_signature_of_another_index_is_refused() -> None:
    other = signed(index([build(TZDATA)]))
    signature = other[: len(other) - len(index([build(TZDATA)]))]
    with pytest.raises(VerificationError, match="the signature of main is wrong"):
        open_index(signature + index([build(ZLIB)]), KEYS, subject="main")


def test_somebody_elses_key_is_refused() -> None:
    data = signed(index([build(ZLIB)]), name="mallory.rsa.pub", key=signing_key(2048, 1))
    with pytest.raises(VerificationError, match="not signed by a key that is believed") as caught:
        open_index(data, KEYS, subject="main")
    assert "signed by mallory.rsa.pub" in caught.value.why
    forged = signed(index([build(ZLIB)]), name=KEY, key=signing_key(2048, 1))
    with pytest.raises(VerificationError, match="the signature of main is wrong"):
        open_index(forged, KEYS, subject="main")


def test_without_a_signature() -> None:
    with pytest.raises(VerificationError, match="not signed by a key"):
        open_index(index([build(ZLIB)]), KEYS, subject="main")
    with pytest.raises(VerificationError, match="cut short"):
        open_index(b"", KEYS, subject="main")
    with pytest.raises(VerificationError, match="damaged"):
        open_index(b"<html>", KEYS, subject="main")


def test_something_after_what_is_signed_is_refused() -> None:
    data = signed(index([build(ZLIB)]))
    with pytest.raises(VerificationError, match="the signature of main is wrong"):
        open_index(data + gzip.compress(b"more"), KEYS, subject="main")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(VerificationError, match="2048 bits"):
        load_key(public_pem(signing_key(1024)), "short")
    with pytest.raises(VerificationError, match="no public key"):
        load_key(b"nonsense", "odd")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("P:../etc", "P: is"),
        ("P:a/b", "P: is"),
        ("V:nonsense", "not a version"),
        ("S:-1", "S: is"),
        ("S:99999999999999999", "S: is"),
        ("C:Q2abc", "C: is"),
        ("A:x86/64", "A: is"),
        ("nonsense", "LETTER:VALUE"),
        ("P:zlib", "twice"),
    ],
)
def test_a_wrong_paragraph(line: str, why: str) -> None:
    letter = line[:2]
    good = [one for one in build(ZLIB).paragraph.splitlines() if why == "twice" or not one.startswith(letter)]
    text = "\n".join([*good, line]).encode()
    with pytest.raises(VerificationError, match="cannot be read") as caught:
        packages(text)
    assert why in caught.value.why


def test_malformed_relations_are_told_when_they_are_asked_for() -> None:
    text = build(Recipe("odd", depends=("a==1",))).paragraph
    (package,) = packages(text.encode())
    with pytest.raises(VerificationError, match=r"D: of odd-1\.0-r0 in v3\.22-main"):
        _ = package.depends


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        found = packages(text)
    except VerificationError:
        return
    assert all(package.name and "/" not in package.name for package in found)


@given(st.binary(max_size=300))
def test_any_file_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        open_index(data, KEYS, subject="main")
