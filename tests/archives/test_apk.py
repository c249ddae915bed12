# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
import hashlib
import io
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.archives.alpine.apk import ApkLimits, check_whole, open_apk, read_control
from imagewright.archives.debian.tar import TarLimits
from imagewright.errors import VerificationError
from imagewright.model.tree import Kind
from support.apks import Node, Recipe, build, checksums, compressed, make_tar, tar_entry

RECIPE = Recipe(
    "busybox",
    "1.37.0-r1",
    files={
        "bin/busybox": Node(b"#!elf" * 100_000, 0o755),
        "bin/sh": Node(link="/bin/busybox"),
        "bin/again": Node(hardlink="bin/busybox"),
        "etc/securetty": Node(b"tty1\n", 0o640, uid=0, gid=42),
        "var/empty": Node(None, 0o555),
    },
    depends=("so:libc.musl-x86_64.so.1",),
    provides=("so:libbb.so.1=1", "/bin/sh"),
    triggers=("/bin", "/usr/bin"),
    scripts={"post-install": "#!/bin/busybox sh\nexit 0\n", "trigger": "#!/bin/busybox sh\n"},
)


def test_a_package() -> None:
    built = build(RECIPE)
    apk = open_apk(io.BytesIO(built.data), "busybox")
    assert (apk.control.name, apk.control.version) == ("busybox", "1.37.0-r1")
    assert apk.control.sonames == {"libbb.so.1"}
    assert apk.control.triggers == ("/bin", "/usr/bin")
    assert sorted(apk.control.scripts) == ["post-install", "trigger"]
    assert apk.control.fields["depend"] == ("so:libc.musl-x86_64.so.1",)
    found = {one.entry.path: (one, content and content.read()) for one, content in apk.checked_entries()}
    assert sorted(found) == [
        "bin", "bin/again", "bin/busybox", "bin/sh", "etc", "etc/securetty", "var", "var/empty",
    ]  # fmt: skip
    busybox, content = found["bin/busybox"]
    assert content == b"#!elf" * 100_000
    assert busybox.checksum == hashlib.sha1(content, usedforsecurity=False).digest()
    assert found["bin/again"][0].checksum == busybox.checksum
    assert found["bin/sh"][0].checksum == hashlib.sha1(b"/bin/busybox", usedforsecurity=False).digest()
    securetty = found["etc/securetty"][0].entry
    assert (securetty.mode, securetty.gid, securetty.xattrs) == (0o640, 42, ())
    assert found["var/empty"][0].checksum is None
    assert found["var/empty"][0].entry.kind is Kind.DIRECTORY


def test_the_index_names_the_control_segment() -> None:
    built = build(RECIPE)
    line = next(line for line in built.paragraph.splitlines() if line.startswith("C:"))
    control = read_control(io.BytesIO(built.data), "busybox")
    open_apk(io.BytesIO(built.data), "busybox", checksum=control.checksum)
    assert line.startswith("C:Q1")
    other = build(Recipe("busybox", "1.37.0-r0"))
    with pytest.raises(VerificationError, match="not the package of the index"):
        open_apk(io.BytesIO(other.data), "busybox", checksum=control.checksum)


def segments(data: bytes) -> list[bytes]:
    """The gzip members of a file."""

    found = []
    while data:
        state = zlib.decompressobj(wbits=31)
        state.decompress(data)
        found.append(data[: len(data) - len(state.unused_data)])
        data = state.unused_data
    return found


def test_other_files_under_the_same_control_segment_are_refused() -> None:
    signature, control, _ = segments(build(RECIPE).data)
    other = segments(build(Recipe("busybox", files={"bin/busybox": Node(b"evil", 0o755)})).data)[2]
    apk = open_apk(io.BytesIO(signature + control + other), "busybox")
    with pytest.raises(VerificationError, match="not what its control segment says"):
        check_whole(apk)


