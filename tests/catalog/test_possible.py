# SPDX-License-Identifier: Apache-2.0
"""Releases that are too old for a suite: refused, left out of tags, and named where all is built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.model import Catalog
from imagewright.catalog.possible import hindrance, others, possible_suites, too_new
from imagewright.catalog.resolve import define
from imagewright.catalog.selecting import offered
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.catalog.specs import image_names, parse_spec
from imagewright.catalog.tags import tags_of
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.images import Flavour, ImageName
from imagewright.model.platforms import parse_platform

CATALOG = shipped_catalog()
AMD64 = parse_platform("linux/amd64")


def limited(current: str, suites: tuple[str, ...] = ()) -> Catalog:
    """The shipped catalog in which a release is the current one of its series, perhaps on other suites."""
    series = tuple(
        replace(one, current=current, suites=suites or one.suites) if current.startswith(f"{one.name}.") else one
        for one in CATALOG.series
    )
    return replace(CATALOG, series=series)


@pytest.mark.parametrize(
    ("release", "suite", "possible"),
    [
        ("3.9.2", "bullseye", True),
        ("3.9.2", "bookworm", False),
        ("3.9.2", "forky", False),
        ("3.9.2", "jammy", False),
        ("3.9.4", "trixie", False),
        ("3.9.5", "trixie", True),
        ("3.9.25", "trixie", True),
        ("3.10.0", "trixie", True),
        ("2.7.18", "bullseye", True),
        ("2.7.18", "bookworm", False),
    ],
)
def test_which_releases_a_suite_can_have(release: str, suite: str, possible: bool) -> None:
    assert bool(hindrance(release, suite, CATALOG)) is not possible


def test_every_limit_hits_some_suite_and_spares_another() -> None:
    limits = [(series, limit) for series in CATALOG.series for limit in series.limits]
    assert [series.name for series, _ in limits] == ["3.9", "2.7"]
    for series, limit in limits:
        assert 0 < len(too_new(limit, CATALOG)) < len([suite for suite in CATALOG.suites if suite.libraries])
        assert possible_suites(series.current, "slim", CATALOG)


def test_every_current_release_can_be_built_wherever_its_series_is_offered() -> None:
    for series in CATALOG.series:
        for suite in series.suites:
            assert not hindrance(series.current, suite, CATALOG)


def test_every_suite_of_debian_and_ubuntu_says_its_openssl() -> None:
    suites = [suite for suite in CATALOG.suites if suite.distribution in {"debian", "ubuntu"}]
    assert all(dict(suite.libraries).get("openssl") for suite in suites)


def test_tags_and_the_default_suite_follow() -> None:
    name = parse_spec("3.9.2-slim", CATALOG)
    assert str(name) == "3.9.2-slim-bullseye"
    tags = tags_of(name, CATALOG, CATALOG.by_scheme["official"])
    assert tags.simple == ("3.9.2-slim-bullseye", "3.9.2-slim")
    assert possible_suites("3.9.2", "slim", CATALOG) == ("bullseye",)
    assert list(others("3.9.2", "trixie", CATALOG)) == ["3.9.25"]


def test_what_is_impossible_is_no_tag_and_is_left_out_of_all_with_its_reason() -> None:
    catalog = limited("3.9.2")
    suites = {name.suite for name in image_names(catalog) if name.release == "3.9.2"}
    assert suites == {"bullseye"}
    offer = offered(catalog, resolve_settings(), [AMD64], ["3.9-slim-*"])
    assert [str(one.name) for one in offer.definitions] == ["3.9.2-slim-bullseye"]
    left = {one.image: one.reason for one in offer.left_out}
    assert "openssl 3.0" in left["3.9.2-slim-bookworm"]
    assert "3.9.2-slim-trixie" in left


def test_a_name_is_refused_whoever_made_it() -> None:
    name = ImageName("3.9.2", Flavour.DEFAULT, "slim", "trixie")
    with pytest.raises(UsageError, match=r"3\.9\.2-slim-trixie cannot be built"):
        define(name, CATALOG, resolve_settings(), AMD64)


def test_where_every_suite_is_too_new_the_first_one_shows_why() -> None:
    catalog = limited("2.7.18", ("trixie", "bookworm"))
    with pytest.raises(UsageError, match="cannot be built") as caught:
        parse_spec("2.7-slim", catalog)
    assert "trixie has openssl 3.5" in caught.value.why
    assert not caught.value.hint


def test_a_person_s_own_suite_says_what_it_has() -> None:
    own = """
[[catalog.suite]]
name = "own"
distribution = "debian"
version = "1"
status = "own"
libraries = { openssl = "3" }
architectures = ["amd64"]
"""
    catalog, _ = apply_configuration(shipped_documents(), own)
    assert hindrance("3.9.2", "own", catalog)


def test_wrong_limits_are_shown_all_at_once() -> None:
    documents = dict(shipped_documents())
    documents["series.toml"] = (
        documents["series.toml"]
        .replace(
            'library = "openssl"\nversion = "3"\nsince = "3.9.5"',
            'library = "opensl"\nversion = "3"\nsince = "3.8.5"',
        )
        .replace('library = "openssl"\nversion = "3"\nwhy', 'library = "openssl"\nversion = "three"\nwhy')
    )
    with pytest.raises(ConfigurationError) as caught:
        apply_configuration(documents, None)
    said = str(caught.value.details)
    for words in ("no suite says its 'opensl'", "3.8.5 is not a release of 3.9", "'three' is not a version"):
        assert words in said
