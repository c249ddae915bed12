# SPDX-License-Identifier: Apache-2.0
"""Which trained profile fits a build."""

from __future__ import annotations

import pytest

from imagewright.catalog.profiles import compiler_major, fitting_profile, read_profile
from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest
from imagewright.model.lock import LockedProfile

PROFILE = LockedProfile("3.13.15", "trixie", "amd64", "", "gcc-14 14.2.0-19", 378104, Digest("0" * 64), "store")
BUILD = {
    "release": "3.13.15",
    "suite": "trixie",
    "architecture": "amd64",
    "flavour": "",
    "compiler": "gcc-14 14.2.0-20",
}


@pytest.mark.parametrize(
    ("compiler", "major"),
    [
        ("gcc-14 14.2.0-19", "gcc-14"),
        ("gcc 4:14.2.0-1", "gcc-14"),
        ("gcc-14", "gcc-14"),
        ("clang 1:19.1.7-3", "clang-19"),
    ],
)
def test_the_major_version_of_a_compiler(compiler: str, major: str) -> None:
    assert compiler_major(compiler) == major


def test_a_profile_fits_the_same_build_with_another_minor_compiler() -> None:
    assert fitting_profile([PROFILE], **BUILD) == PROFILE


@pytest.mark.parametrize(
    "change",
    [
        {"release": "3.13.14"},
        {"suite": "bookworm"},
        {"architecture": "arm64"},
        {"flavour": "t"},
        {"compiler": "gcc-15 15.1.0-1"},
        {"compiler": ""},
    ],
)
def test_nothing_else_fits(change: dict[str, str]) -> None:
    assert fitting_profile([PROFILE], **{**BUILD, **change}) is None


def test_reading_one() -> None:
    text = (
        'release = "3.13.15"\nsuite = "trixie"\narchitecture = "amd64"\ncompiler = "gcc-14 14.2.0-19"\n'
        f'size = 12\nsha256 = "{"a" * 64}"\nmade = "2026-11-21"\nworkload = ["tests"]\n'
    )
    profile = read_profile(text, "x.toml")
    assert profile.locked.origin == "catalog:x.tar.xz"
    assert profile.locked.flavour == ""
    assert profile.notes == (("made", "2026-11-21"), ("workload", "['tests']"))


def test_a_wrong_one_is_refused() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_profile('release = "3.13.15"\ncompiler = "gcc 14 2 0"\nsize = 0\n', "x.toml")
    said = [problem.path for problem in caught.value.problems]
    assert said == ["suite", "architecture", "compiler", "size", "sha256"]
