# SPDX-License-Identifier: Apache-2.0
"""From a SPEC to a definition: package lists, configuration, and what cannot be built."""

from __future__ import annotations

import pytest

from imagewright.catalog.configuration import apply_configuration
from imagewright.catalog.resolve import PROFILE_KEY, locked_source, resolve
from imagewright.catalog.settings import Choices, ImageChoices, Settings, resolve_settings
from imagewright.catalog.shipped import shipped_catalog, shipped_documents
from imagewright.errors import UsageError
from imagewright.model.images import ImageDefinition, Profile
from imagewright.model.platforms import parse_platform

CATALOG = shipped_catalog()
AMD64 = parse_platform("amd64")


def defined(spec: str, settings: Settings | None = None, platform: str = "amd64") -> ImageDefinition:
    return resolve(spec, CATALOG, settings or resolve_settings(), parse_platform(platform))


def test_slim_on_trixie() -> None:
    image = defined("3.13-slim-trixie")
    assert str(image.name) == "3.13.15-slim-trixie"
    assert image.tags == ("3.13.15-slim-trixie", "3.13-slim-trixie", "3.13.15-slim", "3.13-slim")
    assert image.base_packages == ("apt", "usr-is-merged")
    assert image.runtime_packages == ("ca-certificates", "netbase", "tzdata")
    assert {"gcc", "libc6-dev", "libssl-dev", "tk-dev"} < set(image.build_packages)
    assert image.optional_modules == ("_tkinter",)
    assert image.slim
    assert image.release_epoch == 1785932743


