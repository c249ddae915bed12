# SPDX-License-Identifier: Apache-2.0
"""Tags, against what the official image and infra7 published."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imagewright.catalog.loading import load_catalog
from imagewright.catalog.model import Catalog
from imagewright.catalog.shipped import shipped_documents
from imagewright.catalog.specs import parse_spec
from imagewright.catalog.tags import TagDefaults, tags_of
from imagewright.model.images import Flavour

RELEASES = {"3.15": "3.15.0a1", "3.14": "3.14.0", "3.13": "3.13.9"}


def autumn_2025() -> Catalog:
    """The shipped catalog as it would have been in October 2025."""
    documents = shipped_documents()
    text = documents["series.toml"].replace('aliases = ["3", "latest"]\n', "")
    for current, then in (("3.15.2", "3.15.0a1"), ("3.14.10", "3.14.0"), ("3.13.15", "3.13.9")):
        text = text.replace(f'current = "{current}"', f'current = "{then}"')
    text = text.replace('current = "3.14.0"\n', 'current = "3.14.0"\naliases = ["3", "latest"]\n')
    documents["series.toml"] = text
    documents["releases.toml"] += "".join(
        f'[[release]]\nversion = "{version}"\nreleased = 2025-10-14\nsha256 = "{number:064x}"\n'
        for number, version in enumerate(RELEASES.values())
    )
    return load_catalog(documents)


CATALOG = autumn_2025()
OFFICIAL = CATALOG.by_scheme["official"]


@pytest.mark.parametrize(
    ("spec", "simple", "shared"),
    [
        ("3.15-rc-trixie", "3.15.0a1-trixie 3.15-rc-trixie", "3.15.0a1 3.15-rc"),
        (
            "3.15-slim-trixie",
            "3.15.0a1-slim-trixie 3.15-rc-slim-trixie 3.15.0a1-slim 3.15-rc-slim",
            "",
        ),
        ("3.15-rc-bookworm", "3.15.0a1-bookworm 3.15-rc-bookworm", ""),
        ("3.14-trixie", "3.14.0-trixie 3.14-trixie 3-trixie trixie", "3.14.0 3.14 3 latest"),
        (
            "slim",
            "3.14.0-slim-trixie 3.14-slim-trixie 3-slim-trixie slim-trixie 3.14.0-slim 3.14-slim 3-slim slim",
            "",
        ),
        ("bookworm", "3.14.0-bookworm 3.14-bookworm 3-bookworm bookworm", ""),
        (
            "slim-bookworm",
            "3.14.0-slim-bookworm 3.14-slim-bookworm 3-slim-bookworm slim-bookworm",
            "",
        ),
        ("3.13-slim", "3.13.9-slim-trixie 3.13-slim-trixie 3.13.9-slim 3.13-slim", ""),
        ("3.13", "3.13.9-trixie 3.13-trixie", "3.13.9 3.13"),
        ("3.13.5-slim", "3.13.5-slim-trixie 3.13.5-slim", ""),
        ("3.14t-slim", "3.14.0t-slim-trixie 3.14t-slim-trixie 3t-slim-trixie 3.14.0t-slim 3.14t-slim 3t-slim", ""),
        ("3.13t-minimal", "3.13.9t-minimal-trixie 3.13t-minimal-trixie 3.13.9t-minimal 3.13t-minimal", ""),
        ("3.13d-slim-bookworm", "3.13.9d-slim-bookworm 3.13d-slim-bookworm", ""),
        (
            "3.13d-minimal-debug",
            "3.13.9d-minimal-debug-trixie 3.13d-minimal-debug-trixie 3.13.9d-minimal-debug 3.13d-minimal-debug",
            "",
        ),
        ("3.15t", "3.15.0a1t-trixie 3.15t-rc-trixie", "3.15.0a1t 3.15t-rc"),
    ],
)
def test_the_official_tags(spec: str, simple: str, shared: str) -> None:
    tags = tags_of(parse_spec(spec, CATALOG), CATALOG, OFFICIAL)
    assert " ".join(tags.simple) == simple
    assert " ".join(tags.shared) == shared


def test_windows_joins_the_shared_tags() -> None:
    catalog = replace(CATALOG, variants=tuple(replace(variant, planned="") for variant in CATALOG.variants))
    name = replace(parse_spec("3.14", catalog), variant="windowsservercore", suite="ltsc2022")
    tags = tags_of(name, catalog, OFFICIAL)
    assert tags.simple == (
        "3.14.0-windowsservercore-ltsc2022",
        "3.14-windowsservercore-ltsc2022",
        "3-windowsservercore-ltsc2022",
        "windowsservercore-ltsc2022",
    )
    assert tags.shared == (
        "3.14.0-windowsservercore",
        "3.14-windowsservercore",
        "3-windowsservercore",
        "windowsservercore",
        "3.14.0",
        "3.14",
        "3",
        "latest",
    )


def test_infra7s_tags() -> None:
    scheme = CATALOG.by_scheme["infra7"]
    tags = tags_of(parse_spec("3.14", CATALOG), CATALOG, scheme)
    assert tags.simple == ("3.14-trixie", "3.14.0-trixie")
    assert tags.shared == ("3.14", "3.14.0", "3", "latest")
    assert tags_of(parse_spec("3.14-bookworm", CATALOG), CATALOG, scheme).shared == ()


def test_defaults_move_the_tags_without_the_word() -> None:
    defaults = TagDefaults(variant="slim", suite="bookworm")
    tags = tags_of(parse_spec("3.13", CATALOG, defaults), CATALOG, OFFICIAL, defaults)
    assert tags.simple == ("3.13.9-slim-bookworm", "3.13-slim-bookworm", "3.13.9-slim", "3.13-slim")
    assert tags.shared == ("3.13.9", "3.13")


@pytest.mark.parametrize("flavour", list(Flavour))
def test_no_two_images_share_a_simple_tag(flavour: Flavour) -> None:
    seen: dict[str, str] = {}
    for series in CATALOG.series:
        for suite in series.suites:
            for variant in ("full", "slim", "minimal"):
                name = replace(parse_spec(series.name, CATALOG), flavour=flavour, suite=suite, variant=variant)
                for tag in tags_of(name, CATALOG, OFFICIAL).simple:
                    assert tag not in seen, (tag, str(name), seen[tag])
                    seen[tag] = str(name)
    assert len(seen) > 100
