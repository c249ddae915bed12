# SPDX-License-Identifier: Apache-2.0
"""The text of a lock: what is written is read again, whatever it is, and what is wrong is told by its path."""

from __future__ import annotations

import tomllib
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewright.errors import ConfigurationError
from imagewright.model.digest import Digest
from imagewright.model.lock import Lock, LockedArchive, LockedProfile, LockedSource, LockedWheel, PackageSet, Role
from imagewright.model.packages import LockedPackage
from imagewright.planning.lockfile import format_package, parse_package, read_lock, write_lock
from support.locks import locked

NAMES = st.from_regex(r"[a-z0-9][a-z0-9+.-]{0,12}", fullmatch=True)
VERSIONS = st.from_regex(r"[A-Za-z0-9.+:~-]{1,12}", fullmatch=True)
DIGESTS = st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map(Digest)
SIZES = st.integers(0, 1 << 40)
PARTS = st.from_regex(r"[A-Za-z0-9+~_][A-Za-z0-9+.~_%:=@,-]{0,8}", fullmatch=True)
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
ADDRESSES = st.from_regex(r"https?://[a-z]{1,9}\.example/[A-Za-z0-9/{}%-]{0,20}", fullmatch=True)
PLAIN = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20
)  # anything but control characters
ARCHIVES = st.sampled_from(["trixie", "trixie-updates"])

PACKAGES = st.builds(
    LockedPackage,
    name=NAMES,
    version=VERSIONS,
    architecture=st.sampled_from(["amd64", "all", "arm64"]),
    source=NAMES,
    source_version=VERSIONS,
    size=SIZES,
    sha256=DIGESTS,
    path=PATHS,
    archive=ARCHIVES,
    depends=st.lists(NAMES, max_size=4).map(tuple),
    essential=st.booleans(),
)


@st.composite
def package_sets(draw: st.DrawFn, number: int) -> PackageSet:
    packages = draw(st.lists(PACKAGES, max_size=5, unique_by=lambda one: one.name))
    names = [one.name for one in packages]
    closed = [
        LockedPackage(
            **{
                **{key: getattr(one, key) for key in one.__slots__},
                "depends": tuple(draw(st.lists(st.sampled_from(names), max_size=3))),
            }
        )
        for one in packages
    ]
    roots = tuple(sorted(set(draw(st.lists(NAMES, max_size=3)))))
    role = draw(st.sampled_from(Role))
    return PackageSet(role, "trixie", "amd64", f"key-{number}", roots, tuple(closed))


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    target = st.builds(
        "3.{}{}-slim-trixie linux/amd64".format, st.integers(0, 20), st.sampled_from(["", "t", ".5"])
    )
    configuration = draw(st.dictionaries(target, DIGESTS, max_size=3))
    archives = tuple(
        LockedArchive(name, "debian", draw(ADDRESSES), name, "2026-09-12T07:55:41Z", draw(DIGESTS))
        for name in ("trixie", "trixie-updates")
    )
    addresses = st.lists(ADDRESSES, max_size=3, unique=True).map(tuple)
    wheels = st.builds(
        LockedWheel,
        project=st.sampled_from(["wheel", "setuptools", "My.Project_2"]),
        version=st.sampled_from(["0.45.1", "1!2.0+local.1"]),
        filename=st.sampled_from(
            ["wheel-0.45.1-py3-none-any.whl", "My.Project_2-1!2.0+local.1-py2.py3-none-any.whl"]
        ),
        size=SIZES,
        sha256=DIGESTS,
    )
    sources = st.builds(
        LockedSource,
        release=VERSIONS,
        filename=PARTS.filter(lambda text: text[0].isalnum() and not set(text) & set("~%:=@,")),
        size=st.integers(0, 1 << 40),
        sha256=DIGESTS,
        urls=addresses,
        signature_urls=addresses,
        fingerprint=st.sampled_from(["", "A" * 40]),
        wheels=st.lists(wheels, max_size=2, unique=True).map(tuple),
    )
    profiles = st.builds(
        LockedProfile,
        release=VERSIONS,
        suite=NAMES,
        architecture=NAMES,
        flavour=st.sampled_from(["", "t", "d"]),
        compiler=PLAIN,
        size=SIZES,
        sha256=DIGESTS,
        origin=st.sampled_from(["store", "catalog:x-1.tar.xz"]),
    )
    return Lock(
        configuration=tuple(sorted(configuration.items())),
        archives=archives,
        sets=tuple(draw(package_sets(number)) for number in range(draw(st.integers(0, 3)))),
        sources=tuple(draw(st.lists(sources, max_size=2))),
        profiles=tuple(draw(st.lists(profiles, max_size=2))),
    )


@given(locks())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_lock_is_read_as_it_was_written(lock: Lock) -> None:
    text = write_lock(lock)
    assert read_lock(text) == lock
    assert write_lock(read_lock(text)) == text