def test_the_configuration_is_the_official_images() -> None:
    configuration = defined("3.13-slim-trixie").configuration
    assert configuration.environment == (
        ("PATH", "/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("GPG_KEY", "7169605F62C751356D054A26A821E680E5FA6305"),
        ("PYTHON_VERSION", "3.13.15"),
        ("PYTHON_SHA256", "1e66a7945a48390ee4c2a4268a0e4185884059a13c4aab6d148aa208deea4a76"),
    )
    assert configuration.command == ("python3",)
    assert configuration.labels == ()


def test_what_depends_on_the_series() -> None:
    assert [name for name, _ in defined("3.12-slim").configuration.environment] == [
        "PATH",
        "LANG",
        "GPG_KEY",
        "PYTHON_VERSION",
        "PYTHON_SHA256",
    ]
    newer = defined("3.14-slim")
    assert [name for name, _ in newer.configuration.environment] == ["PATH", "PYTHON_VERSION", "PYTHON_SHA256"]
    assert "libzstd-dev" in newer.build_packages
    assert "libzstd-dev" not in defined("3.13-slim").build_packages


def test_what_depends_on_the_suite() -> None:
    assert defined("3.13-slim-bullseye").base_packages == ("apt",)
    assert "sq" in defined("3.13-trixie").runtime_packages
    assert "sq" not in defined("3.13-bookworm").runtime_packages


def test_the_build_root_does_not_depend_on_the_variant() -> None:
    slim, full = defined("3.13-slim-trixie"), defined("3.13-trixie")
    assert slim.build_packages == full.build_packages
    assert slim.base_packages == full.base_packages
    assert full.optional_modules == ()


def test_quick_images_are_marked() -> None:
    quick = defined("3.13-slim", resolve_settings(flags=Choices(image=ImageChoices(profile=Profile.QUICK))))
    assert dict(quick.configuration.labels) == {PROFILE_KEY: "quick"}
    assert dict(quick.configuration.annotations)[PROFILE_KEY] == "quick"
    assert dict(defined("3.13-slim").configuration.annotations)[PROFILE_KEY] == "release"


def test_own_choices_are_added() -> None:
    chosen = ImageChoices(
        packages=("curl",), labels=(("a", "b"),), environment=(("LANG", "de_DE.UTF-8"), ("X", "1"))
    )
    image = defined("3.12-slim", resolve_settings(file=Choices(image=chosen)))
    assert image.runtime_packages == ("ca-certificates", "curl", "netbase", "tzdata")
    assert image.configuration.labels == (("a", "b"),)
    environment = image.configuration.environment
    assert environment[1] == ("LANG", "de_DE.UTF-8")
    assert environment[-1] == ("X", "1")


@pytest.mark.parametrize("scheme", sorted(CATALOG.by_scheme))
def test_overrides_mean_images_by_their_names_whatever_their_tags_are(scheme: str) -> None:
    text = f"""
[catalog]
tag_scheme = "{scheme}"
[[overrides]]
select = ["3.13.15-slim-bookworm"]
packages = ["wget"]
"""
    catalog, choices = apply_configuration(shipped_documents(), text)
    made = resolve("3.13-slim-bookworm", catalog, resolve_settings(file=choices), AMD64)
    assert "wget" in made.runtime_packages


@pytest.mark.parametrize(
    ("spec", "platform", "message"),
    [
        ("3.12t-slim", "amd64", "free-threaded Python begins with 3.13"),
        ("3.13-slim-bookworm", "riscv64", "bookworm has no packages for riscv64"),
        ("3.13-slim", "windows/amd64", "trixie has no packages for windows/amd64"),
        ("3.13-slim", "arm32v6", "trixie has no packages for linux/arm/v6"),
    ],
)
def test_what_cannot_be_built(spec: str, platform: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        defined(spec, platform=platform)
    assert message in "\n".join(caught.value.lines())


def test_planned_suites_are_refused() -> None:
    text = '[[catalog.series]]\nname = "3.13"\nstatus = "security"\nend_of_life = "2029-10"\ncurrent = "3.13.15"\n'
    text += 'suites = ["far"]\nsetuptools = false\nlang = false\n'
    text += 'openpgp = "7169605F62C751356D054A26A821E680E5FA6305"\n'
    text += '[[catalog.suite]]\nname = "far"\ndistribution = "debian"\nversion = "99"\nstatus = "planned"\n'
    text += 'architectures = ["amd64"]\nplanned = "it comes later"\n'
    catalog, _ = apply_configuration(shipped_documents(), text)
    with pytest.raises(UsageError) as caught:
        resolve("3.13-slim", catalog, resolve_settings(), AMD64)
    assert "suite far" in caught.value.why


def test_sources() -> None:
    source = locked_source(CATALOG.by_release["3.13.5"], CATALOG.by_series["3.13"])
    upstream = "{python}/ftp/python/3.13.5/Python-3.13.5.tar.xz"
    debian = "{debian}/pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz"
    assert source.filename == "Python-3.13.5.tar.xz"
    assert source.urls == (upstream, debian)
    assert source.signature_urls == (f"{upstream}.asc", f"{debian}.asc")
    assert source.fingerprint == "7169605F62C751356D054A26A821E680E5FA6305"
    assert source.size == 22856016


def test_sources_signed_with_sigstore_alone_have_no_openpgp_signature() -> None:
    source = locked_source(CATALOG.by_release["3.14.10"], CATALOG.by_series["3.14"])
    assert source.signature_urls == ()
    assert source.fingerprint == ""


def test_older_sources_are_packed_otherwise() -> None:
    source = locked_source(CATALOG.by_release["3.11.2"], CATALOG.by_series["3.11"])
    assert source.filename == "Python-3.11.2.tgz"


def test_wheels_come_with_releases_that_had_them() -> None:
    def names(release: str) -> list[str]:
        found = CATALOG.by_release[release]
        source = locked_source(found, CATALOG.by_series[found.series], CATALOG.wheels)
        return [wheel.filename for wheel in source.wheels]

    assert names("3.11.2") == names("3.9.2") == ["wheel-0.45.1-py3-none-any.whl"]
    assert names("2.7.18") == ["wheel-0.37.1-py2.py3-none-any.whl"]
    assert names("3.12.12") == names("3.13.15") == []
