# SPDX-License-Identifier: Apache-2.0
"""Where the platforms of an image go."""

from __future__ import annotations

import pytest

from imagewright.app.publishing import architectures
from imagewright.errors import UsageError


@pytest.mark.parametrize(
    ("platform", "name"),
    [
        ("linux/386", "i386"),
        ("linux/arm64/v8", "arm64v8"),
        ("linux/arm/v7", "arm32v7"),
        ("linux/amd64", "amd64"),
        ("windows/amd64", "winamd64"),
    ],
)
def test_each_platform_has_a_repository_as_the_official_images_have(platform: str, name: str) -> None:
    single = architectures("docker.io/{architecture}/python")
    assert single is not None
    assert str(single(platform)) == f"docker.io/{name}/python"


def test_no_pattern_is_no_repository_and_one_without_a_place_for_the_name_is_refused() -> None:
    assert architectures("") is None
    for pattern in (
        "registry.example/python",
        "r.example/{architecture}/{architecture}",
        "r.example/{arch}/python",
    ):
        with pytest.raises(UsageError, match="does not say where"):
            architectures(pattern)
    with pytest.raises(UsageError, match="is not a repository"):
        architectures("r.example/Python{architecture}")
