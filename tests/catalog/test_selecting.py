# SPDX-License-Identifier: Apache-2.0
"""What --all and --only mean, and what they leave out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.model import Catalog
from imagewright.catalog.selecting import Offer, current_images, offered
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.errors import UsageError
from imagewright.model.images import Flavour
from imagewright.model.platforms import parse_platform

CATALOG = shipped_catalog()
AMD64 = parse_platform("linux/amd64")


def offer(*only: str, platforms: tuple[str, ...] = ("linux/amd64",), catalog: Catalog = CATALOG) -> Offer:
    return offered(catalog, resolve_settings(), map(parse_platform, platforms), only)


def names(found: Offer) -> list[str]:
    return [str(definition.name) for definition in found.definitions]


def narrowed(text: str) -> Catalog:
    return apply_configuration(shipped_documents(), text)[0]


def test_all_is_every_current_image_or_says_why_not() -> None:
    found = offer()
    every = [str(name) for name in current_images(CATALOG)]
    assert sorted([*names(found), *(item.image for item in found.left_out)]) == sorted(every)
    assert len(set(every)) == len(every)
    assert all(item.reason for item in found.left_out)
    assert "3.13.15-slim-trixie" in names(found)


def test_what_cannot_be_built_yet_is_named_with_its_reason() -> None:
    later = "comes later"
    catalog = replace(
        CATALOG,
        suites=tuple(
            replace(suite, planned=later if suite.name == "bookworm" else "") for suite in CATALOG.suites
        ),
    )
    found = offer("3.13-slim-*", catalog=catalog)
    left = [item for item in found.left_out if item.image == "3.13.15-slim-bookworm"]
    assert [(item.platform, item.reason) for item in left] == [("linux/amd64", "suite bookworm: comes later")]
    assert "3.13.15-slim-bookworm" not in names(found)


def test_a_platform_that_a_suite_lacks_is_left_out_alone() -> None:
    found = offer("3.13-slim-bookworm", platforms=("linux/amd64", "linux/riscv64"))
    assert [str(definition.platform) for definition in found.definitions] == ["linux/amd64"]
    assert [(item.platform, "riscv64" in item.reason) for item in found.left_out] == [("linux/riscv64", True)]


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("3.13-slim-*", "3.13.15-slim-bookworm", "3.14.10-slim-trixie"),
        ("slim-trixie", "3.13.15-slim-trixie", "3.13.15-slim-bookworm"),
        ("*-trixie", "3.13.15-slim-trixie", "3.13.15-slim-bookworm"),
        ("3.13.15-*", "3.13.15-slim-trixie", "3.14.10-slim-trixie"),
    ],
)
def test_patterns_match_simple_tags_and_the_words_after_the_version(
    pattern: str, inside: str, outside: str
) -> None:
    found = offer(pattern)
    every = [*names(found), *(item.image for item in found.left_out)]
    assert inside in every
    assert outside not in every


def test_patterns_add_up() -> None:
    both = offer("3.13-slim-trixie", "3.13-slim-bookworm")
    assert sorted(names(both)) == ["3.13.15-slim-bookworm", "3.13.15-slim-trixie"]


def test_other_flavours_are_meant_only_by_their_own_patterns() -> None:
    assert {definition.name.flavour for definition in offer("3.13*").definitions} == {Flavour.DEFAULT}
    found = offer("3.13t-slim-*")
    every = [*names(found), *(item.image for item in found.left_out)]
    assert every
    assert all(name.startswith("3.13.15t-slim-") for name in every)


def test_the_configuration_narrows_first() -> None:
    catalog = narrowed('[catalog]\nonly_series = ["3.13"]\nonly_suites = ["trixie"]\nonly_variants = ["slim"]\n')
    assert names(offer(catalog=catalog)) == ["3.13.15-slim-trixie"]


def test_a_pattern_that_means_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match=r"--only 3\.99-"):
        offer("3.99-*", "slim-*")