def test_a_package_without_a_hash_of_its_files_is_refused() -> None:
    control = compressed(make_tar([tar_entry(".PKGINFO", Node(b"pkgname = a\npkgver = 1\n"))]), cut=True)
    data = compressed(make_tar([tar_entry("a", Node(b"a"))]))
    apk = open_apk(io.BytesIO(segments(build(RECIPE).data)[0] + control + data), "a")
    with pytest.raises(VerificationError, match="not what its control segment says"):
        check_whole(apk)


def rebuilt(data_tar: bytes) -> bytes:
    data = compressed(data_tar)
    info = f"pkgname = a\npkgver = 1\ndatahash = {hashlib.sha256(data).hexdigest()}\n".encode()
    control = compressed(make_tar([tar_entry(".PKGINFO", Node(info))]), cut=True)
    return segments(build(RECIPE).data)[0] + control + data


def test_a_file_that_is_not_what_its_header_says() -> None:
    tar = make_tar([tar_entry("etc/a", Node(b"two"), records=checksums(Node(b"one")))])
    with pytest.raises(VerificationError, match=r"etc/a is not what its header says"):
        check_whole(open_apk(io.BytesIO(rebuilt(tar)), "a"))


@pytest.mark.parametrize(
    ("path", "node"),
    [
        ("../etc/passwd", Node(b"x")),
        ("/etc/passwd", Node(b"x")),
        ("a/../../b", Node(b"x")),
        (".PKGINFO", Node(b"x")),
        (".post-install", Node(b"x")),
        ("etc/a\nP:evil", Node(b"x")),
    ],
)
def test_paths_that_lead_elsewhere(path: str, node: Node) -> None:
    with pytest.raises(VerificationError):
        check_whole(open_apk(io.BytesIO(rebuilt(make_tar([tar_entry(path, node)]))), "a"))


def test_unknown_checksums_are_refused() -> None:
    tar = make_tar([tar_entry("a", Node(b"x"), records={"APK-TOOLS.checksum.MD5": "00"})])
    with pytest.raises(VerificationError, match="unknown kind"):
        check_whole(open_apk(io.BytesIO(rebuilt(tar)), "a"))


def test_sizes_are_bounded() -> None:
    limits = ApkLimits(data=TarLimits(total=10_000))
    with pytest.raises(VerificationError, match="more than 10000 bytes"):
        check_whole(open_apk(io.BytesIO(build(RECIPE).data), "busybox", limits=limits))
    bomb = segments(build(RECIPE).data)[0] + gzip.compress(bytes(20 << 20)) + gzip.compress(b"")
    with pytest.raises(VerificationError):
        open_apk(io.BytesIO(bomb), "bomb")


def test_every_cut_is_noticed() -> None:
    data = build(RECIPE).data
    for end in range(0, len(data) - 1, max(1, len(data) // 80)):
        with pytest.raises(VerificationError):
            check_whole(open_apk(io.BytesIO(data[:end]), "busybox"))


def test_every_changed_byte_is_noticed_or_changes_nothing() -> None:
    """In the control segment the index's checksum notices; in the data segment the hash of it does."""
    data = build(RECIPE).data
    wanted = read_control(io.BytesIO(data), "busybox").checksum
    start = len(segments(data)[0])
    dice = random.Random(7)
    for at in sorted(dice.sample(range(start, len(data)), 120)):
        changed = data[:at] + bytes([data[at] ^ (1 << dice.randrange(8))]) + data[at + 1 :]
        with pytest.raises(VerificationError):
            check_whole(open_apk(io.BytesIO(changed), "busybox", checksum=wanted))


@pytest.mark.parametrize("compression", [".", "d", "c"])
def test_the_format_of_apk_3_is_told_from_damage(compression: str) -> None:
    with pytest.raises(VerificationError, match="it is in the format of apk 3, which is not read yet"):
        open_apk(io.BytesIO(b"ADB" + compression.encode() + bytes(100)), "it")


@given(st.binary(max_size=400))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        check_whole(open_apk(io.BytesIO(data), "noise"))
