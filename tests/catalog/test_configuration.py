# SPDX-License-Identifier: Apache-2.0
"""``imagewright.toml``, the environment and the flags."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.catalog.configuration import (
    apply_configuration,
    flag_choices,
    read_configuration,
    read_environment,
)
from imagewright.catalog.settings import Choices, ImageChoices, resolve_settings
from imagewright.catalog.shipped import shipped_documents
from imagewright.errors import ConfigurationError, UsageError
from imagewright.model.general import GlobalOptions
from imagewright.model.images import Bytecode, Compression, Profile
from imagewright.model.options import Selection
from imagewright.model.schedules import Workers

WHOLE = """
store = "/var/lib/images"
lock = "python.lock"
jobs = 3
allow_expired = ["forky"]

[mirrors]
debian = "https://mirror.example/debian/"
debian-security = ["https://one.example/s", "https://two.example/s"]

[snapshots]
debian = "https://snapshot.example/archive/debian"

[image_sources]
debian = "http://inside.example/debian"

[defaults]
suite = "bookworm"
variant = "slim"
profile = "quick"
bytecode = "none"
frame_pointers = true
compression = "zstd"
packages = ["curl"]
configure = ["--with-dtrace"]
environment = { PIP_NO_CACHE_DIR = "1" }
labels = { "org.opencontainers.image.vendor" = "Example" }

[[overrides]]
select = ["3.13-*"]
profile = "release"

[catalog]
tag_scheme = "infra7"
only_series = ["3.13", "3.12"]
only_suites = ["bookworm"]
only_variants = ["slim", "full"]

[[catalog.release]]
version = "3.13.99"
released = 2027-01-01
sha256 = "0000000000000000000000000000000000000000000000000000000000000001"
"""


def problems_of(text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        apply_configuration(shipped_documents(), text)
    assert caught.value.code == 3
    return [str(problem) for problem in caught.value.problems]


def test_everything_that_can_be_said() -> None:
    catalog, choices = apply_configuration(shipped_documents(), WHOLE)
    assert (choices.store, choices.lock, choices.jobs) == ("/var/lib/images", "python.lock", 3)
    assert choices.mirrors == (
        ("debian", ("https://mirror.example/debian",)),
        ("debian-security", ("https://one.example/s", "https://two.example/s")),
    )
    assert choices.snapshots == (("debian", ("https://snapshot.example/archive/debian",)),)
    assert choices.image_sources == (("debian", ("http://inside.example/debian",)),)
    assert choices.allow_expired == ("forky",)
    assert (choices.scheme, choices.suite, choices.variant) == ("infra7", "bookworm", "slim")
    assert choices.image == ImageChoices(
        profile=Profile.QUICK,
        bytecode=Bytecode.NONE,
        frame_pointers=True,
        compression=Compression.ZSTD,
        packages=("curl",),
        configure=("--with-dtrace",),
        environment=(("PIP_NO_CACHE_DIR", "1"),),
        labels=(("org.opencontainers.image.vendor", "Example"),),
    )
    assert choices.overrides[0].choices == ImageChoices(profile=Profile.RELEASE)
    assert [series.name for series in catalog.series] == ["3.13", "3.12"]
    assert all(series.suites == ("bookworm",) for series in catalog.series)
    assert list(catalog.by_variant) == ["full", "slim"]
    assert "3.13.99" in catalog.by_release
    assert "3.14.10" not in catalog.by_release


def test_no_file_says_nothing() -> None:
    catalog, choices = apply_configuration(shipped_documents(), None)
    assert choices == Choices()
    assert len(catalog.series) == 8


def test_a_table_replaces_the_one_of_its_name() -> None:
    text = """
[[catalog.release]]
version = "3.13.15"
released = 2026-08-05
sha256 = "00000000000000000000000000000000000000000000000000000000000000ff"
"""
    catalog, _ = apply_configuration(shipped_documents(), text)
    assert catalog.by_release["3.13.15"].sha256.hex.endswith("ff")
    assert len([one for one in catalog.releases if one.version == "3.13.15"]) == 1


def test_all_problems_at_once() -> None:
    assert problems_of(
        """
jobs = "many"
miror = {}

[mirrors]
debian = "ftp://old.example"
"Not a role" = "http://x"
more = ["http://a", 3]

[defaults]
suite = "trixi"
profile = "fast"
packages = ["curl", "Not Debian"]
configure = ["--with-x=$(reboot)"]
environment = { "A=B" = "x" }

[[overrides]]
profil = "quick"

[catalog]
tag_scheme = "offical"
only_suites = ["trixie", "sarge"]

