# SPDX-License-Identifier: Apache-2.0
"""The Packages index and its relationship fields, read streaming and strictly."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagewright.archives.debian import deb822
from imagewright.archives.debian import packages as packages_index
from imagewright.archives.debian.deb822 import MAXIMUM_STANZA, MalformedError, read_stanzas
from imagewright.archives.debian.mentions import provided_names
from imagewright.archives.debian.packages import (
    BinaryPackage,
    Relation,
    package_stanzas,
    parse_dependency,
    parse_relation,
    parse_relations,
)
from imagewright.errors import VerificationError
from imagewright.model.digest import Digest

LIBC = """\
Package: libc6
Source: glibc
Version: 2.41-12
Installed-Size: 13120
Architecture: amd64
Replaces: libc6-amd64
Provides: libc6-2.41, foo (= 1:2)
Depends: libgcc-s1 (>= 3.0~), libcrypt1 (<< 1:5) | perl:any,
 debconf | debconf-2.0
Breaks: aide (<< 0.18.3-1+b3~), python3 (< 3)
Multi-Arch: same
Section: libs
Priority: optional
Protected: yes
Filename: pool/main/g/glibc/libc6_2.41-12_amd64.deb
Size: 2847428
SHA256: 1111111111111111111111111111111111111111111111111111111111111111
Description: GNU C Library
 Contains the standard libraries.
