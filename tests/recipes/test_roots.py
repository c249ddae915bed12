# SPDX-License-Identifier: Apache-2.0
"""The recipe of roots: path rules, order, state, apt's configuration."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagewright.model.digest import Digest
from imagewright.model.packages import LockedPackage
from imagewright.model.tree import Entry, Kind
from imagewright.recipes import rootfiles, roots
from imagewright.recipes.distributions import AptSource
from imagewright.recipes.pathrules import PathRules

SLIM = PathRules(roots.SLIM_EXCLUDE, roots.SLIM_INCLUDE)


def package(name: str, *depends: str, essential: bool = False, architecture: str = "amd64") -> LockedPackage:
    return LockedPackage(
        name, "1", architecture, name, "1", 1, Digest.of(name.encode()), name, "a", depends, essential
    )


def test_path_rules_as_dpkg_applies_them() -> None:
    # What dpkg 1.21 did with a package made for it, file by file.
    rules = PathRules(
        ("/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*", "/usr/share/groff/*"),
        ("/usr/share/doc/*/copyright", "/usr/share/locale/locale.alias", "/usr/share/locale/l10n/*"),
    )
    kept = {
        "usr/share/doc": Kind.DIRECTORY,
        "usr/share/doc/b": Kind.DIRECTORY,
        "usr/share/doc/l": Kind.SYMLINK,
        "usr/share/doc/a/copyright": Kind.FILE,
        "usr/share/doc/a/sub": Kind.DIRECTORY,
        "usr/share/groff": Kind.DIRECTORY,
        "usr/share/locale/locale.alias": Kind.FILE,
        "usr/share/locale/l10n": Kind.DIRECTORY,
        "usr/share/locale/l10n/y": Kind.FILE,
    }
    left_out = {
        "usr/share/doc/a/NEWS": Kind.FILE,
        "usr/share/doc/a/sub/x": Kind.FILE,
        "usr/share/man/man1": Kind.DIRECTORY,
        "usr/share/man/lnk": Kind.SYMLINK,
        "usr/share/groff/x": Kind.DIRECTORY,
        "usr/share/locale/fr": Kind.DIRECTORY,
        "usr/share/locale/fr/LC_MESSAGES/x": Kind.FILE,
    }
    assert {path for path, kind in kept.items() if rules.skips(path, kind)} == set()
    assert {path for path, kind in left_out.items() if not rules.skips(path, kind)} == set()
    assert not PathRules().skips("usr/share/doc/x", Kind.FILE)


def test_slim_keeps_licences_and_loses_manuals() -> None:
    assert not SLIM.skips("usr/share/doc/bash/copyright", Kind.FILE)
    assert SLIM.skips("usr/share/doc/bash/README", Kind.FILE)
    assert SLIM.skips("usr/share/man/man1/ls.1.gz", Kind.FILE)
    assert not SLIM.skips("usr/share/common-licenses/GPL-3", Kind.FILE)


def test_bootstrap_is_closed_under_dependency() -> None:
    packages = [
        package("bash", "libc6", essential=True),
        package("libc6", "libgcc"),
        package("libgcc"),
        package("apt", "libapt"),
        package("libapt", "libc6"),
        package("tzdata", "libc6"),
    ]
    assert roots.bootstrap(packages) == {"bash", "libc6", "libgcc", "apt", "libapt"}


GRAPHS = st.dictionaries(st.sampled_from("abcdefgh"), st.sets(st.sampled_from("abcdefgh")), min_size=1)


@given(GRAPHS)
def test_order_has_all_and_respects_dependencies(graph: dict[str, set[str]]) -> None:
    packages = [package(name, *sorted(depends)) for name, depends in graph.items()]
    ordered = [each.name for each in roots.in_order(packages)]
    assert sorted(ordered) == sorted(graph)
    assert ordered == [each.name for each in roots.in_order(reversed(packages))]
    for name, depends in graph.items():
        for depend in depends & graph.keys() - {name}:
            in_circle = name in roots.closure([depend], {each.name: each for each in packages})
            assert in_circle or ordered.index(depend) < ordered.index(name)


def test_scripts_that_do_nothing_on_a_first_installation() -> None:
    trivial = (
        b"#!/bin/sh\nset -e\n# Automatically added by dh_installdeb/13.24.2\n"
        b'dpkg-maintscript-helper rm_conffile /etc/apt/apt.conf.d/20changelog 1.2.4\\~ -- "$@"\nexit 0\n'
    )
    assert not roots.does_something(trivial)
    assert not roots.does_something(b"")
    assert roots.does_something(trivial + b"touch /x\n")
    assert roots.does_something(b'dpkg-maintscript-helper rm_conffile /etc/x $(touch /x) -- "$@"\n')
    assert roots.does_something(b'dpkg-maintscript-helper rm_conffile /etc/x 1 -- "$@"; touch /x\n')


def entry(path: str, kind: Kind = Kind.FILE) -> Entry:
    return Entry(path, kind, 0o755)


def test_split_keeps_directories_above_state() -> None:
    entries = [
        entry("etc", Kind.DIRECTORY),
        entry("etc/alternatives", Kind.DIRECTORY),
        entry("etc/alternatives/awk", Kind.SYMLINK),
        entry("etc/bash.bashrc"),
        entry("etc/passwd"),
        entry("usr", Kind.DIRECTORY),
        entry("usr/bin", Kind.DIRECTORY),
    ]
    layer, state = roots.split(entries)
    assert [each.path for each in layer] == ["etc", "etc/alternatives", "etc/bash.bashrc", "usr", "usr/bin"]
    assert [each.path for each in state] == ["etc", "etc/alternatives", "etc/alternatives/awk", "etc/passwd"]


@given(
    st.sets(st.sampled_from(["etc/passwd", "etc/x", "var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "usr/a"]))
)
def test_split_loses_nothing(paths: set[str]) -> None:
    directories = {"/".join(path.split("/")[:count]) for path in paths for count in range(1, path.count("/") + 1)}
    entries = [
        entry(path, Kind.DIRECTORY if path in directories else Kind.FILE) for path in sorted(paths | directories)
    ]
    layer, state = roots.split(entries)
    files = [each.path for each in (*layer, *state) if each.kind is Kind.FILE]
    assert sorted(files) == sorted(paths)
    for part in (layer, state):
        there = {each.path for each in part}
        assert all(path.rpartition("/")[0] in there | {""} for path in there)


def test_no_rule_is_without_a_reason_and_none_overlap() -> None:
    for rules in (roots.STATE, roots.REMOVED, roots.EMPTIED):
        assert all(rule.why for rule in rules.rules)
        patterns = [rule.pattern for rule in rules.rules]
        assert len(set(patterns)) == len(patterns)
    for path in ("etc/passwd", "var/lib/dpkg/status", "etc/machine-id"):
        assert not roots.REMOVED.match(path)
    for path in ("etc/passwd-", "var/lib/dpkg/status-old", "var/log/apt/term.log", "tmp/x/y", "run/lock"):
        assert roots.REMOVED.match(path)
    for path in ("var/log/apt", "run", "tmp", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        assert not roots.REMOVED.match(path)


def test_merged_directories() -> None:
    assert roots.merged_links("trixie", "amd64") == ()  # base-files ships them
    assert roots.merged_links("bullseye", "amd64") == ()  # Debian's images are not merged
    assert roots.merged_links("bookworm", "amd64") == ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    assert roots.merged_links("bookworm", "arm64") == ("bin", "sbin", "lib")
    assert roots.merged_links("jammy", "amd64") == ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
    assert roots.merged_links("noble", "amd64") == ("bin", "sbin", "lib", "lib64")
    assert roots.merged_links("noble", "arm64") == ("bin", "sbin", "lib")
    assert roots.merged_links("resolute", "ppc64el") == ("bin", "sbin", "lib", "lib64")


def test_files_of_a_slim_root() -> None:
    files = dict(
        rootfiles.root_files(
            architecture="arm64",
            sources=[
                AptSource("http://a.example/debian", ("trixie", "trixie-updates"), ("main",)),
                AptSource("http://s.example/debian-security", ("trixie-security",), ("main",)),
            ],
            slim=True,
            automatic=[package("zlib1g"), package("adduser", architecture="all")],
        )
    )
    assert list(files) == sorted(files)
    sources = files["etc/apt/sources.list.d/debian.sources"]
    assert "URIs: http://a.example/debian\nSuites: trixie trixie-updates\n" in sources
    assert "URIs: http://s.example/debian-security\nSuites: trixie-security\n" in sources
    assert sources.count("Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n") == 2
    states = files["var/lib/apt/extended_states"]
    assert states.startswith("Package: adduser\nArchitecture: arm64\nAuto-Installed: 1\n\nPackage: zlib1g\n")
    assert "path-exclude /usr/share/man/*\n" in files["etc/dpkg/dpkg.cfg.d/docker"]
    assert files["usr/sbin/policy-rc.d"].endswith("exit 101\n")


def test_files_of_a_full_root_exclude_nothing_and_may_have_no_sources() -> None:
    files = dict(rootfiles.root_files(architecture="amd64", slim=False, automatic=[]))
    assert "etc/dpkg/dpkg.cfg.d/docker" not in files
    assert not any("sources" in path for path in files)


def test_the_script_is_shipped() -> None:
    script = roots.configure_script()
    assert script.text.startswith("#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
    assert dict(script.environment)["DEBIAN_FRONTEND"] == "noninteractive"
