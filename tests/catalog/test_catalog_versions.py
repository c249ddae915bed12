# SPDX-License-Identifier: Apache-2.0
"""Version numbers of CPython."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog import versions

NUMBERS = st.integers(0, 99)
RELEASES = st.builds(
    lambda major, minor, micro, stage: f"{major}.{minor}.{micro}{stage}",
    NUMBERS,
    NUMBERS,
    NUMBERS,
    st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from(["a", "b", "rc"]), NUMBERS)),
)


def test_order_is_that_of_development() -> None:
    in_order = ["2.7.18", "3.9.2", "3.9.25", "3.13.0a1", "3.13.0b4", "3.13.0rc1", "3.13.0", "3.13.5", "3.13.15"]
    shuffled = in_order[1::2] + in_order[::2]
    assert sorted(shuffled, key=versions.release_key) == in_order


@pytest.mark.parametrize(
    "text", ["", "3", "3.13", "3.13.x", "3.13.1-rc1", "3.13.1c1", "v3.13.1", "3.13.1 ", "٣.١.١"]
)
def test_what_is_no_release_is_refused(text: str) -> None:
    assert not versions.is_release(text)
    with pytest.raises(ValueError, match="not a release"):
        versions.release_key(text)


def test_series_and_directory() -> None:
    assert versions.series_of("3.15.0b3") == "3.15"
    assert versions.directory("3.15.0b3") == "3.15.0"
    assert versions.directory("3.13.15") == "3.13.15"
    assert versions.is_prerelease("3.15.0b3")
    assert not versions.is_prerelease("3.15.0")
    assert versions.series_key("3.9") < versions.series_key("3.13")
    with pytest.raises(ValueError, match="not a series"):
        versions.series_key("3.13.1")


@given(RELEASES)
def test_a_release_belongs_to_its_series(release: str) -> None:
    series = versions.series_of(release)
    assert versions.is_series(series)
    assert release.startswith(f"{series}.")
    assert versions.directory(release).startswith(f"{series}.")
    assert release == versions.directory(release) or versions.is_prerelease(release)
