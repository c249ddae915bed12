# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.archives.alpine.index import ApkPackage
from imagewright.archives.alpine.solver import Solution, solve
from imagewright.archives.alpine.universe import Universe, names_of
from imagewright.errors import SolveError


def package(line: str) -> ApkPackage:
    """``name-1.0-r0 depends… | provides… | install_if… | priority | rank``."""
    name, *rest = line.split("|")
    words = name.split()
    fields = [field.strip() for field in rest] + [""] * 4
    title, _, version = words[0].partition("=")
    return ApkPackage(
        name=title,
        version=version or "1.0-r0",
        architecture="x86_64",
        origin=title,
        checksum=title.encode(),
        size=1,
        built=0,
        archive="main",
        path=f"main/{words[0]}.apk",
        rank=int(fields[3] or 0),
        depends_text=" ".join(words[1:]),
        provides_text=fields[0],
        install_if_text=fields[1],
        provider_priority=int(fields[2] or 0),
    )


def universe(text: str) -> Universe:
    return Universe([package(line.strip()) for line in text.split("\n") if line.strip()], "x86_64")


def names(solution: Solution) -> list[str]:
    return [f"{one.name}={one.version}" for one in solution.packages]


def plain(solution: Solution) -> list[str]:
    return [one.name for one in solution.packages]


BASE = """
musl=1.2.5-r9 | so:libc.musl-x86_64.so.1=1
busybox=1.37.0-r18 so:libc.musl-x86_64.so.1 | cmd:busybox=1.37.0-r18
busybox-binsh=1.37.0-r18 busybox=1.37.0-r18 | /bin/sh cmd:sh=1.37.0-r18
alpine-baselayout=3.7.0-r0 alpine-baselayout-data=3.7.0-r0 /bin/sh
alpine-baselayout-data=3.7.0-r0
zlib=1.3.1-r2 so:libc.musl-x86_64.so.1 | so:libz.so.1=1.3.1
zlib-dev=1.3.1-r2 zlib=1.3.1-r2 | pc:zlib=1.3.1
"""


def test_provided_names_and_their_edges() -> None:
    found = solve(universe(BASE), ["alpine-baselayout", "zlib-dev"])
    assert plain(found) == [
        "alpine-baselayout", "alpine-baselayout-data", "busybox", "busybox-binsh", "musl", "zlib", "zlib-dev",
    ]  # fmt: skip
    assert found.edges["alpine-baselayout"] == ("alpine-baselayout-data", "busybox-binsh")
    assert found.edges["zlib"] == ("musl",)
    assert found.roots == ("alpine-baselayout", "zlib-dev")


def test_what_is_there_is_not_installed_again() -> None:
    all_of_it = universe(BASE)
    base = solve(all_of_it, ["busybox"])
    found = solve(all_of_it, ["zlib-dev", "busybox"], installed=base.packages)
    assert plain(found) == ["zlib", "zlib-dev"]
    assert found.edges["zlib"] == ()


def test_the_newest_version_and_the_first_archive() -> None:
    found = universe("a=1.0-r0\na=1.0-r2\na=1.0-r10|||| 1\nb=1-r0||||1\nb=1-r0||||0")
    assert names(solve(found, ["a"])) == ["a=1.0-r10"]
    (only,) = solve(found, ["b"]).packages
    assert only.rank == 0


def test_constraints_that_come_later_are_taken_back() -> None:
    found = universe("a b c\nb=1-r0\nb=2-r0\nc b<2")
    assert names(solve(found, ["a"])) == ["a=1.0-r0", "b=1-r0", "c=1.0-r0"]


def test_operators_and_fuzzy_versions() -> None:
    found = universe("a=1.2.9-r0\na=1.3.0-r0\na=2.0-r0\nb a~1.2\nc a>=1.3 a<2")
    assert names(solve(found, ["b"])) == ["a=1.2.9-r0", "b=1.0-r0"]
    assert names(solve(found, ["c"])) == ["a=1.3.0-r0", "c=1.0-r0"]