"""
SIGNED_SOURCE = """\
Package: bash
Essential: yes
Source: bash (5.2.37-2)
Version: 5.2.37-2+b5
Architecture: amd64
Pre-Depends: libc6 (>= 2.38)
Filename: pool/main/b/bash/bash_5.2.37-2+b5_amd64.deb
Size: 1
SHA256: 2222222222222222222222222222222222222222222222222222222222222222
"""


def read(text: str, piece: int = 1 << 20) -> list[BinaryPackage]:
    data = text.encode()
    pieces = (data[at : at + piece] for at in range(0, len(data), piece))
    return [stanza.read() for stanza in package_stanzas(pieces, "trixie")]


def test_a_package() -> None:
    (package,) = read(LIBC)
    assert (package.name, package.version, package.architecture) == ("libc6", "2.41-12", "amd64")
    assert (package.source, package.source_version) == ("glibc", "2.41-12")
    assert (package.size, package.sha256) == (2847428, Digest("1" * 64))
    assert package.filename == "pool/main/g/glibc/libc6_2.41-12_amd64.deb"
    assert (package.essential, package.protected, package.multi_arch) == (False, True, "same")
    assert (package.priority, package.section, package.archive) == ("optional", "libs", "trixie")
    assert str(package) == "libc6_2.41-12_amd64"


def test_relations_of_a_package() -> None:
    (package,) = read(LIBC)
    assert package.depends == (
        (Relation("libgcc-s1", "", ">=", "3.0~"),),
        (Relation("libcrypt1", "", "<<", "1:5"), Relation("perl", "any")),
        (Relation("debconf"), Relation("debconf-2.0")),
    )
    assert package.provides == (Relation("libc6-2.41"), Relation("foo", "", "=", "1:2"))
    assert package.breaks[1] == Relation("python3", "", "<=", "3")  # the old operator
    assert package.replaces == (Relation("libc6-amd64"),)
    assert package.conflicts == ()
    assert package.pre_depends == ()


def test_a_source_of_another_version() -> None:
    (package,) = read(SIGNED_SOURCE)
    assert (package.source, package.source_version) == ("bash", "5.2.37-2")
    assert package.essential
    assert package.pre_depends == ((Relation("libc6", "", ">=", "2.38"),),)


def test_without_source_the_package_is_its_own() -> None:
    (package,) = read(LIBC.replace("Source: glibc\n", ""))
    assert (package.source, package.source_version) == ("libc6", "2.41-12")


@given(st.integers(1, 80))
def test_pieces_do_not_matter(piece: int) -> None:
    whole = f"\n{LIBC}\n\n\n{SIGNED_SOURCE}\n"
    assert read(whole, piece) == read(LIBC) + read(SIGNED_SOURCE)


def test_field_names_have_no_case() -> None:
    assert read(LIBC.replace("Package:", "PACKAGE:").replace("SHA256:", "sha256:")) == read(LIBC)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("Package: libc6", "Package: ../libc6", "Package is"),
        ("Package: libc6\n", "", "Package is"),
        ("2.41-12\nI", "2.41_12\nI", "version"),
        ("Architecture: amd64", "Architecture: amd64 i386", "Architecture is"),
        ("Size: 2847428", "Size: -1", "Size is"),
        ("Size: 2847428", "Size: 99999999999999999999", "Size is"),
        ("Size: 2847428", "Size: ٣", "Size is"),
        ("SHA256: 1111", "SHA256: 111", "SHA-256"),
        ("SHA256: 1111", "SHA256: AAAA", "SHA-256"),
        ("Filename: pool/", "Filename: /pool/", "Filename is"),
        ("Filename: pool/", "Filename: pool/../", "Filename is"),
        ("Filename: pool/", "Filename: pool//", "Filename is"),
        ("Filename: pool/", "Filename: pool/?x=", "Filename is"),
        ("Filename: pool/", "Filename: pool/" + "x" * 1100, "Filename is"),
        ("Multi-Arch: same", "Multi-Arch: sometimes", "Multi-Arch is"),
        ("Source: glibc", "Source: gl ibc", "Source is"),
        ("Section: libs", "Section: libs\nSection: libs", "twice"),
        ("Section: libs", "no field", "not a field"),
        ("Section: libs", ": no name", "not a field"),
        ("Section: libs", "Section: libs\n   ", "continuation"),
    ],
)
def test_a_malformed_stanza_is_refused_with_its_place(old: str, new: str, why: str) -> None:
    assert old in LIBC
    with pytest.raises(VerificationError) as caught:
        read(f"{SIGNED_SOURCE}\n{LIBC.replace(old, new)}")
    assert why in caught.value.why
    assert "line " in caught.value.why
    assert re.search(r"of trixie, stanza 2 \((libc6|nameless)\)", caught.value.message)


@pytest.mark.parametrize(
    ("field", "value"),
    [("Depends", "a (1)"), ("Pre-Depends", "a |"), ("Conflicts", "a | b"), ("Breaks", "a (>= )"),
     ("Replaces", ", a"), ("Provides", "a (>= 1)"), ("Depends", "a [amd64]"), ("Depends", "a (>= 1:)")],
)  # fmt: skip
def test_malformed_relations_are_refused_when_asked_for(field: str, value: str) -> None:
    (package,) = read(SIGNED_SOURCE.replace("Pre-Depends: libc6 (>= 2.38)", f"{field}: {value}"))
    with pytest.raises(VerificationError, match=field):
        getattr(package, field.lower().replace("-", "_"))


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(VerificationError, match="cannot be read") as caught:
        list(package_stanzas([b"Package: a\xff\n"], "trixie"))
    assert "UTF-8" in caught.value.why


def test_an_endless_stanza_is_refused_before_it_is_kept() -> None:
    given_out = 0

    def endless():
        nonlocal given_out
        while True:
            given_out += 1
            yield b"A: " + b"x" * 4093

    with pytest.raises(MalformedError, match="bytes"):
        list(read_stanzas(endless(), maximum_stanza=1 << 16))
    assert given_out <= 17


def test_too_many_fields_are_refused() -> None:
    text = "".join(f"F{number}: x\n" for number in range(deb822.MAXIMUM_FIELDS + 1))
    with pytest.raises(MalformedError, match="too many"):
        list(read_stanzas([text.encode()]))


def test_comments_only_where_allowed() -> None:
    text = b"# one\nA: 1\n# two\n 2\n"
    (stanza,) = read_stanzas([text], comments=True)
    assert stanza.fields == {"a": "1\n2"}
    with pytest.raises(MalformedError):
        list(read_stanzas([text]))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(VerificationError):
        assert all(stanza.name == stanza.read().name for stanza in package_stanzas([data], "x"))


@given(
    st.lists(st.sampled_from(["Package: a", "Version: 1", "Size: 1", " x", "", "A:", "\t", "Architecture: all"]))
)
def test_any_lines_are_read_or_refused(rows: list[str]) -> None:
    with suppress(VerificationError):
        assert read("\n".join(rows), 7) == read("\n".join(rows))


names = st.from_regex(r"[a-z0-9][a-z0-9+.-]{0,8}", fullmatch=True)
relations = st.one_of(
    st.builds(Relation, names, st.sampled_from(["", "any", "native", "i386"])),
    st.builds(
        Relation,
        names,
        st.sampled_from(["", "any"]),
        st.sampled_from(["<<", "<=", "=", ">=", ">>"]),
        st.sampled_from(["1", "1:2-3", "1~", "2024a-0+deb12u1"]),
    ),
)


@given(st.lists(st.lists(relations, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple))
def test_dependencies_survive_being_written(dependency: tuple[tuple[Relation, ...], ...]) -> None:
    text = ", ".join(" | ".join(str(relation) for relation in alternatives) for alternatives in dependency)
    assert parse_dependency(text) == dependency


@given(st.text(alphabet="ab1:.,|()<>= \n~-", max_size=40))
def test_any_relation_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_relation, parse_relations, parse_dependency):
        with suppress(ValueError):
            assert parse(text) == parse(f" {text} ")


def test_a_field_with_endless_relations_is_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        parse_dependency("a," * 20_001)
    with pytest.raises(ValueError, match="more than"):
        parse_relations("a," * 20_001)


def test_a_package_is_read_when_it_is_asked_for() -> None:
    wrong = LIBC.replace("Version: 2.41-12", "Version: no version at all")
    good, bad = package_stanzas([f"{SIGNED_SOURCE}\n{wrong}".encode()], "stable")
    assert (good.name, bad.name) == ("bash", "libc6")
    assert good.read().version == "5.2.37-2+b5"
    with pytest.raises(VerificationError, match=re.escape("stable, stanza 2 (libc6)")):
        bad.read()


def test_a_stanza_may_begin_with_another_field() -> None:
    turned = SIGNED_SOURCE.replace("Package: bash\nEssential: yes\n", "Essential: yes\nPackage: bash\n")
    (found,) = package_stanzas([turned.encode()], "trixie")
    assert (found.name, [found.read()]) == ("bash", read(SIGNED_SOURCE))
    for wrong in (b"Essential: yes\n", b"Package bash\n", b"Package: b@sh\n", b" \nno"):
        with pytest.raises(VerificationError):
            list(package_stanzas([wrong], "stable"))


def test_unread_stanzas_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VerificationError) as caught:
        list(package_stanzas([b"Package: a\n" + b"x" * (MAXIMUM_STANZA + 1)], "stable"))
    assert "more than" in caught.value.why
    monkeypatch.setattr(packages_index, "MAXIMUM_PACKAGES", 2)
    with pytest.raises(VerificationError) as caught:
        list(package_stanzas([b"Package: a\n\n" * 3], "stable"))
    assert caught.value.why == "more than 2 packages"


def test_fields_are_found_however_they_are_written() -> None:
    folded = LIBC.replace("Provides: libc6-2.41, foo", "proVides:\n libc6-2.41,\n\tfoo")
    (found,) = package_stanzas([folded.encode()], "stable")
    assert {*provided_names(found)} == {*provided_names(found.read())} == {"libc6-2.41", "foo"}


@given(st.binary(max_size=400))
@example(b"Package: a\nVersion: 1\nPackage: a")
@example(b"\n\nPackage: a\n\n\n\nPackage: b\n")
def test_any_index_is_split_or_refused(data: bytes) -> None:
    with suppress(VerificationError):
        for one in package_stanzas([data], "stable"):
            assert {*provided_names(one)} >= {*provided_names(one.read())}
