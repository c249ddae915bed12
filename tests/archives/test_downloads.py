# SPDX-License-Identifier: Apache-2.0
"""What python.org says: the API's answers and the directory listings, and anything else that may come instead."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.cpython import downloads
from imagewright.archives.cpython.downloads import (
    PublishedSource,
    listed_directories,
    listed_sources,
    parse_files,
    parse_listing,
    parse_releases,
)
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

DATA = Path(__file__).parent / "data" / "python.org"
RELEASES = (DATA / "release.json").read_bytes()
FILES = (DATA / "release_file.json").read_bytes()


def changed(data: bytes, number: int, **values: Any) -> bytes:
    document = json.loads(data)
    document[number].update(values)
    return json.dumps(document).encode()


def test_releases_are_read() -> None:
    found = {release.version: release for release in parse_releases(RELEASES, "the list")}
    assert list(found) == [
        "2.7.18", "3.9.25", "3.10.19", "3.11.14", "3.12.12", "3.13.5", "3.13.15", "3.13.19", "3.14.10", "3.14.11",
        "3.15.2", "3.16.0a2",
    ]  # fmt: skip
    assert found["3.13.19"].number == 1131
    assert found["3.13.19"].date == datetime(2026, 11, 18, 13, tzinfo=UTC)
    assert [version for version, release in found.items() if release.prerelease] == ["3.16.0a2"]


def test_the_source_archive_is_chosen_and_described() -> None:
    found = parse_files(FILES, "3.13.15", "the files")
    assert found == PublishedSource(
        filename="Python-3.13.15.tar.xz",
        version="3.13.15",
        packed="tar.xz",
        size=23160540,
        sha256=Digest("1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76"),
        signed=True,
        bundle=True,
    )
    from_314 = parse_files(FILES, "3.14.11", "the files")
    assert from_314 is not None
    assert (from_314.signed, from_314.bundle) == (False, True)


def test_a_release_without_a_digest_is_told_without_one() -> None:
    found = parse_files(FILES, "3.16.0a2", "the files")
    assert found is not None
    assert found.sha256 is None


def test_files_of_other_releases_and_other_kinds_do_not_count() -> None:
    assert parse_files(FILES, "3.13.1", "the files") is None
    assert parse_files(changed(FILES, 0, is_source=False), "3.13.15", "the files") == parse_files(
        json.dumps(json.loads(FILES)[1:2]).encode(), "3.13.15", "the files"
    )


def test_only_the_name_of_an_address_is_read() -> None:
    elsewhere = changed(FILES, 0, url="http://elsewhere.example/x/Python-3.13.15.tar.xz")
    assert parse_files(elsewhere, "3.13.15", "the files") == parse_files(FILES, "3.13.15", "the files")
    for url in ("https://www.python.org/ftp/Python-3.13.15.tar.xz/../../x", "http://[::1", "Python-3.13.15.zip"):
        found = parse_files(
            json.dumps([json.loads(changed(FILES, 0, url=url))[0]]).encode(), "3.13.15", "the files"
        )
        assert found is None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"filesize": -1}, "the size of Python-3.13.15.tar.xz is -1"),
        ({"filesize": "1"}, "the size of Python-3.13.15.tar.xz is 1"),
        ({"filesize": True}, "the size of Python-3.13.15.tar.xz is True"),
        ({"filesize": 1 << 40}, "the size of"),
        ({"sha256_sum": "12"}, "the SHA-256 of"),
        ({"sha256_sum": "g" * 64}, "the SHA-256 of"),
    ],
)
def test_nonsense_is_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(VerificationError) as caught:
        parse_files(changed(FILES, 0, **values), "3.13.15", "the files")
    assert caught.value.why.startswith(why)
    assert caught.value.hint


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"<html>", b"[" * 100_000, b"\xff", b'"a"', b"[{}, null]"])
def test_what_is_no_list_of_objects_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError, match="cannot be read"):
        parse_releases(data, "the list")


def test_a_release_listed_twice_differently_is_refused() -> None:
    with pytest.raises(VerificationError) as caught:
        parse_releases(changed(RELEASES, 0, name="Python 3.13.5"), "the list")
    assert caught.value.why == "it lists 3.13.5 twice, differently"


def test_a_date_that_is_none_is_refused() -> None:
    with pytest.raises(VerificationError, match="cannot be read"):
        parse_releases(changed(RELEASES, 0, release_date="yesterday"), "the list")


def test_everything_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "MAXIMUM_ITEMS", 3)
    with pytest.raises(VerificationError, match="cannot be read"):
        parse_releases(RELEASES, "the list")
    monkeypatch.setattr(downloads, "MAXIMUM_DOCUMENT", 10)
    for parse in (parse_releases, parse_listing):
        with pytest.raises(VerificationError, match="cannot be read"):
            parse(RELEASES, "the list")


def test_directories_are_read() -> None:
    names = parse_listing((DATA / "python.html").read_bytes(), "the directory")
    assert "../" not in names
    assert listed_directories(names) == (
        "2.7.18", "3.12.12", "3.13.15", "3.13.19", "3.13.5", "3.15.0", "3.15.2", "3.16.0",
    )  # fmt: skip


def test_a_directory_holds_prereleases_too() -> None:
    found = {one.version: one for one in listed_sources(parse_listing((DATA / "3.15.0.html").read_bytes(), "it"))}
    assert {version: one.packed for version, one in found.items()} == {
        "3.15.0": "tar.xz",
        "3.15.0b3": "tar.xz",
        "3.15.0rc2": "tgz",
    }
    assert found["3.15.0"].bundle
    assert not found["3.15.0"].signed
    assert not found["3.15.0rc2"].bundle


_VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(("https://x/Python-3.13.15.tar.xz", [], {}, [{}], 1.5, "2026-08-05", "http://[::1"))
)
_KEYS = ("name", "resource_uri", "release_date", "is_published", "url", "is_source", "filesize", "sha256_sum")


@given(number=st.integers(0, 7), key=st.sampled_from(_KEYS), value=_VALUES)
def test_whatever_a_field_holds_it_is_read_or_refused(number: int, key: str, value: Any) -> None:
    with suppress(VerificationError):
        found = parse_releases(changed(RELEASES, number, **{key: value}), "the list")
        assert 10 <= len(found) <= 12
    with suppress(VerificationError):
        source = parse_files(changed(FILES, number, **{key: value}), "3.13.15", "the files")
        assert source is not None
        assert source.filename.startswith("Python-3.13.15.")


@given(st.binary(max_size=300) | st.text(alphabet="<a href=\"'>&#;/.!-[]x1 \n", max_size=200).map(str.encode))
def test_any_page_gives_names_below_it(page: bytes) -> None:
    try:
        names = parse_listing(page, "the directory")
    except VerificationError:
        return
    assert all(name.rstrip("/") not in ("", ".", "..") and "/" not in name[:-1] for name in names)