def test_a_virtual_name_needs_a_priority() -> None:
    two = "mta-a | mta\nmta-b | mta\ncron mta"
    with pytest.raises(SolveError, match="mta can be had from several packages: mta-a, mta-b"):
        solve(universe(two), ["cron"])
    assert plain(solve(universe(two), ["cron", "mta-b"])) == ["cron", "mta-b"]
    preferred = two.replace("mta-b | mta", "mta-b | mta || 10")
    assert plain(solve(universe(preferred), ["cron"])) == ["cron", "mta-b"]
    assert plain(solve(universe("mta-a | mta\ncron mta"), ["cron"])) == ["cron", "mta-a"]


def test_a_versioned_name_has_one_owner() -> None:
    found = universe("a | cmd:x=1\nb | cmd:x=1\nc a b")
    with pytest.raises(SolveError, match="nothing satisfies b") as caught:
        solve(found, ["c"])
    assert "a-1.0-r0 provides cmd:x, and is chosen already (for c)" in caught.value.why
    shared = universe("a | x\nb | x\nc a b")
    assert plain(solve(shared, ["c"])) == ["a", "b", "c"]


def test_conflicts_either_way() -> None:
    found = universe("a !b\nb\nc a b\nd b a")
    for root in ("c", "d"):
        with pytest.raises(SolveError, match="nothing satisfies") as caught:
            solve(found, [root])
        assert "conflicts with" in caught.value.why
    assert plain(solve(universe("a !b>2\nb=1-r0\nb=3-r0\nc a b"), ["c"])) == ["a", "b", "c"]


def test_what_is_not_wanted_stays_out() -> None:
    found = universe("a\nb\nc a\nx || a")
    assert plain(solve(found, ["a", "!x"])) == ["a"]
    assert plain(solve(found, ["b", "!a"])) == ["b"]
    with pytest.raises(SolveError, match="nothing satisfies a") as caught:
        solve(found, ["c", "!a"])
    assert "what was asked conflicts with a" in caught.value.why


def test_another_provider_is_tried() -> None:
    """The preferred provider cannot be installed, so the next one is."""
    found = universe("a x\ngood | x=1\nbetter=1-r0 missing | x=2")
    assert plain(solve(found, ["a"])) == ["a", "good"]


def test_install_if() -> None:
    found = universe("docs\nfoo\nfoo-doc || docs foo=1.0-r0\nbar-doc || docs bar\nodd || foo !docs")
    assert plain(solve(found, ["docs", "foo"])) == ["docs", "foo", "foo-doc"]
    assert plain(solve(found, ["foo"])) == ["foo", "odd"]
    unfit = universe("docs\nfoo\nfoo-doc missing || docs foo")
    assert plain(solve(unfit, ["docs", "foo"])) == ["docs", "foo"]
    base = solve(found, ["docs"]).packages
    assert plain(solve(found, ["foo"], installed=base)) == ["foo", "foo-doc"]
    several = universe("docs\nfoo-doc=2.0-r0 || docs\nfoo-doc=2.0_p1-r0 || docs\nfoo-doc=1.9-r0 || docs")
    assert names(solve(several, ["docs"])) == ["docs=1.0-r0", "foo-doc=2.0_p1-r0"]


@pytest.mark.parametrize(
    ("wish", "message", "why"),
    [
        ("zlib-devel", "no package has or provides zlib-devel for x86_64", "zlib-devel was asked for"),
        ("zlib>2", "nothing satisfies zlib>2", "zlib-1.3.1-r2 does not fit"),
        (
            "broken",
            "no package has or provides so:libgone.so.1",
            "middle-1.0-r0 needs so:libgone.so.1 (for broken)",
        ),
        (
            "old",
            "nothing satisfies so:libz.so.1>=2",
            "zlib-1.3.1-r2 provides so:libz.so.1=1.3.1, which does not fit",
        ),
    ],
)
def test_errors_explain(wish: str, message: str, why: str) -> None:
    with pytest.raises(SolveError) as caught:
        solve(universe(f"{BASE}\nbroken middle\nmiddle so:libgone.so.1\nold so:libz.so.1>=2"), [wish])
    assert caught.value.message.startswith(message)
    assert why in caught.value.why


