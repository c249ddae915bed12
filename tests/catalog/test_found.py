# SPDX-License-Identifier: Apache-2.0
"""The file of found releases: written, read again, and laid between the catalog and what a person wrote."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.configuration import apply_configuration, lock_named
from imagewright.catalog.found import with_current, write_found
from imagewright.catalog.model import Catalog, Release
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest

CATALOG = shipped_catalog()
NEW = Release(
    version="3.13.99",
    series="3.13",
    epoch=1_795_000_000,
    sha256=Digest("a" * 64),
    size=23_300_000,
    packed="tar.xz",
    debian="pool/main/p/python3.13/python3.13_3.13.99.orig.tar.xz",
    signature="pool/main/p/python3.13/python3.13_3.13.99.orig.tar.xz.asc",
    provenance="openpgp 7169605F62C751356D054A26A821E680E5FA6305",
)
OTHER = replace(NEW, version="2.7.99", series="2.7", packed="tgz", debian="", signature="", size=0,
                provenance="unverified")  # fmt: skip


def read(found: str | None, text: str | None = None) -> Catalog:
    return apply_configuration(shipped_documents(), text, found=found)[0]


def test_what_is_written_is_read_again() -> None:
    text = write_found([OTHER, NEW])
    catalog = read(text)
    assert catalog.by_release["3.13.99"] == NEW
    assert catalog.by_release["2.7.99"] == OTHER
    assert write_found([NEW, OTHER]) == text
    assert text.index("3.13.99") < text.index("2.7.99")


def test_a_found_release_becomes_the_current_one() -> None:
    catalog = read(write_found([NEW]))
    assert catalog.by_series["3.13"].current == "3.13.99"
    assert catalog.by_series["3.12"] == CATALOG.by_series["3.12"]
    assert [release for release in catalog.releases if release != NEW] == list(CATALOG.releases)


def test_without_a_file_nothing_is_different() -> None:
    assert read(None) == CATALOG


def test_a_series_never_goes_back() -> None:
    older = replace(NEW, version="3.13.1")
    assert read(write_found([older])).by_series["3.13"] == CATALOG.by_series["3.13"]


def test_a_prerelease_does_not_replace_a_final_release() -> None:
    coming = replace(NEW, version="3.13.99rc1")
    catalog = read(write_found([coming]))
    assert catalog.by_series["3.13"].current == CATALOG.by_series["3.13"].current
    assert catalog.by_release["3.13.99rc1"] == coming


def test_the_first_final_release_ends_the_time_before_it() -> None:
    early = tuple(
        replace(one, current="3.13.0b1", status="prerelease") if one.name == "3.13" else one
        for one in CATALOG.series
    )
    beta = replace(NEW, version="3.13.0b2")
    releases = (*CATALOG.releases, NEW, beta)
    catalog = replace(CATALOG, series=early, releases=releases)
    series = with_current(catalog, ["3.13.0b2"], ()).by_series["3.13"]
    assert (series.current, series.status) == ("3.13.0b2", "prerelease")
    series = with_current(catalog, ["3.13.0b2", "3.13.99"], ()).by_series["3.13"]
    assert (series.current, series.status) == ("3.13.99", "bugfix")


def test_what_a_person_wrote_wins() -> None:
    written = """
[[catalog.series]]
name = "3.13"
status = "bugfix"
end_of_life = "2029-10"
current = "3.13.5"
suites = ["trixie"]
setuptools = false
lang = false
openpgp = "7169605F62C751356D054A26A821E680E5FA6305"
"""
    assert read(write_found([NEW]), written).by_series["3.13"].current == "3.13.5"


def test_another_digest_for_a_known_release_is_refused() -> None:
    known = CATALOG.by_release["3.13.5"]
    assert read(write_found([known])).by_release["3.13.5"] == known
    with pytest.raises(ConfigurationError) as caught:
        read(write_found([replace(known, sha256=NEW.sha256)]))
    assert "CPython 3.13.5 is pinned by another digest in the catalog" in caught.value.why


@pytest.mark.parametrize(
    "text",
    [
        "[[release]]\nversion = 3",
        "release = 1",
        "[[release]]\nversion = '3.13.99'\nsha256 = 'x'",
        "[[releases]]",
        write_found([NEW]).replace("openpgp 7169", "trust-me 7169"),
        write_found([NEW, NEW]),
    ],
)
def test_a_file_that_was_tampered_with_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"imagewright\.releases\.toml is wrong"):
        read(text)


def test_where_the_lock_is_can_be_told_at_a_first_look() -> None:
    assert lock_named('lock = "x/y.lock"') == "x/y.lock"
    assert lock_named("lock = 1") == ""
    assert lock_named("nonsense") == ""
