# SPDX-License-Identifier: Apache-2.0
"""The machine's apt sources are read as sources.list(5) says, and give mirrors by role."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.debian.sources import (
    AptSource,
    AptSources,
    mirror_roles,
    parse_list,
    parse_sources,
    read_apt_sources,
)
from imagewright.archives.mirrors import Mirrors
from imagewright.errors import ConfigurationError

ONE_LINE = """\
# a comment
deb http://one.example/debian bookworm main contrib  # and one here
deb-src http://one.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/usr/share/keyrings/x.gpg] https://two.example/debian/ bookworm-updates main

deb [ trusted=yes ] http://sec.example/debian-security bookworm-security main
debb http://typo.example bookworm main
deb http://half.example
"""
DEB822 = """\
# how this came to be
Types: deb deb-src
URIs: http://one.example/debian https://two.example/debian
# in the middle
Suites: trixie trixie-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
 -----END PGP PUBLIC KEY BLOCK-----
\x20
Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: trixie
Components: main

Types: deb-src
URIs: http://src.example/debian
Suites: trixie
Components: main

Types: deb
URIs: http://sec.example/debian-security/
Suites: trixie-security
Components: main
"""


def test_one_line_style() -> None:
    found = parse_list(ONE_LINE, "sources.list")
    assert found.entries == (
        AptSource("http://one.example/debian", "bookworm", ("main", "contrib"), "sources.list:2"),
        AptSource("https://two.example/debian/", "bookworm-updates", ("main",), "sources.list:4"),
        AptSource("http://sec.example/debian-security", "bookworm-security", ("main",), "sources.list:6"),
    )
    assert [note.partition(" ")[0] for note in found.notes] == ["sources.list:7:", "sources.list:8:"]


def test_deb822_style() -> None:
    found = parse_sources(DEB822, "debian.sources")
    assert [(entry.uri, entry.suite) for entry in found.entries] == [
        ("http://one.example/debian", "trixie"),
        ("http://one.example/debian", "trixie-updates"),
        ("https://two.example/debian", "trixie"),
        ("https://two.example/debian", "trixie-updates"),
        ("http://sec.example/debian-security/", "trixie-security"),
    ]
    assert found.notes == ()


def test_a_broken_file_is_passed_over_with_a_note() -> None:
    found = parse_sources("Types: deb\nURIs\n", "x.sources")
    assert found.entries == ()
    assert "x.sources: passed over: line 2" in found.notes[0]


def test_roles() -> None:
    roles, notes = mirror_roles(parse_list(ONE_LINE, "l") + parse_sources(DEB822, "s"))
    assert roles == {
        "debian": ("http://one.example/debian", "https://two.example/debian"),
        "debian-security": ("http://sec.example/debian-security",),
    }
    assert len(notes) == 2


def sources(*rows: str) -> AptSources:
    return parse_list("\n".join(rows), "l")


def test_other_peoples_archives_come_last_or_not_at_all() -> None:
    roles, _ = mirror_roles(
        sources(
            "deb https://apt.vendor.example bookworm main",
            "deb https://packages.cloud.example/apt cloud-sdk-bookworm main",
            "deb https://deb.node.example/node_20.x nodistro main",
            "deb https://docker.example/linux/debian bookworm stable",
            "deb http://own.example/debian bookworm main",
        )
    )
    assert roles == {"debian": ("http://own.example/debian", "https://apt.vendor.example")}


def test_ubuntu() -> None:
    roles, _ = mirror_roles(
        sources(
            "deb http://archive.example/ubuntu noble main universe",
            "deb http://archive.example/ubuntu noble-updates main universe",
            "deb http://security.example/ubuntu noble-security main",
            "deb http://ports.example/ubuntu-ports noble main",
        )
    )
    assert roles == {
        "ubuntu": ("http://archive.example/ubuntu",),
        "ubuntu-security": ("http://security.example/ubuntu",),
        "ubuntu-ports": ("http://ports.example/ubuntu-ports",),
    }


def test_an_ubuntu_machine_with_pro_and_a_personal_archive() -> None:
    text = """\
Types: deb
URIs: http://archive.example/ubuntu/
Suites: noble noble-updates noble-backports
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg

