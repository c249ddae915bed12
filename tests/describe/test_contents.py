# SPDX-License-Identifier: Apache-2.0
"""What is in an image, from its layers alone."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.cli.console import Paint
from imagewright.cli.contents import content
from imagewright.cli.documents import document
from imagewright.describe import scan as scanning
from imagewright.describe.contents import contents
from imagewright.describe.contents_markdown import contents_markdown
from imagewright.describe.interpreters import read_variables
from imagewright.describe.scan import scan
from imagewright.describe.sources import pool_path
from imagewright.errors import VerificationError
from imagewright.model.tree import Entry, Kind
from imagewright.oci import toc
from imagewright.oci.toc import TocEntry
from support.contents import LIBRARY, base, described, directory, file, link, python
from support.golden import Golden


def test_the_report_in_each_form(golden: Golden) -> None:
    found = contents(described(base(), python()))
    golden("contents.json", document(found).encode())
    golden("contents.md", ("\n".join(contents_markdown("python:3.13-slim", found)) + "\n").encode())
    text = content("python:3.13-slim", found, Paint(enabled=False), 80)
    golden("contents.txt", ("\n".join(text) + "\n").encode())
    assert max(map(len, text)) <= 80


def test_packages_come_together_by_source() -> None:
    found = contents(described(base(), python()))
    glibc, firmware = (next(one for one in found.sources if one.name == name) for name in ("glibc", "firmware"))
    assert [each.name for each in glibc.packages] == ["libc-bin", "libc6"]
    assert glibc.licences == ("LGPL-2.1-or-later AND (MIT OR GPL-2.0-or-later)",)
    assert glibc.urls == (
        "http://archive.example/debian/pool/main/g/glibc/glibc_2.41-12+deb13u4.dsc",
        "http://archive.example/debian-security/pool/main/g/glibc/glibc_2.41-12+deb13u4.dsc",
    )
    assert firmware.urls == ("http://archive.example/debian/pool/non-free/f/firmware/firmware_20250410-2.dsc",), (
        "the security archive has only updates"
    )
    assert pool_path("libffi", "1:3.4.8-2", "main") == "pool/main/libf/libffi/libffi_3.4.8-2.dsc"


def test_owners_modules_and_privileges() -> None:
    found = contents(described(base(), python()))
    owners = {each.owner: each.files for each in found.owners}
    assert owners["libc6"] == 3, "the library through the merged /usr, its copyright file, its list"
    assert owners["python:pip"] == 4
    assert owners["cpython"] == 5
    assert found.interpreters[0].version == "3.13.15"
    assert {"abc", "json", "json.decoder", "_ssl"} <= set(found.interpreters[0].modules)
    assert "pip" not in found.interpreters[0].modules
    assert [(each.path, each.mode, each.gid, each.owner) for each in found.privileged] == [
        ("/usr/bin/expiry", "2755", 42, "passwd"),
        ("/usr/bin/passwd", "4755", 0, "passwd"),
    ]
    assert [(each.files, each.removed) for each in found.layers] == [(12, 0), (9, 1)]


def test_what_a_layer_hides_is_not_there() -> None:
    found = described(base(), python(), (file("usr/lib"), file("etc/.wh..wh..opq"), file("etc/new")))
    assert "usr/share/old/gone" not in found.scan.files
    assert "usr/lib/libc.so.6" not in found.scan.files, "a file took the place of its directory"
    assert {"etc/new"} == {path for path in found.scan.files if path.startswith("etc/")}
    assert not any(path.startswith("etc/apt") for path in found.scan.texts)
    assert contents(found).sources[0].urls == ()


def test_a_hard_link_counts_once_and_a_capability_is_a_privilege() -> None:
    capable = Entry("bin/ping", Kind.FILE, 0o755, size=9, xattrs=(("security.capability", b"\1"),))
    again = Entry("bin/ping4", Kind.HARDLINK, 0o755, link="bin/ping")
    found = contents(described([directory("bin"), (capable, b"x" * 9), (again, b""), link("ping", "bin/ping")]))
    assert (found.files, found.size, found.links) == (2, 9, 1)
    assert [each.kind for each in found.privileged] == ["file with capabilities"] * 2
    assert found.sources == ()
    assert "No package database was found." in contents_markdown("x", found)


def test_a_bare_root_has_lists_of_checksums() -> None:
    found = contents(
        described(
            [
                file("usr/lib/libz.so.1", b"x" * 10),
                file("var/lib/dpkg/status.d/zlib1g", "Package: zlib1g\nVersion: 1.3\nArchitecture: amd64\n"),
                file("var/lib/dpkg/status.d/zlib1g.md5sums", f"{'0' * 32}  usr/lib/libz.so.1\n"),
            ]
        )
    )
    assert [one.name for one in found.sources] == ["zlib1g"]
    assert ("zlib1g", 1, 10) in [(each.owner, each.files, each.size) for each in found.owners]


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toc, "MAXIMUM_CONTENT", 10)
    with pytest.raises(VerificationError, match="has 11 bytes"):
        described([file("var/lib/dpkg/info/x.list", "/" * 11)])
    monkeypatch.setattr(toc, "MAXIMUM_CONTENT", 1000)
    monkeypatch.setattr(scanning, "MAXIMUM_TEXTS", 15)
    with pytest.raises(VerificationError, match="more than 15 bytes"):
        described([file(f"var/lib/dpkg/info/{name}.list", "/" * 9) for name in "ab"])
    monkeypatch.setattr(scanning, "MAXIMUM_FILES", 2)
    with pytest.raises(VerificationError, match="more than 2 files"):
        described([file(name) for name in "abc"])


@pytest.mark.parametrize(
    "content",
    [b"", b"build_time_vars = open('/etc/passwd')", b"build_time_vars = [1]", b"(" * 5000, b"\0", b"x = 'a\\d'"],
)
def test_nothing_is_run_to_read_variables(content: bytes) -> None:
    assert read_variables(content) == ()


@given(st.binary(max_size=200))
def test_variables_of_any_file(content: bytes) -> None:
    assert isinstance(read_variables(content), tuple)


NAMES = st.sampled_from(["a", "b", "a/b", "a/b/c", "b/a", "c"])


@given(st.lists(st.lists(st.tuples(NAMES, st.booleans()), unique_by=lambda each: each[0], max_size=5), max_size=4))
def test_layers_lie_over_each_other_as_on_disk(layers: Sequence[Sequence[tuple[str, bool]]]) -> None:
    """Against a small model: a whiteout removes a path and all below it of lower layers, and nothing else."""
    wanted: set[str] = set()
    streams = []
    for layer in layers:
        gone = {name for name, removed in layer if removed}
        new = {name for name, removed in layer if not removed}
        wanted = {
            name for name in wanted if not any(name == one or name.startswith(f"{one}/") for one in gone)
        } | new
        streams.append(
            [
                TocEntry(_whiteout(name) if removed else Entry(name, Kind.DIRECTORY, 0o755))
                for name, removed in layer
            ]
        )
    assert set(scan(streams).files) == wanted


def _whiteout(name: str) -> Entry:
    parent, slash, last = name.rpartition("/")
    return Entry(f"{parent}{slash}.wh.{last}", Kind.FILE, 0o644)


def test_the_json_has_the_promised_facts() -> None:
    found = json.loads(document(contents(described(base(), python()))))
    assert found["interpreters"][0]["path"] == LIBRARY
    assert ["CC", "gcc"] in found["interpreters"][0]["variables"]
    assert found["layers"][1]["tree"]["children"][0]["name"] == "usr"
