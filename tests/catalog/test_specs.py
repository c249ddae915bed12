# SPDX-License-Identifier: Apache-2.0
"""Reading a SPEC: what it means, and what is said of one that means nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog
from imagewright.catalog.specs import image_names, parse_spec
from imagewright.catalog.tags import TagDefaults, tags_of
from imagewright.errors import UsageError
from imagewright.model.images import Flavour

CATALOG = shipped_catalog()
NEWEST = CATALOG.by_series["3.15"].current


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("3.13-slim-trixie", "3.13.15-slim-trixie"),
        ("3.13.15-slim-trixie", "3.13.15-slim-trixie"),
        ("3.13-slim", "3.13.15-slim-trixie"),
        ("3.13", "3.13.15-trixie"),
        ("3.13.5-slim-bookworm", "3.13.5-slim-bookworm"),
        ("3.13t-slim", "3.13.15t-slim-trixie"),
        ("3.13.15d", "3.13.15d-trixie"),
        ("3.13-minimal", "3.13.15-minimal-trixie"),
        ("3.13-minimal-debug", "3.13.15-minimal-debug-trixie"),
        ("3.13-minimal-debug-bookworm", "3.13.15-minimal-debug-bookworm"),
        ("latest", f"{NEWEST}-trixie"),
        ("3", f"{NEWEST}-trixie"),
        ("3-slim-trixie", f"{NEWEST}-slim-trixie"),
        ("3t-slim", f"{NEWEST}t-slim-trixie"),
        ("slim", f"{NEWEST}-slim-trixie"),
        ("slim-bookworm", f"{NEWEST}-slim-bookworm"),
        ("bookworm", f"{NEWEST}-bookworm"),
        ("2", "2.7.18-bullseye"),
        ("3.9-slim", "3.9.25-slim-trixie"),
        ("3.9.2-slim", "3.9.2-slim-bullseye"),  # the others have OpenSSL 3
    ],
)
def test_what_a_spec_means(spec: str, name: str) -> None:
    assert str(parse_spec(spec, CATALOG)) == name


@pytest.mark.parametrize(
    ("spec", "lines"),
    [
        ("3.13-slm-trixie", ("'slm' is neither a variant nor a suite", "did you mean 3.13-slim-trixie?")),
        ("3.13-slim-trixi", ("'trixi' is neither a variant nor a suite", "did you mean 3.13-slim-trixie?")),
        ("3.13-trixie-slim", ("'trixie-slim' is not a suite", "in this order: release or series, variant, suite")),
        ("3.31", ("there is no CPython 3.31 in the catalog", "did you mean 3.1")),
        ("3.13.99-slim", ("there is no CPython 3.13.99 in the catalog", "did you mean")),
        ("3.13x", ("'3.13x' ends in 'x', which is no flavour", "t (free-threaded) and d (debug)")),
        ("3.14-bullseye", ("the suites of 3.14 are trixie, bookworm, forky", "such as 3.14.10-trixie")),
        (
            "3.9.2-slim-bookworm",
            (
                "bookworm has openssl 3.0, which CPython works with from 3.9.5 on",
                "there is 3.9.2-slim-bullseye and 3.9.25-slim-bookworm",
            ),
        ),
        ("3.9.2t-noble", ("noble has openssl 3.0", "there is 3.9.2t-bullseye and 3.9.25t-noble")),
        (
            "2.7-trixie",
            ("trixie has openssl 3.5, which CPython 2.7 never learnt", "the suites of 2.7 are bullseye"),
        ),
        ("3.15-rc-slim", ("'rc' is neither a variant nor a suite", "there are slim")),
        ("", ("an image is named as in tags: 3.15-slim-trixie",)),
        ("x" * 200, ("an image is named as in tags: 3.15-slim-trixie",)),
        ("3.13-", ("'' is neither a variant nor a suite",)),
        ("3.13--slim", ("is neither a variant nor a suite",)),
    ],
)
def test_what_is_said_of_unknown_words(spec: str, lines: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(spec, CATALOG)
    assert caught.value.code == 2
    said = "\n".join(caught.value.lines())
    for line in lines:
        assert line in said


def test_defaults_fill_in_what_is_not_said() -> None:
    defaults = TagDefaults(variant="slim", suite="bookworm")
    assert str(parse_spec("3.13", CATALOG, defaults)) == "3.13.15-slim-bookworm"
    assert str(parse_spec("3.13-trixie", CATALOG, defaults)) == "3.13.15-slim-trixie"
    assert str(parse_spec("2.7", CATALOG, defaults)) == "2.7.18-slim-bullseye"


def test_every_tag_of_every_image_names_that_image() -> None:
    scheme = CATALOG.by_scheme["official"]
    count = 0
    for name in image_names(CATALOG, (Flavour.DEFAULT, Flavour.FREE_THREADED)):
        tags = tags_of(name, CATALOG, scheme)
        for tag in (*tags.simple, *tags.shared):
            assert parse_spec(tag, CATALOG) == name, tag
            count += 1
    assert count > 200


def test_only_what_can_be_built_is_listed() -> None:
    names = [str(name) for name in image_names(CATALOG)]
    assert "3.13.15-slim-trixie" in names
    assert "3.13.15-trixie" in names
    assert "3.13.15-minimal-debug-bookworm" in names
    assert "2.7.18-slim-bullseye" in names
    assert not [name for name in names if "alpine" in name]
    assert len(names) == len(set(names))


WORDS = st.sampled_from(
    ["3", "3.13", "3.13.15", "latest", "slim", "trixie", "t", "d", "rc", "alpine", "-", "", "3.13t", "ltsc2022"]
)


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=5).map("-".join)))
def test_any_text_is_an_image_or_a_usage_error(text: str) -> None:
    try:
        name = parse_spec(text, CATALOG, resolve_settings().tag_defaults)
    except UsageError as error:
        said = error.lines()
    else:
        said = (str(name),)
        assert name.suite in CATALOG.by_series[CATALOG.by_release[name.release].series].suites
    assert said[0]