Types: deb
URIs: http://security.example/ubuntu/
Suites: noble-security
Components: main universe restricted multiverse
Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg
"""
    others = sources(
        "deb https://ppa.launch.example/somebody/python/ubuntu noble main",
        "deb https://esm.example/apps/ubuntu noble-apps-security main",
        "deb https://esm.example/infra/ubuntu noble-infra-updates main",
    )
    roles, notes = mirror_roles(others + parse_sources(text, "/etc/apt/sources.list.d/ubuntu.sources"))
    assert roles == {
        "ubuntu": ("http://archive.example/ubuntu",),
        "ubuntu-security": ("http://security.example/ubuntu",),
    }
    assert notes == ()


@pytest.mark.parametrize(
    "uri", ["cdrom:[Debian]/", "tor+http://x.onion/debian", "ssh://h/debian", "mirror://h/list"]
)
def test_ways_we_do_not_go_are_noted(uri: str) -> None:
    roles, notes = mirror_roles(AptSources((AptSource(uri, "bookworm", ("main",), "l:1"),)))
    assert roles == {}
    assert uri in notes[0]


def test_the_files_of_a_machine(tmp_path: Path) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://a.example/debian sid main\n")
    (parts / "b.list").write_text("deb file:/srv/mirror/debian sid main\n")
    (parts / "c.sources").write_text(DEB822)
    (parts / "c.sources.bak").write_text("nonsense")
    (parts / "d.list").write_bytes(b"\xff")
    (parts / "e.list").write_text("x" * (1 << 21))
    listed = tmp_path / "mirrors.txt"
    listed.write_text("# ours\nhttp://l1.example/debian/\tpriority:1\n\nhttp://l2.example/debian\n")
    (parts / "f.list").write_text(f"deb mirror+file:{listed} sid main\ndeb mirror+file:/nowhere sid main\n")
    roles, notes = mirror_roles(read_apt_sources(tmp_path))
    assert roles["debian"] == (
        "http://a.example/debian",
        "file:/srv/mirror/debian",
        "http://one.example/debian",
        "https://two.example/debian",
        "http://l1.example/debian",
        "http://l2.example/debian",
    )
    assert sorted(note.partition("passed over")[0].rpartition("/")[2] for note in notes) == [
        "d.list: ", "e.list: ", "f.list:2: "]  # fmt: skip
    assert read_apt_sources(tmp_path / "nothing").entries == ()


@given(st.text(alphabet="deb[]#=: \n/htpma-src.\t", max_size=120))
def test_any_text_is_read(text: str) -> None:
    for parse in (parse_list, parse_sources):
        for entry in parse(text, "x").entries:
            assert entry.uri
            assert entry.suite


# --- mirrors -----------------------------------------------------------------------------------------------

MIRRORS = Mirrors(
    {
        "debian": ("http://a/debian", "http://b/debian"),
        "snapshot": ("http://s/archive/{role}/20260801T000000Z/",),
    },
    ("one was passed over",),
)


def test_addresses_of_a_role() -> None:
    assert MIRRORS.addresses("debian") == ("http://a/debian", "http://b/debian")
    with pytest.raises(ConfigurationError, match="no mirror is known for ubuntu") as caught:
        MIRRORS.addresses("ubuntu")
    assert "--mirror ubuntu=URL" in caught.value.hint
    assert "one was passed over" in caught.value.why


def test_any_mirror_of_ubuntu_has_its_security_pocket_but_not_its_ports() -> None:
    mirrors = Mirrors({"ubuntu": ("http://u/ubuntu",), "snapshot": ("http://s/{role}/20260801T000000Z",)})
    assert mirrors.addresses("ubuntu-security") == ("http://u/ubuntu",)
    assert mirrors.urls("ubuntu-security", "pool/x.deb") == (
        "http://u/ubuntu/pool/x.deb",
        "http://s/ubuntu/20260801T000000Z/pool/x.deb",
    )
    own = Mirrors({"ubuntu": ("http://u/ubuntu",), "ubuntu-security": ("http://v/ubuntu",)})
    assert own.addresses("ubuntu-security") == ("http://v/ubuntu",)
    for role in ("ubuntu-ports", "debian-security"):
        with pytest.raises(ConfigurationError, match=f"no mirror is known for {role}") as caught:
            mirrors.addresses(role)
        assert f"--mirror {role}=URL" in caught.value.hint


def test_urls_go_from_the_mirrors_to_the_past() -> None:
    assert MIRRORS.urls("debian", "pool/x.deb", last=("http://lock/debian", "http://a/debian/")) == (
        "http://a/debian/pool/x.deb",
        "http://b/debian/pool/x.deb",
        "http://s/archive/debian/20260801T000000Z/pool/x.deb",
        "http://lock/debian/pool/x.deb",
    )
    assert Mirrors().urls("debian", "x") == ()


def test_templates() -> None:
    assert MIRRORS.resolve("https://x/y") == ("https://x/y",)
    assert MIRRORS.resolve("{debian}/pool/y")[:2] == ("http://a/debian/pool/y", "http://b/debian/pool/y")
    assert Mirrors().resolve("{debian}/pool/y") == ()
    for wrong in ("{debian", "{}/x", "{debian}x", "{DEBIAN}/x"):
        with pytest.raises(ConfigurationError):
            MIRRORS.resolve(wrong)