[[catalog.release]]
version = "3.13.99"
"""
    ) == [
        "jobs: must be a whole number, not text",
        "mirrors.debian: 'ftp://old.example' is not an address",
        "mirrors.\"Not a role\": 'Not a role' is not the role of a mirror (such as debian or debian-security)",
        "mirrors.more[1]: must be an address, not a number",
        "overrides[0].select: is missing (it must be a list, each of it a pattern of tags, such as 3.13-slim-*)",
        "overrides[0].profil: is not known here (did you mean profile?)",
        "defaults.profile: 'fast' is not known (there are release, quick)",
        "defaults.packages[1]: 'Not Debian' is not a package name",
        "defaults.configure[0]: '--with-x=$(reboot)' is not one word without quotes",
        "defaults.environment.\"A=B\": 'A=B' is not a name of a variable",
        "miror: is not known here (did you mean mirrors?)",
        "defaults.suite: 'trixi' is not known (did you mean trixie?)",
        "catalog.tag_scheme: 'offical' is not known (did you mean official?)",
        (
            "catalog.only_suites[1]: 'sarge' is not known "
            "(there are bullseye, bookworm, trixie, forky, jammy, noble, resolute, "
            "alpine3.23, alpine3.22, ltsc2025, ltsc2022)"
        ),
    ]


def test_the_environment() -> None:
    choices = read_environment(
        {
            "IMAGEWRIGHT_JOBS": "7",
            "IMAGEWRIGHT_SUITE": "bookworm",
            "IMAGEWRIGHT_VARIANT": "slim",
            "IMAGEWRIGHT_PROFILE": "quick",
            "IMAGEWRIGHT_BYTECODE": "none",
            "IMAGEWRIGHT_FRAME_POINTERS": "yes",
            "IMAGEWRIGHT_COMPRESSION": "zstd",
            "IMAGEWRIGHT_MIRRORS": "debian=http://a/ debian=http://b debian-security=https://c",
            "HOME": "/root",
        }
    )
    assert (choices.jobs, choices.suite, choices.variant) == (7, "bookworm", "slim")
    assert choices.mirrors == (("debian", ("http://a", "http://b")), ("debian-security", ("https://c",)))
    assert choices.image == ImageChoices(
        profile=Profile.QUICK, bytecode=Bytecode.NONE, frame_pointers=True, compression=Compression.ZSTD
    )


def test_an_empty_environment_says_nothing() -> None:
    assert read_environment({}) == Choices()
    assert read_environment({"IMAGEWRIGHT_PROFILE": "", "IMAGEWRIGHT_JOBS": ""}) == Choices()


def test_problems_of_the_environment() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_environment(
            {
                "IMAGEWRIGHT_JOBS": "-1",
                "IMAGEWRIGHT_PROFILE": "quik",
                "IMAGEWRIGHT_FRAME_POINTERS": "perhaps",
                "IMAGEWRIGHT_MIRRORS": "debian http://b",
            }
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "IMAGEWRIGHT_JOBS: '-1' is not a number between 0 and 4096",
        "IMAGEWRIGHT_MIRRORS: 'debian' is not a role and an address (debian=https://…)",
        "IMAGEWRIGHT_MIRRORS: 'http://b' is not a role and an address (debian=https://…)",
        "IMAGEWRIGHT_PROFILE: 'quik' is not known (did you mean quick?)",
        "IMAGEWRIGHT_FRAME_POINTERS: 'perhaps' is neither true nor false",
    ]


def test_flags() -> None:
    options = GlobalOptions(store=Path("/s"), mirrors=(("debian", "http://a"), ("debian", "http://b/")), jobs=2)
    choices = flag_choices(options, Selection(profile=Profile.QUICK, frame_pointers=False))
    assert (choices.store, choices.lock, choices.jobs) == ("/s", None, 2)
    assert choices.mirrors == (("debian", ("http://a", "http://b")),)
    assert choices.image == ImageChoices(profile=Profile.QUICK, frame_pointers=False)
    assert flag_choices(GlobalOptions(), Selection()) == Choices()


def test_suites_that_may_be_expired_add_up() -> None:
    flags = flag_choices(GlobalOptions(allow_expired=("bullseye",)), Selection())
    environment = read_environment({"IMAGEWRIGHT_ALLOW_EXPIRED": "forky bullseye"})
    assert resolve_settings(environment=environment, flags=flags).allow_expired == ("forky", "bullseye")
    with pytest.raises(ConfigurationError, match="the environment is wrong"):
        read_environment({"IMAGEWRIGHT_ALLOW_EXPIRED": "Forky!"})


def test_a_mirror_that_is_none() -> None:
    with pytest.raises(UsageError, match="--mirror debian=nowhere is not a role and an address"):
        flag_choices(GlobalOptions(mirrors=(("debian", "nowhere"),)), Selection())


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        said = read_configuration(text).choices.lock
    except ConfigurationError as error:
        said = str(error)
    assert said is None or said


def test_workers_are_read() -> None:
    found = read_configuration('[workers]\ncount = 3\nmemory = 2048\nprice = 1\ncurrency = "€"\n').choices.workers
    assert found == Workers(count=3, memory=2 << 30, price=1.0, currency="€")
    assert read_configuration("").choices.workers == Workers()


@pytest.mark.parametrize(
    "line",
    ["count = 0", "cores = 0", "price = -1", "price = nan", "price = inf", 'price = "1"', "price = true", "x = 1"],
)
def test_workers_that_cannot_be_are_refused(line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(f"[workers]\n{line}\n")
    (problem,) = caught.value.problems
    assert f"workers.{line.split(maxsplit=1)[0]}" in str(problem)