def test_similar_names_are_told() -> None:
    with pytest.raises(SolveError) as caught:
        solve(universe(BASE), ["zlib-devel"])
    assert "zlib-dev" in caught.value.hint


def test_what_the_lock_fixed_stays() -> None:
    found = universe("a=1-r0\na=2-r0\nb a")
    old = found.find("a", "1-r0")
    assert old is not None
    assert names(solve(found.fixed([old]), ["b"])) == ["a=1-r0", "b=1.0-r0"]
    assert names(solve(found.without({"b": frozenset({"a"})}), ["b"])) == ["b=1.0-r0"]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[ApkPackage], list[str]]:
    """Some packages with dependencies, conflicts and provided names among each other."""
    count = draw(st.integers(2, 9))
    titles = [f"p{number}" for number in range(count)]
    virtual = [f"v{number}" for number in range(3)]
    operator = st.sampled_from(["", "", "", ">1", "<2", "~1"])
    found = []
    for title in titles:
        for version in draw(st.lists(st.sampled_from(["1-r0", "2-r0"]), min_size=1, max_size=2, unique=True)):
            needs = draw(st.lists(st.sampled_from([*titles, *virtual]), max_size=3, unique=True))
            marks = [f"{draw(st.sampled_from(['', '', '', '', '!']))}{need}{draw(operator)}" for need in needs]
            given_names = draw(st.lists(st.sampled_from(virtual), max_size=2, unique=True))
            provides = [f"{name}{draw(st.sampled_from(['', '=1', '=2']))}" for name in given_names]
            found.append(package(f"{title}={version} {' '.join(marks)} | {' '.join(provides)} || 1"))
    return found, draw(st.lists(st.sampled_from(titles), min_size=1, max_size=3, unique=True))


def problems(packages: list[ApkPackage]) -> list[str]:
    """What is wrong with a set of packages that is to be installed together."""
    found = []
    for one in packages:
        for relation in one.depends:
            met = [
                other
                for other in packages
                if relation.name in names_of(other) and relation.fits(names_of(other)[relation.name])
            ]
            if relation.conflict and any(other is not one for other in met):
                found.append(f"{one} conflicts with {met}")
            if not relation.conflict and not met:
                found.append(f"{one} lacks {relation}")
        for other in packages:
            both = names_of(one).keys() & names_of(other).keys() if one is not other else set()
            if any(names_of(one)[name] is not None or names_of(other)[name] is not None for name in both):
                found.append(f"{one} and {other} share {both}")
    return found


def every_set(packages: list[ApkPackage]) -> list[list[ApkPackage]]:
    """All sets of packages, small ones first, with one version of each at most."""
    found: list[list[ApkPackage]] = [[]]
    for title in sorted({one.name for one in packages}):
        versions = [one for one in packages if one.name == title]
        found += [[*chosen, one] for chosen in found for one in versions]
    return found


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_against_every_possible_set(world: tuple[list[ApkPackage], list[str]]) -> None:
    """What is solved is right, and what cannot be solved has no solution among all sets there are."""
    packages, wanted = world
    try:
        solution = solve(Universe(packages, "x86_64"), wanted)
    except SolveError:
        if len({one.name for one in packages}) <= 6:
            whole = (chosen for chosen in every_set(packages) if set(wanted) <= {one.name for one in chosen})
            right = [chosen for chosen in whole if not problems(chosen)]
            assert not right
        return
    assert problems(list(solution.packages)) == []
    assert set(wanted) <= set(plain(solution))


@settings(max_examples=60, deadline=None)
@given(worlds(), st.integers(0, 1000))
def test_the_order_of_the_index_does_not_matter(world: tuple[list[ApkPackage], list[str]], seed: int) -> None:
    packages, wanted = world
    shuffled = list(packages)
    random.Random(seed).shuffle(shuffled)

    def outcome(candidates: list[ApkPackage]) -> list[str]:
        try:
            return names(solve(Universe(candidates, "x86_64"), wanted))
        except SolveError as error:
            return [error.message]

    assert outcome(packages) == outcome(shuffled)
