# SPDX-License-Identifier: Apache-2.0
"""From claims to candidates: what is wanted, what contradicts, what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.cpython.downloads import PublishedSource
from imagewright.archives.debian.source_index import DebianSource
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.versions import is_prerelease, release_key, series_of
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest
from imagewright.planning.releases import (
    Claim,
    candidate,
    check_known,
    debian_claim,
    python_claim,
    release_of,
    unknown_series,
    wanted_versions,
)

CATALOG = shipped_catalog()
ALL = tuple(CATALOG.by_series)
A, B = Digest("a" * 64), Digest("b" * 64)
UPSTREAM = python_claim(
    PublishedSource("Python-3.13.99.tar.xz", "3.13.99", "tar.xz", 100, A, signed=True, bundle=True)
)
DEBIAN = debian_claim(
    "forky", DebianSource("3.13.99", "3.13.99-1", "pool/p.tar.xz", 100, A, "tar.xz", "pool/p.asc")
)


def test_the_newest_of_each_series_is_wanted_and_nothing_older() -> None:
    versions = ["3.13.98", "3.13.99", "3.13.1", "3.12.99", CATALOG.by_series["3.14"].current, "3.99.0", "2.7.1"]
    assert wanted_versions(CATALOG, versions, ALL, prereleases=False) == ("3.13.99", "3.12.99")
    assert wanted_versions(CATALOG, versions, ["3.12"], prereleases=False) == ("3.12.99",)


def test_prereleases_are_wanted_where_the_series_is_one_or_somebody_asks() -> None:
    versions = ["3.13.99rc1", "3.13.98"]
    assert wanted_versions(CATALOG, versions, ALL, prereleases=False) == ("3.13.98",)
    assert wanted_versions(CATALOG, versions, ALL, prereleases=True) == ("3.13.99rc1",)
    early = replace(
        CATALOG,
        series=tuple(replace(one, current="3.13.0b1") if one.name == "3.13" else one for one in CATALOG.series),
    )
    assert wanted_versions(early, ["3.13.0b2"], ALL, prereleases=False) == ("3.13.0b2",)


_VERSIONS = st.builds(
    lambda series, micro, stage: f"{series}.{micro}{stage}",
    st.sampled_from([*ALL, "3.99"]),
    st.integers(0, 30),
    st.sampled_from(["", "", "a1", "b2", "rc1"]),
)


@given(st.lists(_VERSIONS, max_size=20), st.booleans())
def test_a_wanted_release_is_always_newer_and_one_for_each_series(versions: list[str], prereleases: bool) -> None:
    wanted = wanted_versions(CATALOG, versions, ALL, prereleases=prereleases)
    assert len({series_of(version) for version in wanted}) == len(wanted)
    for version in wanted:
        assert version in versions
        current = CATALOG.by_series[series_of(version)].current
        unknown = CATALOG.by_release[current].sha256 is None
        assert release_key(version) > release_key(current) or (unknown and version == current)
        assert prereleases or not is_prerelease(version)


def test_the_current_release_is_wanted_while_its_digest_is_not_known() -> None:
    current = CATALOG.by_series["3.13"].current
    releases = tuple(replace(one, sha256=None) if one.version == current else one for one in CATALOG.releases)
    unknown = replace(CATALOG, releases=releases)
    assert wanted_versions(unknown, [current, "3.13.1"], ALL, prereleases=False) == (current,)
    assert wanted_versions(unknown, [current, "3.13.99"], ALL, prereleases=False) == ("3.13.99",)
    claim = Claim(current, "trixie", "tar.xz", 100, B, believed=True)
    check_known(unknown, [claim])
    found = candidate(unknown, current, [claim])
    assert (found.sha256, found.pinned) == (B, False)


def test_series_that_the_catalog_lacks_are_told() -> None:
    assert unknown_series(CATALOG, ["3.98.0a1", "3.99.0a2", "3.13.5", "3.3.1"]) == ("3.98", "3.99")


def test_claims_come_together() -> None:
    found = candidate(CATALOG, "3.13.99", [UPSTREAM, DEBIAN])
    assert (found.sha256, found.size, found.suites) == (A, 100, ("forky",))
    assert (found.debian, found.signature, found.signed, found.bundle) == (
        "pool/p.tar.xz",
        "pool/p.asc",
        True,
        True,
    )
    assert found.have == CATALOG.by_series["3.13"].current
    release = release_of(found, A, 100, 5, "debian forky")
    assert (release.version, release.epoch, release.provenance) == ("3.13.99", 5, "debian forky")


def test_the_archive_that_is_believed_is_taken() -> None:
    gzip = replace(DEBIAN, packed="tgz", sha256=B)
    assert candidate(CATALOG, "3.13.99", [UPSTREAM, gzip]).packed == "tgz"
    assert candidate(CATALOG, "3.13.99", [UPSTREAM, replace(gzip, believed=False)]).packed == "tar.xz"


@pytest.mark.parametrize("other", [replace(UPSTREAM, sha256=B), replace(UPSTREAM, size=99)])
def test_contradictions_are_refused(other: Claim) -> None:
    with pytest.raises(VerificationError, match="contradicts itself") as caught:
        candidate(CATALOG, "3.13.99", [DEBIAN, other])
    assert "forky" in caught.value.why
    assert "python.org" in caught.value.why


def test_a_digest_that_the_catalog_has_already_is_the_one_to_expect() -> None:
    ahead = next(one for one in CATALOG.releases if one.version == "3.13.5")
    listed = Claim("3.13.5", "python.org", "tar.xz")
    assert candidate(CATALOG, "3.13.5", [listed]).sha256 == ahead.sha256
    assert candidate(CATALOG, "3.13.5", [listed]).pinned


def test_a_release_whose_digest_changed_is_an_error() -> None:
    known = CATALOG.by_release["3.13.15"]
    same = Claim("3.13.15", "trixie", "tar.xz", known.size, known.sha256, believed=True)
    check_known(CATALOG, [same, replace(same, packed="tgz", sha256=B), replace(same, version="3.13.99", sha256=B)])
    with pytest.raises(VerificationError, match=r"CPython 3\.13\.15 changed: trixie") as caught:
        check_known(CATALOG, [replace(same, sha256=B)])
    assert known.sha256.hex in caught.value.why
