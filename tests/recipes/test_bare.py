# SPDX-License-Identifier: Apache-2.0
"""The recipe of bare roots: reasons, users, and the bundle of certificates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from imagewright.recipes import bare


def test_every_rule_has_a_reason() -> None:
    assert all(rule.why for rule in (*bare.REMOVED.rules, *bare.KEPT.rules))
    assert all(link.why for link in bare.LINKS)


def test_users_have_groups_and_nobody_has_a_shell() -> None:
    files = dict(bare.FILES)
    groups = {line.split(":")[2] for line in files["etc/group"].splitlines()}
    for line in files["etc/passwd"].splitlines():
        name, _, uid, gid, _, home, shell = line.split(":")
        assert gid in groups
        assert shell == "/sbin/nologin"
        if name == "nonroot":
            assert (int(uid), home) == (bare.NONROOT, "/home/nonroot")
    assert f"/{bare.DIRECTORIES[0].path}" == "/home/nonroot"


def test_names_of_busybox_lead_to_it() -> None:
    links = bare.applet_links("usr/bin/busybox")
    assert {link.target for link in links} == {"/usr/bin/busybox"}
    assert "busybox/sh" in {link.path for link in links}
    assert len(links) == len({link.path for link in links})


CERTIFICATES = st.dictionaries(st.text(min_size=1, max_size=10), st.binary(max_size=20), max_size=6)


@given(CERTIFICATES)
def test_the_bundle_depends_on_no_order_and_ends_every_certificate(found: dict[str, bytes]) -> None:
    whole = bare.bundle(found.items())
    assert whole == bare.bundle(reversed(found.items()))
    assert sum(len(text) for text in found.values()) <= len(whole) <= sum(len(text) + 1 for text in found.values())


def test_the_bundle_is_sorted_as_the_c_locale_does() -> None:
    assert bare.bundle([("b.crt", b"B\n"), ("Z.crt", b"Z"), ("a.crt", b"a\n")]) == b"Z\na\nB\n"
