# SPDX-License-Identifier: Apache-2.0
"""How choices come together: defaults < file < overrides < environment < flags."""

from __future__ import annotations

import pytest

from imagewright.catalog.settings import Choices, ImageChoices, Override, resolve_settings
from imagewright.model.images import Bytecode, Compression, Profile

TAGS = ("3.13.15-slim-trixie", "3.13-slim-trixie")


def layer(profile: Profile) -> Choices:
    return Choices(image=ImageChoices(profile=profile))


def test_defaults() -> None:
    settings = resolve_settings()
    assert (settings.store, settings.lock, settings.jobs) == ("", "", 0)
    assert (settings.scheme, settings.suite, settings.variant) == ("official", "", "full")
    image = settings.image(TAGS)
    assert image.profile is Profile.RELEASE
    assert image.bytecode is Bytecode.STDLIB
    assert image.compression is Compression.GZIP
    assert image.frame_pointers is False


@pytest.mark.parametrize(
    ("layers", "wins"),
    [
        ({"file": layer(Profile.QUICK)}, Profile.QUICK),
        ({"file": layer(Profile.QUICK), "environment": layer(Profile.RELEASE)}, Profile.RELEASE),
        ({"environment": layer(Profile.QUICK), "flags": layer(Profile.RELEASE)}, Profile.RELEASE),
        ({"file": layer(Profile.RELEASE), "flags": layer(Profile.QUICK)}, Profile.QUICK),
    ],
)
def test_a_later_layer_wins(layers: dict[str, Choices], wins: Profile) -> None:
    assert resolve_settings(**layers).image(TAGS).profile is wins


def test_overrides_come_between_file_and_environment() -> None:
    override = Override(("3.13-slim-*",), ImageChoices(profile=Profile.QUICK, frame_pointers=True))
    file = Choices(image=ImageChoices(profile=Profile.RELEASE, frame_pointers=False), overrides=(override,))
    assert resolve_settings(file=file).image(TAGS).profile is Profile.QUICK
    assert resolve_settings(file=file).image(TAGS).frame_pointers is True
    assert resolve_settings(file=file).image(("3.14-slim-trixie",)).profile is Profile.RELEASE
    with_flag = resolve_settings(file=file, flags=layer(Profile.RELEASE))
    assert with_flag.image(TAGS).profile is Profile.RELEASE
    assert with_flag.image(TAGS).frame_pointers is True


def test_a_later_override_wins() -> None:
    first = Override(("*",), ImageChoices(profile=Profile.QUICK))
    second = Override(("3.13.15-*",), ImageChoices(profile=Profile.RELEASE))
    settings = resolve_settings(file=Choices(overrides=(first, second)))
    assert settings.image(TAGS).profile is Profile.RELEASE
    assert settings.image(("3.14-slim",)).profile is Profile.QUICK


def test_lists_grow_and_tables_merge() -> None:
    below = ImageChoices(packages=("curl", "less"), labels=(("a", "1"), ("b", "1")), configure=("--with-x",))
    above = ImageChoices(packages=("less", "vim"), labels=(("b", "2"),), environment=(("X", "y"),))
    image = resolve_settings(file=Choices(image=below), environment=Choices(image=above)).image(TAGS)
    assert image.packages == ("curl", "less", "vim")
    assert image.labels == (("a", "1"), ("b", "2"))
    assert image.environment == (("X", "y"),)
    assert image.configure == ("--with-x",)


def test_mirrors_replace_role_by_role() -> None:
    machine = Choices(mirrors=(("debian", ("http://a",)), ("debian-security", ("http://b",))))
    flags = Choices(mirrors=(("debian", ("http://c", "http://d")),))
    assert resolve_settings(machine=machine, flags=flags).mirrors == (
        ("debian", ("http://c", "http://d")),
        ("debian-security", ("http://b",)),
    )


def test_single_values_replace() -> None:
    settings = resolve_settings(
        file=Choices(store="/a", jobs=4, suite="bookworm", only_series=("3.13",)),
        environment=Choices(jobs=0),
        flags=Choices(store="/b", lock="x.lock"),
    )
    assert (settings.store, settings.lock, settings.jobs, settings.suite) == ("/b", "x.lock", 0, "bookworm")
    assert settings.only_series == ("3.13",)
