# SPDX-License-Identifier: Apache-2.0
"""Rules of tags on catalogs of their own: prereleases, narrowed variants, words of several parts, dates."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.listing import Wanted, listed, platforms_of
from imagewright.catalog.loading import load_tag_catalog
from imagewright.catalog.model import Catalog
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_documents
from imagewright.catalog.specs import image_names, parse_spec
from imagewright.catalog.tags import dated_tags, directory_of, tags_of
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.images import Flavour, ImageName
from imagewright.model.platforms import parse_platform

SUITES = """
[[suite]]
name = "trixie"
distribution = "debian"
platforms = ["amd64", "arm64v8", "s390x"]
[[suite]]
name = "bookworm"
distribution = "debian"
platforms = ["amd64", "arm64v8"]
[[suite]]
name = "alpine3.23"
distribution = "alpine"
platforms = ["amd64"]
[[suite]]
name = "ltsc2025"
distribution = "windows"
platforms = ["windows-amd64"]
[[variant]]
name = "full"
word = ""
[[variant]]
name = "slim"
word = "slim"
[[variant]]
name = "minimal"
word = "minimal"
platforms = ["amd64", "s390x"]
[[variant]]
name = "minimal-debug"
word = "minimal-debug"
[[variant]]
name = "alpine"
word = "alpine"
distributions = ["alpine"]
[[variant]]
name = "windowsservercore"
word = "windowsservercore"
distributions = ["windows"]
"""
SERIES = """
[[series]]
name = "3.16"
current = "3.16.0a2"
suites = ["trixie"]
[[series]]
name = "3.15"
current = "3.15.0b3"
aliases = ["rc"]
suites = ["trixie", "bookworm", "alpine3.23", "ltsc2025"]
platforms = ["amd64", "windows-amd64"]
[[series]]
name = "3.14"
current = "3.14.9"
aliases = ["3", "latest"]
suites = ["trixie", "bookworm", "alpine3.23"]
variant_suites = { minimal = ["bookworm", "trixie"], minimal-debug = ["bookworm"], slim = [] }
"""


def catalog(text: str = SERIES + SUITES) -> Catalog:
    return load_tag_catalog(text, "test.toml", shipped_documents())[0]


CATALOG = catalog()
OFFICIAL = CATALOG.by_scheme["official"]


@pytest.mark.parametrize(
    ("spec", "simple", "shared"),
    [
        ("rc", "3.15.0b3-trixie 3.15-rc-trixie rc-trixie", "3.15.0b3 3.15-rc rc"),
        ("3.15", "3.15.0b3-trixie 3.15-rc-trixie rc-trixie", "3.15.0b3 3.15-rc rc"),
        ("rc-slim-bookworm", "3.15.0b3-slim-bookworm 3.15-rc-slim-bookworm rc-slim-bookworm", ""),
        ("3.16-rc", "3.16.0a2-trixie 3.16-rc-trixie", "3.16.0a2 3.16-rc"),
        ("3.16t", "3.16.0a2t-trixie 3.16t-rc-trixie", "3.16.0a2t 3.16t-rc"),
        ("3.15.0b3d", "3.15.0b3d-trixie 3.15d-rc-trixie", "3.15.0b3d 3.15d-rc"),
        ("latest", "3.14.9-trixie 3.14-trixie 3-trixie trixie", "3.14.9 3.14 3 latest"),
        ("3t-bookworm", "3.14.9t-bookworm 3.14t-bookworm 3t-bookworm", ""),
        (
            "alpine",
            "3.14.9-alpine3.23 3.14-alpine3.23 3-alpine3.23 alpine3.23 3.14.9-alpine 3.14-alpine 3-alpine alpine",
            "",
        ),
        (
            "minimal-debug",
            (
                "3.14.9-minimal-debug-bookworm 3.14-minimal-debug-bookworm 3-minimal-debug-bookworm"
                " minimal-debug-bookworm 3.14.9-minimal-debug 3.14-minimal-debug 3-minimal-debug minimal-debug"
            ),
            "",
        ),
        ("3.14-minimal-trixie", "3.14.9-minimal-trixie 3.14-minimal-trixie 3-minimal-trixie minimal-trixie", ""),
        (
            "rc-windowsservercore",
            "3.15.0b3-windowsservercore-ltsc2025 3.15-rc-windowsservercore-ltsc2025 rc-windowsservercore-ltsc2025",
            "3.15.0b3-windowsservercore 3.15-rc-windowsservercore rc-windowsservercore 3.15.0b3 3.15-rc rc",
        ),
    ],
)
def test_tags(spec: str, simple: str, shared: str) -> None:
    tags = tags_of(parse_spec(spec, CATALOG), CATALOG, OFFICIAL)
    assert " ".join(tags.simple) == simple
    assert " ".join(tags.shared) == shared


def test_latest_never_stands_before_another_word() -> None:
    for item in listed(CATALOG, OFFICIAL):
        assert not [tag for tag in (*item.tags.simple, *item.tags.shared) if tag.startswith("latest-")]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("3.14-slim", "its variants are full, minimal, minimal-debug, alpine"),
        ("3.14-minimal-debug-trixie", "the suites of minimal-debug are bookworm"),
        ("3.16-alpine", "its variants are full, slim, minimal, minimal-debug"),
        ("3.16-bookworm", "the suites of 3.16 are trixie"),
        ("3.15-slim-alpine3.23", "the suites of slim are trixie, bookworm"),
    ],
)
def test_what_a_series_lacks_is_said(spec: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_spec(spec, CATALOG)
    assert caught.value.why == why


def test_architectures_are_narrowed_by_variant_and_series() -> None:
    def names(spec: str) -> str:
        return " ".join(one.library for one in platforms_of(parse_spec(spec, CATALOG), CATALOG))

    assert names("3.16") == "amd64 arm64v8 s390x"
    assert names("3.16-minimal") == "amd64 s390x"
    assert names("3.15") == "amd64"


def test_only_and_platforms_narrow_the_list_but_not_the_order_of_shared_tags() -> None:
    found = listed(CATALOG, OFFICIAL, wanted=Wanted(platforms=(parse_platform("windows-amd64"),)))
    assert [str(item.name) for item in found] == ["3.15.0b3-windowsservercore-ltsc2025"]
    assert found[0].tags.shared[:3] == ("3.15.0b3", "3.15-rc", "rc")
    found = listed(CATALOG, OFFICIAL, wanted=Wanted(only=("3.14t-minimal-*",)))
    assert {item.name.flavour for item in found} == {Flavour.FREE_THREADED}
    with pytest.raises(UsageError, match="matches no image"):
        listed(CATALOG, OFFICIAL, wanted=Wanted(only=("2.7-*",)))


def test_two_images_with_one_tag_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the tag 3\.16-rc-trixie would name two images"):
        listed(CATALOG, CATALOG.by_scheme["infra7"])


def test_a_prerelease_is_never_latest_and_a_final_release_never_rc() -> None:
    with pytest.raises(ConfigurationError, match=r"test\.toml is wrong") as caught:
        catalog((SERIES + SUITES).replace('aliases = ["rc"]', 'aliases = ["rc", "4"]'))
    assert "a prerelease must not be '4'" in caught.value.why
    final = catalog((SERIES + SUITES).replace('current = "3.15.0b3"', 'current = "3.15.0"'))
    assert final.by_series["3.15"].said_aliases == ()
    assert "rc" not in tags_of(parse_spec("3.15", final), final, OFFICIAL).shared


def test_dated_tags_say_when_the_content_was_made() -> None:
    noon = 1_795_176_000  # 2026-11-20 12:00 UTC
    assert dated_tags(parse_spec("3.14-minimal", CATALOG), CATALOG, OFFICIAL, noon) == (
        "3.14.9-minimal-bookworm-20261120",
    )
    assert dated_tags(parse_spec("alpine", CATALOG), CATALOG, OFFICIAL, noon) == ("3.14.9-alpine3.23-20261120",)
    infra7 = CATALOG.by_scheme["infra7"]
    assert dated_tags(parse_spec("3.14t", CATALOG), CATALOG, infra7, 0) == ("3.14.9t-trixie-19700101",)


def test_directories_are_the_official_ones() -> None:
    def directory(spec: str) -> str:
        return directory_of(parse_spec(spec, CATALOG), CATALOG, OFFICIAL)

    assert directory("rc") == "3.15-rc/trixie"
    assert directory("3.14-alpine") == "3.14/alpine3.23"
    assert directory("3.15-windowsservercore") == "3.15-rc/windows/windowsservercore-ltsc2025"
    assert directory("3.16t-slim") == "3.16t-rc/slim-trixie"


UNKNOWN = """
[[catalog.release]]
version = "3.12.99"
[[catalog.series]]
name = "3.12"
status = "security"
end_of_life = "2028-10"
current = "3.12.99"
suites = ["trixie"]
setuptools = false
lang = true
openpgp = "7169605F62C751356D054A26A821E680E5FA6305"
"""


def test_a_release_without_a_digest_has_tags_and_says_how_to_learn_it() -> None:
    found, choices = apply_configuration(shipped_documents(), UNKNOWN)
    chosen = resolve_settings(file=choices)
    assert tags_of(parse_spec("3.12-slim", found), found, OFFICIAL).simple[0] == "3.12.99-slim-trixie"
    with pytest.raises(UsageError) as caught:
        resolve("3.12-slim", found, chosen, parse_platform("amd64"))
    assert caught.value.message == "CPython 3.12.99 cannot be built yet"
    assert caught.value.hint == "run: imagewright update --series 3.12"


def test_a_digest_needs_its_date() -> None:
    with pytest.raises(ConfigurationError) as caught:
        apply_configuration(
            shipped_documents(), UNKNOWN.replace('.99"\n[', '.99"\nsha256 = "' + "0" * 64 + '"\n[')
        )
    assert "released: is missing" in caught.value.why


MINORS = st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True)
RELEASES = st.tuples(st.integers(0, 30), st.sampled_from(["", "a1", "b3", "rc2"]))
NAMES = ("trixie", "bookworm", "alpine3.23", "ltsc2025")


@st.composite
def catalogs(draw: st.DrawFn) -> str:
    """The text of catalogs of a few series with random releases, suites in any order, and narrowed variants."""
    text = ""
    aliases = {False: 'aliases = ["3", "latest"]\n', True: 'aliases = ["rc"]\n'}
    for minor in sorted(draw(MINORS), reverse=True):
        micro, stage = draw(RELEASES)
        suites = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
        some = draw(st.lists(st.sampled_from(NAMES[:2]), unique=True))
        narrowed = [f'"{suite}"' for suite in some if suite in suites]
        text += f'[[series]]\nname = "3.{minor}"\ncurrent = "3.{minor}.{0 if stage else micro}{stage}"\n'
        text += aliases.pop(bool(stage), "")
        text += f"suites = {list(suites)!r}\nvariant_suites = {{ slim = [{', '.join(narrowed)}] }}\n"
    return text + SUITES


@settings(max_examples=60)
@given(catalogs(), st.sampled_from(Flavour))
def test_every_simple_tag_of_any_catalog_names_its_image(text: str, flavour: Flavour) -> None:
    found = catalog(text)
    seen: dict[str, ImageName] = {}
    for name in image_names(found, (flavour,)):
        for tag in tags_of(name, found, OFFICIAL).simple:
            assert seen.setdefault(tag, name) == name
            assert parse_spec(tag, found) == name, tag


def test_words_are_the_longest_that_fit() -> None:
    name = parse_spec("3.16-minimal-debug-trixie", CATALOG)
    assert (name.variant, name.suite) == ("minimal-debug", "trixie")
    assert parse_spec(str(name), CATALOG) == name
    assert parse_spec("3.16-minimal-trixie", CATALOG) == replace(name, variant="minimal")
