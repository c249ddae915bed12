# SPDX-License-Identifier: Apache-2.0
"""Ubuntu in the catalog: mirrors by architecture, pockets, keys, packages, tags."""

from __future__ import annotations

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.resolve import resolve
from imagewright.catalog.settings import resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.errors import ConfigurationError
from imagewright.model.images import ImageDefinition
from imagewright.model.platforms import parse_platform

CATALOG = shipped_catalog()
SUITES = [suite for suite in CATALOG.suites if suite.distribution == "ubuntu"]
NAMES = [suite.name for suite in SUITES]


def defined(spec: str, platform: str = "amd64") -> ImageDefinition:
    return resolve(spec, CATALOG, resolve_settings(), parse_platform(platform))


def test_which_suites_there_are() -> None:
    assert NAMES == ["jammy", "noble", "resolute"]
    assert [suite.compiler for suite in SUITES] == ["gcc-11", "gcc-13", "gcc-15"]
    assert [suite.sources for suite in SUITES] == ["list", "deb822", "deb822"]


@pytest.mark.parametrize("name", NAMES)
def test_the_mirror_follows_the_architecture(name: str) -> None:
    suite = CATALOG.by_suite[name]
    assert [suite.mirror_of(archive, "amd64") for archive in suite.archives] == [
        "ubuntu",
        "ubuntu",
        "ubuntu-security",
    ]
    assert [suite.lock_name(archive, "amd64") for archive in suite.archives] == [
        name,
        f"{name}-updates",
        f"{name}-security",
    ]
    others = set(suite.architectures) - {"amd64"}
    for architecture in others:
        assert {suite.mirror_of(archive, architecture) for archive in suite.archives} == {"ubuntu-ports"}
        assert [suite.lock_name(archive, architecture) for archive in suite.archives] == [
            f"{name}-ports",
            f"{name}-updates-ports",
            f"{name}-security-ports",
        ]
    assert len(others) == 5


def test_debian_has_one_mirror_for_all() -> None:
    suite = CATALOG.by_suite["trixie"]
    for architecture in suite.architectures:
        assert [suite.mirror_of(archive, architecture) for archive in suite.archives] == [
            archive.mirror for archive in suite.archives
        ]
        assert [suite.lock_name(archive, architecture) for archive in suite.archives] == [
            archive.name for archive in suite.archives
        ]


@pytest.mark.parametrize("name", NAMES)
def test_pockets_components_and_keys(name: str) -> None:
    for archive in CATALOG.by_suite[name].archives:
        assert archive.components == ("main", "universe")
        assert archive.keys == ("F6ECB3762474EDA9D21B7022871920D1991BC93C",)
        assert "esm" not in archive.name


@pytest.mark.parametrize("name", NAMES)
def test_an_image_on_ubuntu(name: str) -> None:
    image = defined(f"3.13-slim-{name}")
    assert image.tags == (f"3.13.15-slim-{name}", f"3.13-slim-{name}")
    assert image.shared_tags == ()
    assert image.base_packages == ("apt", "procps", "ubuntu-keyring")
    everything = {*image.base_packages, *image.build_packages, *image.runtime_packages}
    everything.update(defined(f"3.13-{name}", "arm64").runtime_packages)
    assert not [package for package in everything if "ubuntu-pro" in package or "ubuntu-advantage" in package]


def test_ubuntu_is_nobodys_default() -> None:
    for series in CATALOG.series:
        assert series.default_suite not in NAMES
        ubuntu = [suite in NAMES for suite in series.suites]
        assert ubuntu == sorted(ubuntu), "Ubuntu's suites come after Debian's"


def test_an_architecture_on_ports_must_be_one_of_the_suites() -> None:
    text = shipped_documents()
    wrong = {name: body.replace('"riscv64", "s390x"] }', '"riscv64", "s390"] }') for name, body in text.items()}
    assert wrong != text
    with pytest.raises(ConfigurationError) as caught:
        apply_configuration(wrong, None)
    said = "\n".join(caught.value.lines())
    assert "ports.architectures[4]" in said + str(caught.value.details)
    assert "s390" in said + str(caught.value.details)
