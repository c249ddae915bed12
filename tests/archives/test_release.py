# SPDX-License-Identifier: Apache-2.0
"""A Release is read strictly, and believed only if it is the one asked for, in force, and no step back."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.debian import release as module
from imagewright.archives.debian.release import (
    Leniency,
    Release,
    check_release,
    iso,
    parse_date,
    parse_release,
)
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from support.archive import SignedArchive

NOW = datetime(2026, 9, 13, 12, 0, 0, tzinfo=UTC)
TEXT = f"""\
Origin: Debian
Label: Debian
Suite: stable
Version: 13.7
Codename: trixie
Date: Sat, 12 Sep 2026 07:55:41 UTC
Valid-Until: Sat, 19 Sep 2026 07:55:41 UTC
Acquire-By-Hash: yes
No-Support-for-Architecture-all: Packages
Architectures: all amd64 arm64
Components: main updates/contrib
Description: Debian 13.7 Released
MD5Sum:
 d41d8cd98f00b204e9800998ecf8427e        0 main/binary-amd64/Packages
SHA256:
 {"1" * 64} 56620099 main/binary-amd64/Packages
 {"2" * 64}  9678380 main/binary-amd64/Packages.xz
"""


def read(text: str = TEXT) -> Release:
    return parse_release(text.encode(), subject="trixie")


def check(release: Release, wanted: str = "trixie", *, now: datetime = NOW, seen: str | None = None) -> None:
    check_release(release, wanted=wanted, subject="trixie", now=now, seen=seen)


def test_a_release() -> None:
    release = read()
    assert (release.suite, release.codename, release.version) == ("stable", "trixie", "13.7")
    assert iso(release.date) == "2026-09-12T07:55:41Z"
    assert release.valid_until == datetime(2026, 9, 19, 7, 55, 41, tzinfo=UTC)
    assert release.by_hash
    assert not release.all_is_separate
    assert release.has_component("main")
    assert release.has_component("contrib")
    assert not release.has_component("updates")
    file = release.files["main/binary-amd64/Packages.xz"]
    assert (file.size, file.sha256) == (9678380, Digest("2" * 64))
    check(release)
    check(release, "stable")


def test_what_our_own_archive_builder_writes(tmp_path: Path) -> None:
    text = SignedArchive(tmp_path).write(date=NOW, valid_until=NOW + timedelta(days=1))
    release = read(text)
    assert release.date == NOW
    assert release.valid_until == NOW + timedelta(days=1)
    assert release.all_is_separate


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Date: Sat", "Dated: Sat", "no field Date"),
        ("SHA256:", "SHA512:", "no field Sha256"),
        ("07:55:41 UTC\nV", "07:55:41 CEST\nV", "not a date"),
        ("12 Sep", "12 Sop", "not a date"),
        ("12 Sep 2026 07", "31 Sep 2026 07", "day is out of range"),
        ("main/binary-amd64/Packages.xz", "../Packages.xz", "lists"),
        ("main/binary-amd64/Packages.xz", "/etc/passwd", "lists"),
        ("main/binary-amd64/Packages.xz", "main//Packages.xz", "lists"),
        ("main/binary-amd64/Packages.xz", "main/binary-amd64/Packages", "twice"),
        (" 9678380", " -9678380", "lists"),
        (" 9678380", " 9678380123456789", "lists"),
        ("2" * 64, "2" * 63, "lists"),
        ("Label: Debian\n", "Label: Debian\n\n", "2 stanzas"),
        ("Label: Debian", "Origin: Debian", "twice"),
    ],
)
def test_a_malformed_release_is_refused(old: str, new: str, why: str) -> None:
    assert old in TEXT
    with pytest.raises(VerificationError, match="trixie") as caught:
        read(TEXT.replace(old, new))
    assert why in caught.value.why


def test_another_suite_is_refused() -> None:
    for wanted in ("bookworm", "trixie-updates", "stable-updates", ""):
        with pytest.raises(VerificationError, match="another suite"):
            check(read(), wanted)


def test_ubuntus_updates_are_not_the_suite_itself() -> None:
    updates = read(TEXT.replace("Suite: stable", "Suite: noble-updates").replace("trixie", "noble"))
    check(updates, "noble-updates")
    with pytest.raises(VerificationError, match="another suite"):
        check(updates, "noble")


def test_valid_until() -> None:
    release = read()
    end = datetime(2026, 9, 19, 7, 55, 41, tzinfo=UTC)
    check(release, now=end)
    with pytest.raises(VerificationError, match="expired"):
        check(release, now=end + timedelta(seconds=1))
    late = end + timedelta(days=400)
    check_release(release, wanted="trixie", subject="x", now=late, seen=None, leniency=Leniency(expired=True))
    check(read("".join(row for row in TEXT.splitlines(keepends=True) if "Valid-Until" not in row)), now=late)


def test_a_release_from_the_future_is_refused() -> None:
    release = read()
    check(release, now=release.date - timedelta(minutes=59))
    with pytest.raises(VerificationError, match="future"):
        check(release, now=release.date - timedelta(minutes=61))


def test_no_going_back() -> None:
    release = read()
    check(release, seen="2026-09-12T07:55:41Z")
    check(release, seen="2026-09-11T23:59:59Z")
    with pytest.raises(VerificationError, match="older"):
        check(release, seen="2026-09-12T07:55:42Z")
    check_release(
        release, wanted="trixie", subject="x", now=NOW, seen="2027-01-01T00:00:00Z", leniency=Leniency(older=True)
    )


def test_endless_lists_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_FILES", 1)
    with pytest.raises(VerificationError) as caught:
        read()
    assert "more than 1 files" in caught.value.why


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_dates_survive_being_written(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    assert parse_date(moment.strftime("%a, %d %b %Y %H:%M:%S UTC")) == moment


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse_date(text).tzinfo is UTC


@given(st.lists(st.sampled_from(TEXT.splitlines()), max_size=20), st.text(max_size=20))
def test_any_lines_are_read_or_refused(rows: list[str], more: str) -> None:
    with suppress(VerificationError):
        assert read("\n".join([*rows, more])).files
