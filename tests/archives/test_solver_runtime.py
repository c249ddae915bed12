# SPDX-License-Identifier: Apache-2.0
"""Which libraries may be needed at run time, from what is built with."""

from __future__ import annotations

import pytest

from imagewright.archives.debian.runtime import is_library, runtime_candidates
from imagewright.archives.debian.solver import solve
from imagewright.errors import SolveError
from support.tiny_universe import packages, universe

ARCHIVE = """
    gcc 14; Section: devel; Depends: libgcc-14-dev, libgmp10
    libgcc-14-dev 14; Section: libdevel; Depends: libgomp1
    libgomp1 14; Section: libs; Multi-Arch: same
    libgmp10 6; Section: libs; Multi-Arch: same
    libssl-dev 3; Section: libdevel; Depends: libssl3t64 (= 3)
    libssl3t64 3; Section: libs; Multi-Arch: same; Depends: libc6, libssl-data
    libssl-data 3; Section: libs; Architecture: all
    tk-dev 8; Section: libdevel; Depends: tk8.6-dev, tk
    tk 8; Section: x11
    tk8.6-dev 8; Section: libdevel; Depends: libtk8.6, libx11-dev
    libtk8.6 8; Section: libs; Multi-Arch: same; Depends: libx11-6
    libx11-dev 2; Section: libdevel; Depends: libx11-6, xorg-proto-dev
    libx11-6 2; Section: libs; Multi-Arch: same; Depends: libx11-data | libx11-other
    libx11-data 2; Section: x11; Architecture: all
    libx11-other 2; Section: x11
    xorg-proto-dev 1; Section: x11; Architecture: all; Depends: libhelper
    libhelper 1; Section: libs; Multi-Arch: foreign
    libc6 2; Section: libs; Multi-Arch: same
    ca-certificates 2; Depends: openssl
    openssl 3; Depends: libssl3t64
"""


def test_libraries_are_found_through_development_packages() -> None:
    found = runtime_candidates(
        universe(ARCHIVE), ["gcc", "libssl-dev", "tk-dev"], packages("libc6 2; Section: libs")
    )
    assert found.roots == ("libssl3t64", "libtk8.6", "libx11-6")
    names = [package.name for package in found.packages]
    assert names == ["libssl-data", "libssl3t64", "libtk8.6", "libx11-6", "libx11-data"]


def test_edges_lead_to_all_that_a_library_needs() -> None:
    there = universe(ARCHIVE)
    base = [package for package in there if package.name == "libc6"]
    found = runtime_candidates(there, ["tk-dev"], base, wanted=["ca-certificates"])
    assert found.edges["libtk8.6"] == ("libx11-6",)
    assert found.edges["libssl3t64"] == ("libssl-data",)
    assert [package.name for package in found.closure(["libtk8.6"])] == ["libtk8.6", "libx11-6", "libx11-data"]
    assert "ca-certificates" in found.roots
    assert "openssl" in found.edges


def test_nothing_that_the_base_holds_comes_again() -> None:
    there = universe(ARCHIVE)
    base = solve(there, ["libssl3t64", "libx11-6"]).packages
    found = runtime_candidates(there, ["libssl-dev", "tk-dev"], base)
    assert [package.name for package in found.packages] == ["libtk8.6"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Section: libs; Multi-Arch: same", True),
        ("Section: contrib/libs", True),
        ("Section: libs; Architecture: all", False),
        ("Section: libs; Multi-Arch: foreign", False),
        ("Section: libdevel", False),
    ],
)
def test_what_a_library_is(fields: str, expected: bool) -> None:
    (package,) = packages(f"zlib1g 1; {fields}")
    assert is_library(package) == expected


def test_what_cannot_be_built_with_cannot_be_needed() -> None:
    with pytest.raises(SolveError):
        runtime_candidates(universe(ARCHIVE), ["nosuch-dev"], [])
