# SPDX-License-Identifier: Apache-2.0
"""The catalog that ships, and what is said about one that is wrong."""

from __future__ import annotations

import pytest

from imagewright.catalog.loading import load_catalog
from imagewright.catalog.shipped import profile_bytes, shipped_catalog, shipped_documents, shipped_profiles
from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest

CATALOG = shipped_catalog()


def problems_of(**changes: tuple[str, str]) -> list[str]:
    """What is wrong with the shipped documents after ``old`` became ``new`` in some of them."""
    documents = shipped_documents()
    for name, (old, new) in changes.items():
        assert old in documents[f"{name}.toml"]
        documents[f"{name}.toml"] = documents[f"{name}.toml"].replace(old, new, 1)
    with pytest.raises(ConfigurationError) as caught:
        load_catalog(documents)
    return [str(problem) for problem in caught.value.problems]


def test_the_shipped_catalog_has_all_series() -> None:
    names = [series.name for series in CATALOG.series]
    assert names == ["3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "2.7"]
    assert CATALOG.by_series["3.13"].current == "3.13.15"
    assert CATALOG.by_release["3.13.15"].size == 23160540


def test_every_series_says_who_signs() -> None:
    for series in CATALOG.series:
        assert bool(series.openpgp) != (series.sigstore is not None), series.name


def test_every_package_has_a_reason() -> None:
    wishes = [*CATALOG.toolchain]
    for suite in CATALOG.suites:
        wishes += [*suite.base, *suite.foundation]
    for variant in CATALOG.variants:
        wishes += variant.packages
    assert len(wishes) > 60
    assert [wish.name for wish in wishes if len(wish.why) < 5] == []


def test_debian_suites_have_three_archives_with_keys() -> None:
    for suite in CATALOG.suites:
        if suite.distribution == "windows":
            assert not suite.archives
            assert suite.planned
            continue
        if suite.distribution == "alpine":
            assert [archive.name for archive in suite.archives] == [f"v{suite.version}"]
            assert suite.archives[0].components == ("main", "community")
            assert all(name.endswith(".rsa.pub") for name in suite.archives[0].keys)
            continue
        names = [archive.name for archive in suite.archives]
        assert names == [suite.name, f"{suite.name}-updates", f"{suite.name}-security"]
        assert all(archive.keys for archive in suite.archives)


def test_security_and_main_archives_are_signed_by_different_keys() -> None:
    suite = CATALOG.by_suite["trixie"]
    assert not set(suite.archives[0].keys) & set(suite.archives[2].keys)


@pytest.mark.parametrize("profile", shipped_profiles(), ids=lambda profile: str(profile.locked.origin))
def test_shipped_profiles_are_what_they_say(profile: object) -> None:
    locked = next(found.locked for found in shipped_profiles() if found == profile)
    data = profile_bytes(locked.origin.removeprefix("catalog:"))
    assert len(data) == locked.size
    assert len(data) < 1 << 20
    assert Digest.of(data) == locked.sha256
    assert locked.release in CATALOG.by_release
    assert locked.suite in CATALOG.by_suite


def test_there_are_profiles_for_both_suites() -> None:
    found = {(one.locked.release, one.locked.suite) for one in shipped_profiles()}
    assert {("3.13.15", "trixie"), ("3.13.15", "bookworm")} <= found


@pytest.mark.parametrize("name", ["nothing.tar.xz", "../series.toml", ""])
def test_only_profiles_are_read_by_name(name: str) -> None:
    with pytest.raises(KeyError):
        profile_bytes(name)


def test_all_problems_of_all_documents_are_shown_at_once() -> None:
    problems = problems_of(
        series=('current = "3.13.15"', 'current = "3.13.51"'),
        releases=("size = 23160540", 'size = "big"'),
        suites=('mirror = "debian"', 'miror = "debian"'),
        variants=('suites = ["trixie", "forky"]', 'suites = ["trixi", "forky"]'),
        toolchain=('name = "make"', 'name = "gcc"'),
        tags=('["default-suite", ', '["default-suit", '),
    )
    assert problems == [
        "release[5].size: must be a whole number, not text",
        "suite[0].archives[0].mirror: is missing (it must be a mirror's role)",
        "suite[0].archives[0].miror: is not known here (did you mean mirror?)",
        "package[2].name: 'gcc' is there already (see package[0])",
        "scheme[0].simple[1].when[0]: 'default-suit' is not known (did you mean default-suite?)",
        "series[2].current: there is no release '3.13.51' (did you mean 3.13.5?)",
        "variant[0].packages[6].suites[0]: there is no suite 'trixi' (did you mean trixie?)",
    ]


@pytest.mark.parametrize(
    ("document", "old", "new", "problem"),
    [
        (
            "series",
            'current = "3.14.10"',
            'current = "3.13.15"',
            "series[1].current: 3.13.15 is not a release of 3.14",
        ),
        ("series", 'status = "bugfix"', 'status = "fine"', "series[0].status: 'fine' is not known"),
        (
            "series",
            'aliases = ["2"]',
            'aliases = ["latest"]',
            "series[7].aliases[0]: 'latest' is an alias of 3.15 already",
        ),
        ("series", "openpgp", "opengpg", "openpgp: is missing, and so is sigstore"),
        ("series", 'name = "3.15"', 'name = "3.51"', "there is no series '3.15'"),
        ("releases", 'version = "3.15.2"', 'version = "three"', "release[0].version: 'three' is not a release"),
        ("releases", "released = 2025-10-31", "released = 2025", "must be a date, or a date and time"),
        ("releases", "pool/main/p/python3.15/", "pool/../../", "is not a pool path"),
        ("suites", "1F89983E0081FDE018F3CC9673A4F27B8DD47936", "1F89983E", "is not a fingerprint of 40 digits"),
        ("variants", '["_tkinter"]', '["-tkinter"]', "'-tkinter' is not a module"),
        ("tags", "{version}-{variant}-{suite}", "{suite}-{version}", "is not {version} or {aliases}"),
        ("tags", '"{release}", "{series}"', '"{relase}", "{series}"', "is not one of {release}"),
        ("toolchain", 'from = "3.14"', 'form = "3.14"', "form: is not known here (did you mean from?)"),
    ],
)
def test_single_problems(document: str, old: str, new: str, problem: str) -> None:
    assert problem in "\n".join(problems_of(**{document: (old, new)}))