@given(PACKAGES)
def test_a_package_line_is_read_as_it_was_written(package: LockedPackage) -> None:
    line = format_package(package)
    assert parse_package(line) == package
    assert "\n" not in line


@given(st.text(max_size=200))
def test_any_line_is_a_package_or_none(line: str) -> None:
    with suppress(ValueError):
        assert format_package(parse_package(line)) == line


def test_a_whole_lock() -> None:
    lock = locked("3.13-slim-trixie", "3.13-slim-bookworm")
    text = write_lock(lock)
    assert read_lock(text) == lock
    assert tomllib.loads(text)["version"] == 1


def test_a_package_is_one_line() -> None:
    before = write_lock(locked("3.13-slim-trixie")).splitlines()
    after = write_lock(locked("3.13-slim-trixie", versions={"tzdata": "2026c"})).splitlines()
    changed = set(before) ^ set(after)
    assert len(changed) == 2
    assert all(line.startswith('  "tzdata ') for line in changed)


EMPTY = "version = 1\n[configuration]\n"
ARCHIVE = """
[[archive]]
name = "trixie"
mirror = "debian"
address = "http://mirror.example/debian"
suite = "trixie"
date = "2026-09-12T07:55:41Z"
inrelease = "0000000000000000000000000000000000000000000000000000000000000000"
"""
LINE = f"a 1 amd64 10 {'0' * 64} trixie pool/a.deb"


def one_set(*lines: str, role: str = "base") -> str:
    head = f'[[set]]\nrole = "{role}"\nsuite = "trixie"\narchitecture = "amd64"\nkey = "minbase"\nroots = ["a"]\n'
    return head + "packages = [\n" + "".join(f'  "{line}",\n' for line in lines) + "]\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "version: is missing (it must be a whole number)"),
        (EMPTY + "extra = 1\n", "configuration.extra: must be a SHA-256 in hexadecimal, not a number"),
        (EMPTY + '"slim" = "' + "0" * 64 + '"\n', "configuration.slim: 'slim' is not a target"),
        (EMPTY + '"3.13-slim-trixie linux/amd64" = "00"\n', "is not a SHA-256 in hexadecimal"),
        (
            EMPTY + ARCHIVE.replace("2026-09-12", "yesterday "),
            "archive[0].date: 'yesterday T07:55:41Z' is not a date",
        ),
        (EMPTY + ARCHIVE + one_set("a 1 amd64"), "set[0].packages[0]: is not `name version"),
        (
            EMPTY + ARCHIVE + one_set(LINE.replace("pool", "../pool")),
            "set[0].packages[0]: has a path that is not plain",
        ),
        (EMPTY + ARCHIVE + one_set(LINE, LINE.replace("10", "11")), "set[0].packages[1]: a is there already"),
        (EMPTY + one_set(LINE), "set[0].packages[0]: there is no archive 'trixie'"),
        (EMPTY + ARCHIVE + one_set(LINE + " needs b"), "set[0].packages[0]: a needs b, which is not in this set"),
        (
            EMPTY + ARCHIVE + one_set(LINE) + one_set(LINE),
            "set[1]: the set base trixie amd64 minbase is there already",
        ),
        (EMPTY + ARCHIVE + one_set(LINE, role="top"), "set[0].role: 'top' is not known"),
        (EMPTY + "[[profile]]\nrelease = 3\n", "profile[0].release: must be a release, not a number"),
        (EMPTY + "[[source]]\n", "source[0].filename: is missing"),
    ],
)
def test_what_is_wrong_is_told_by_its_path(text: str, problem: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_lock(text)
    assert problem in "\n".join(str(one) for one in caught.value.problems)
    assert caught.value.hint == "make it anew with `imagewright lock`"


def test_another_format_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has format 2; this Imagewright reads format 1"):
        read_lock("version = 2\n")


def test_a_set_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagewright.planning.lockfile.MAXIMUM_PACKAGES", 1)
    with pytest.raises(ConfigurationError) as caught:
        read_lock(EMPTY + ARCHIVE + one_set(LINE, LINE.replace("a 1", "b 1")))
    assert "set[0].packages: has more than 1 packages" in str(caught.value.problems[0])


@pytest.mark.parametrize("version", ["1 2", "1\n", "", "é"])
def test_what_a_line_cannot_hold_is_not_written(version: str) -> None:
    package = parse_package(LINE)
    broken = LockedPackage(**{**{key: getattr(package, key) for key in package.__slots__}, "version": version})
    with pytest.raises(ValueError, match="a lock cannot hold"):
        format_package(broken)


@pytest.mark.parametrize("address", ["http://x/\n[evil]", "http://x/\x7f", "http://x/\ud800"])
def test_texts_that_toml_cannot_hold_are_not_written(address: str) -> None:
    archive = LockedArchive("trixie", "debian", address, "trixie", "2026-09-12T07:55:41Z", Digest("0" * 64))
    with pytest.raises(ValueError, match="a lock cannot hold"):
        write_lock(Lock(archives=(archive,)))
