# SPDX-License-Identifier: Apache-2.0
"""Historical catalogs: the tags they give are those that were published (tests/catalogs)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imagewright.app.tagging import tagged_images
from imagewright.app.world import SystemClock, World
from imagewright.catalog.listing import listed as catalog_listed
from imagewright.catalog.listing import shared_groups
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.shipped import shipped_documents
from imagewright.errors import ConfigurationError
from imagewright.model.general import GlobalOptions
from imagewright.model.options import TagOptions
from imagewright.model.platforms import parse_platform
from imagewright.model.results import TaggedImage

CATALOGS = Path(__file__).parent.parent / "catalogs"
WORLD = World(GlobalOptions(), SystemClock(), 0o022)
PUBLISHED = [("000-2020", "windows-amd64"), ("001-2019", ""), ("002-2025", "i386"), ("004-infra7", "")]


def listed(catalog: str, *, arch: str = "", specs: tuple[str, ...] = ()) -> tuple[TaggedImage, ...]:
    platforms = (parse_platform(arch),) if arch else ()
    return tagged_images(WORLD, specs, TagOptions(CATALOGS / f"{catalog}.toml", platforms))


def golden(catalog: str) -> Any:
    return json.loads((CATALOGS / f"{catalog}.json").read_text(encoding="utf-8"))


def groups(catalog: str, arch: str = "") -> list[dict[str, object]]:
    """Shared tags as the official documentation groups them."""
    text = (CATALOGS / f"{catalog}.toml").read_text(encoding="utf-8")
    found, scheme = load_tag_catalog(text, catalog, shipped_documents())
    platforms = (parse_platform(arch),) if arch else ()
    return [
        {"tags": [*group.tags], "images": [image.tags.simple[0] for image in group.images]}
        for group in shared_groups(catalog_listed(found, found.by_scheme[scheme]), platforms)
    ]


@pytest.mark.parametrize(("catalog", "arch"), PUBLISHED)
def test_simple_tags_and_directories_are_those_published(catalog: str, arch: str) -> None:
    found = [{"directory": image.directory, "tags": [*image.tags]} for image in listed(catalog, arch=arch)]
    assert found == golden(catalog)["simple"]


@pytest.mark.parametrize(("catalog", "arch"), PUBLISHED)
def test_shared_tags_are_those_published(catalog: str, arch: str) -> None:
    expected = golden(catalog)["shared"]
    assert groups(catalog, arch) == expected
    first = dict.fromkeys(tag for image in listed(catalog, arch=arch) for tag in image.shared_tags)
    assert [*first] == [tag for group in expected for tag in group["tags"]]


@pytest.mark.parametrize(("catalog", "arch"), PUBLISHED)
def test_every_simple_tag_is_a_spec_of_its_image(catalog: str, arch: str) -> None:
    for image in listed(catalog, arch=arch):
        assert len(image.tags) == len({*image.tags})
        for tag in image.tags:
            assert [found.image for found in listed(catalog, specs=(tag,))] == [image.image], tag


def test_an_image_exists_for_its_suites_architectures() -> None:
    every = {image.image: " ".join(image.architectures) for image in listed("002-2025")}
    assert every["3.14.0-trixie"] == "amd64 arm32v5 arm32v7 arm64v8 i386 ppc64le riscv64 s390x"
    assert every["3.14.0-alpine3.22"] == "amd64 arm32v6 arm32v7 arm64v8 i386 ppc64le riscv64 s390x"
    assert every["3.14.0-windowsservercore-ltsc2025"] == "windows-amd64"
    assert "3.12.12-windowsservercore-ltsc2025" not in every
    assert {image.architectures for image in listed("004-infra7")} == {("amd64", "arm64v8")}


def test_the_whole_of_a_catalog_has_windows_and_linux_under_one_shared_tag() -> None:
    found = groups("000-2020")
    windows = ["3.9.0-windowsservercore-ltsc2016", "3.9.0-windowsservercore-1809"]
    assert {"tags": ["3.9.0", "3.9", "3", "latest"], "images": ["3.9.0-buster", *windows]} in found
    assert {"tags": ["3.6.12", "3.6"], "images": ["3.6.12-buster"]} in found


def test_a_catalog_that_lacks_what_tags_need_says_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'tag_scheme = "oficial"\n'
        '[[series]]\nname = "3.14"\naliases = ["latest"]\ncurrent = "3.14.0b1"\nsuites = ["trixi"]\n'
        '[[suite]]\nname = "trixie"\ndistribution = "debian"\nplatforms = ["amd46"]\n'
        '[[variant]]\nname = "slim"\n'
    )
    with pytest.raises(ConfigurationError) as caught:
        tagged_images(WORLD, (), TagOptions(path))
    assert caught.value.message == f"{path} is wrong"
    assert [str(problem) for problem in caught.value.problems] == [
        "suite[0].platforms[0]: 'amd46' is not a platform (did you mean amd64?)",
        "variant[0].word: is missing (it must be text)",
        "series[0].suites[0]: there is no suite 'trixi' (did you mean trixie?)",
        "series[0].aliases[0]: a prerelease must not be 'latest' ('rc' is its only alias)",
        "tag_scheme: there is no scheme 'oficial' (did you mean official?)",
    ]


def test_a_catalog_that_is_not_there_or_empty(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        tagged_images(WORLD, (), TagOptions(tmp_path / "none.toml"))
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(ConfigurationError, match=r"empty\.toml is wrong") as caught:
        tagged_images(WORLD, (), TagOptions(tmp_path / "empty.toml"))
    assert "series: is missing" in caught.value.why
