# SPDX-License-Identifier: Apache-2.0
"""One table of platforms, and the rule of tags that never move."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import ImmutableTagError
from imagewright.model.digest import Digest
from imagewright.model.immutable import is_immutable, refuse_moves
from imagewright.model.platforms import PLATFORMS, in_order, parse_platform

# dpkg-architecture -a NAME -q DEB_HOST_GNU_TYPE and DEB_HOST_MULTIARCH, dpkg 1.21.22.
DPKG = {
    "amd64": ("x86_64-linux-gnu", "x86_64-linux-gnu"),
    "armel": ("arm-linux-gnueabi", "arm-linux-gnueabi"),
    "armhf": ("arm-linux-gnueabihf", "arm-linux-gnueabihf"),
    "arm64": ("aarch64-linux-gnu", "aarch64-linux-gnu"),
    "i386": ("i686-linux-gnu", "i386-linux-gnu"),
    "mips64el": ("mips64el-linux-gnuabi64", "mips64el-linux-gnuabi64"),
    "ppc64el": ("powerpc64le-linux-gnu", "powerpc64le-linux-gnu"),
    "riscv64": ("riscv64-linux-gnu", "riscv64-linux-gnu"),
    "s390x": ("s390x-linux-gnu", "s390x-linux-gnu"),
}


def test_gnu_types_and_library_directories_are_dpkgs() -> None:
    table = {one.debian: (one.gnu, one.multiarch) for one in PLATFORMS if one.debian}
    assert table == DPKG


@pytest.mark.parametrize(
    ("library", "platform"),
    [
        ("amd64", "linux/amd64"),
        ("arm32v5", "linux/arm/v5"),
        ("arm32v6", "linux/arm/v6"),
        ("arm32v7", "linux/arm/v7"),
        ("arm64v8", "linux/arm64/v8"),
        ("i386", "linux/386"),
        ("mips64le", "linux/mips64le"),
        ("ppc64le", "linux/ppc64le"),
        ("riscv64", "linux/riscv64"),
        ("s390x", "linux/s390x"),
        ("windows-amd64", "windows/amd64"),
    ],
)
def test_library_names_are_oci_platforms(library: str, platform: str) -> None:
    assert str(parse_platform(library)) == platform


@pytest.mark.parametrize(
    ("words", "platform"),
    [
        ("amd64 x86_64 x86 AMD64", "linux/amd64"),
        ("arm64 arm64v8 aarch64 linux/arm64", "linux/arm64/v8"),
        ("386 i386 linux/386", "linux/386"),
        ("armhf arm32v7", "linux/arm/v7"),
        ("windows-amd64 windows/amd64 winamd64", "windows/amd64"),
    ],
)
def test_aliases_are_accepted(words: str, platform: str) -> None:
    assert {str(parse_platform(word)) for word in words.split()} == {platform}


def test_no_name_means_two_platforms() -> None:
    names = [name for platform in PLATFORMS for name in platform.names]
    assert len(names) == len(set(names))
    assert len(PLATFORMS) == 11


@pytest.mark.parametrize("word", ["arm", "linux/arm", "", "z80", "gnu"])
def test_what_names_no_platform_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="known are linux/amd64"):
        parse_platform(word)


@given(st.lists(st.sampled_from(PLATFORMS)))
def test_the_order_of_platforms_is_the_tables(chosen: list[object]) -> None:
    found = in_order(platform for platform in PLATFORMS if platform in chosen)
    assert set(found) == set(chosen)
    assert [PLATFORMS.index(platform) for platform in found] == sorted(map(PLATFORMS.index, set(chosen)))  # type: ignore[arg-type]


ONE, TWO = Digest("1" * 64), Digest("2" * 64)
DATED = ("*-20[0-9][0-9][01][0-9][0-3][0-9]",)


@pytest.mark.parametrize(
    ("tag", "never"),
    [
        ("3.13.15-slim-trixie-20261120", True),
        ("3.13.15-slim-trixie", False),
        ("3.13.15-slim-trixie-20269920", False),
        ("3.13.15-windowsservercore-ltsc2022", False),
    ],
)
def test_dated_tags_never_move(tag: str, never: bool) -> None:
    assert is_immutable(tag, DATED) is never


def test_a_move_of_an_immutable_tag_is_refused_with_both_digests() -> None:
    before = {"3.13": ONE, "3.13.15-trixie-20261120": ONE}
    refuse_moves(before, {"3.13": TWO, "3.13.15-trixie-20261121": TWO}, DATED)
    refuse_moves(before, before, DATED)
    with pytest.raises(ImmutableTagError) as caught:
        refuse_moves(before, {"3.13": TWO, "3.13.15-trixie-20261120": TWO}, DATED)
    assert (caught.value.code, caught.value.kind) == (1, "immutable-tag")
    assert caught.value.details["tags"] == [["3.13.15-trixie-20261120", str(ONE), str(TWO)]]
