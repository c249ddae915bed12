# SPDX-License-Identifier: Apache-2.0
"""What Debian's and Ubuntu's images do differently: apt's sources, keys, and what slim leaves out."""

from __future__ import annotations

import pytest

from imagewright.archives.debian.sources import parse_list, parse_sources
from imagewright.model.tree import Kind
from imagewright.recipes.distributions import DEBIAN, UBUNTU, AptSource, apt_sources, conventions_of
from imagewright.recipes.pathrules import PathRules
from imagewright.recipes.rootfiles import root_files

SOURCES = (
    AptSource("http://a.example/ubuntu", ("noble", "noble-updates"), ("main", "universe")),
    AptSource("http://s.example/ubuntu", ("noble-security",), ("main", "universe")),
)
ENTRIES = [
    ("http://a.example/ubuntu", "noble", ("main", "universe")),
    ("http://a.example/ubuntu", "noble-updates", ("main", "universe")),
    ("http://s.example/ubuntu", "noble-security", ("main", "universe")),
]


def test_deb822_sources() -> None:
    ((path, text),) = apt_sources(SOURCES, UBUNTU, "deb822").items()
    assert path == "etc/apt/sources.list.d/ubuntu.sources"
    assert text.startswith("Types: deb\nURIs: http://a.example/ubuntu\nSuites: noble noble-updates\n")
    assert text.count("Signed-By: /usr/share/keyrings/ubuntu-archive-keyring.gpg\n") == 2
    assert [(each.uri, each.suite, each.components) for each in parse_sources(text, "x").entries] == ENTRIES


def test_one_line_sources() -> None:
    ((path, text),) = apt_sources(SOURCES, UBUNTU, "list").items()
    assert path == "etc/apt/sources.list"
    keyring = "/usr/share/keyrings/ubuntu-archive-keyring.gpg"
    assert text.splitlines()[0] == f"deb [signed-by={keyring}] http://a.example/ubuntu noble main universe"
    assert [(each.uri, each.suite, each.components) for each in parse_list(text, "x").entries] == ENTRIES


@pytest.mark.parametrize("form", ["deb822", "list"])
def test_no_address_no_file(form: str) -> None:
    assert apt_sources((), UBUNTU, form) == {}


def test_what_slim_leaves_out_on_ubuntu() -> None:
    rules = PathRules(UBUNTU.exclude, UBUNTU.include)
    assert rules.skips("usr/share/man/man1/ls.1.gz", Kind.FILE)
    assert rules.skips("usr/share/locale/de/LC_MESSAGES/apt.mo", Kind.FILE)
    assert rules.skips("usr/share/doc/bash/README", Kind.FILE)
    assert not rules.skips("usr/share/doc/bash/copyright", Kind.FILE)
    assert not rules.skips("usr/share/doc/bash/changelog.Debian.gz", Kind.FILE)
    assert not rules.skips("usr/share/info/wget.info.gz", Kind.FILE)
    files = dict(root_files(architecture="amd64", slim=True, automatic=(), conventions=UBUNTU))
    assert "path-exclude /usr/share/locale/*/LC_MESSAGES/*.mo\n" in files["etc/dpkg/dpkg.cfg.d/excludes"]
    assert "etc/dpkg/dpkg.cfg.d/docker" not in files
    full = dict(root_files(architecture="amd64", slim=False, automatic=(), conventions=UBUNTU))
    assert "etc/dpkg/dpkg.cfg.d/excludes" not in full


def test_only_ubuntu_phases_updates() -> None:
    name = "etc/apt/apt.conf.d/imagewright-phased-updates"
    text = dict(root_files(architecture="amd64", slim=True, automatic=(), conventions=UBUNTU))[name]
    assert text.endswith('APT::Get::Always-Include-Phased-Updates "true";\n')
    assert name not in dict(root_files(architecture="amd64", slim=True, automatic=(), conventions=DEBIAN))


def test_conventions_by_name() -> None:
    assert conventions_of("debian") is DEBIAN
    assert conventions_of("ubuntu") is UBUNTU
    with pytest.raises(KeyError):
        conventions_of("windows")
