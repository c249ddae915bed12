# SPDX-License-Identifier: Apache-2.0
"""Layers of others: what is refused, and that nothing makes the reader grow or hang."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from itertools import pairwise

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.errors import VerificationError
from imagewright.model.tree import Entry, Kind
from imagewright.oci.decompression import decompressed
from imagewright.oci.reader import LayerLimits, read_layer

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"", **pax: str) -> Member:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size, info.pax_headers = kind, link, len(content), pax
    return info, content


def tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as opened:
        for info, content in members:
            opened.addfile(info, io.BytesIO(content))
    return sink.getvalue()


def read(data: bytes, **options: object) -> list[Entry]:
    return [entry for entry, _ in read_layer(io.BytesIO(data), **options)]  # type: ignore[arg-type]


def paths(data: bytes, **options: object) -> list[str]:
    return [entry.path for entry in read(data, **options)]


FILE, DIR, SYM, LNK = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def test_names_are_normalised() -> None:
    assert paths(tar(member("./", DIR), member("./a/", DIR), member("./a//b"), member("a/./c"))) == [
        "", "a", "a/b", "a/c",
    ]  # fmt: skip


def test_old_archives_mark_directories_with_a_slash() -> None:
    data = bytearray(tar(member("a", DIR)))
    data[156:157] = b"\0"
    total = sum(data[:148]) + 256 + sum(data[156:512])
    data[148:156] = b"%06o\0 " % total
    assert read(bytes(data))[0].kind is Kind.DIRECTORY


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([member("/etc/passwd")], "absolute"),
        ([member("../x")], "climbs"),
        ([member("a/../../x")], "climbs"),
        ([member("a", LNK, "/etc/passwd")], "absolute"),
        ([member("a", LNK, "../x")], "climbs"),
        ([member("a"), member("a")], "twice"),
        ([member("a"), member("./a")], "twice"),
        ([member("a", DIR), member("a/", DIR)], "twice"),
        ([member("a", SYM, "/etc"), member("a/passwd")], "passes through a"),
        ([member("a", SYM, "/etc"), member("a/b/c")], "passes through a"),
        ([member("a"), member("a/b")], "passes through a"),
        ([member("a/b"), member("a", SYM, "/etc")], "something else"),
        ([member("a", LNK, "b")], "not an earlier file"),
        ([member("b", DIR), member("a", LNK, "b")], "not an earlier file"),
        ([member("b", SYM, "/etc/passwd"), member("a", LNK, "b")], "not an earlier file"),
        ([member("a", SYM, "")], "link to nothing"),
        ([member(".")], "root is not a directory"),
        ([member("a" * 256)], "too long"),
        ([member("a/" * 3000 + "a")], "too long"),
        ([member(".wh.a")], "whiteout"),
        ([member("a/.wh..wh..opq")], "whiteout"),
        ([member("a", b"S")], "type"),
        ([member("a", b"V")], "type"),
        ([member("a", **{"GNU.sparse.major": "1"})], "sparse"),
        ([member("a", DIR, content=b"x")], "with content"),
    ],
)  # fmt: skip
def test_what_is_odd_is_refused(members: list[Member], message: str) -> None:
    with pytest.raises(VerificationError, match=message):
        read(tar(*members))


def test_whiteouts_come_as_empty_files_when_asked_for() -> None:
    data = tar(member("a/.wh.b"), member("c/.wh..wh..opq"), member("c/d"))
    assert paths(data, whiteouts=True) == ["a/.wh.b", "c/.wh..wh..opq", "c/d"]


@pytest.mark.parametrize(
    "members",
    [
        [member("a"), member(".wh.a")],
        [member(".wh.a"), member("a")],
        [member("a/b"), member(".wh.a")],
        [member(".wh.a", DIR)],
        [member(".wh.a", content=b"x")],
        [member(".wh.a", SYM, "x")],
        [member(".wh.")],
        [member(".wh...")],
        [member(".wh..wh.plnk")],
        [member(".wh.a/b")],
    ],
)
def test_whiteouts_that_contradict_are_refused(members: list[Member]) -> None:
    with pytest.raises(VerificationError):
        read(tar(*members), whiteouts=True)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_links_and_numbers(form: int) -> None:
    info, content = member("d" * 200 + "/" + "n" * 200, SYM, "t" * 300)
    info.uid, info.gid, info.mtime = 1 << 31, (1 << 32) - 2, 1 << 34
    (entry,) = read(tar((info, content), form=form))
    assert (entry.path, entry.link) == (info.name, info.linkname)
    assert (entry.uid, entry.gid, entry.mtime) == (info.uid, info.gid, info.mtime)


def test_times_with_fractions_and_before_the_epoch() -> None:
    members = [member("a", mtime="1700000000.75"), member("b", mtime="-1.5"), member("c", mtime="-2")]
    assert [entry.mtime for entry in read(tar(*members))] == [1_700_000_000, -2, -2]
    info, content = member("d")
    info.mtime = -5
    assert read(tar((info, content), form=tarfile.GNU_FORMAT))[0].mtime == -5


def test_contents_that_are_not_read_are_skipped() -> None:
    data = tar(member("a", content=b"a" * 5000), member("b", content=b"b" * 700))
    found = []
    for entry, content in read_layer(io.BytesIO(data)):
        assert content is not None
        found.append((entry.path, content.read(3)))
    assert found == [("a", b"aaa"), ("b", b"bbb")]


def test_global_headers_hold_for_all_that_follow() -> None:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", pax_headers={"mtime": "17"}) as opened:
        for name in ("a", "b"):
            opened.addfile(tarfile.TarInfo(name))
    assert [entry.mtime for entry in read(sink.getvalue())] == [17, 17]


def test_limits() -> None:
    data = tar(*(member(str(number), content=bytes(2000)) for number in range(10)))
    assert len(read(data, limits=LayerLimits(entries=10))) == 10
    with pytest.raises(VerificationError, match="more than 9 entries"):
        read(data, limits=LayerLimits(entries=9))
    with pytest.raises(VerificationError, match="larger than allowed"):
        read(gzip.compress(data), limits=LayerLimits(total=len(data) - 1))
    long = tar(member("a", comment="x" * 5000))
    with pytest.raises(VerificationError, match="extended header"):
        read(long, limits=LayerLimits(header=4000))


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstandard.ZstdCompressor(write_checksum=True).compress, bytes]
)
def test_every_cut_is_noticed(compress: object) -> None:
    data = compress(tar(member("a", content=bytes(range(256)) * 8)))  # type: ignore[operator]
    read(data)
    end = len(data) if compress is not bytes else 2560 + 1024  # beyond it comes only padding
    for cut in [*range(0, end, 97), end - 1]:
        with pytest.raises(VerificationError):
            read(data[:cut])


def test_bombs_are_stopped() -> None:
    for bomb in (zlib_bomb(), zstandard.ZstdCompressor().compress(bytes(64 << 20))):
        with pytest.raises(VerificationError, match="larger than allowed"):
            drain(bomb, 1 << 20)


def zlib_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(bytes(64 << 20)) + packer.flush()


def drain(data: bytes, maximum: int) -> int:
    stream = decompressed(io.BytesIO(data), maximum=maximum)
    return sum(len(chunk) for chunk in iter(lambda: stream.read(65_536), b""))


def test_a_frame_that_wants_too_much_memory_is_refused() -> None:
    options = zstandard.ZstdCompressionParameters(window_log=28, strategy=1)
    packer = zstandard.ZstdCompressor(compression_params=options).compressobj()
    data = packer.compress(b"x" * 1000) + packer.flush()
    with pytest.raises(VerificationError, match="damaged"):
        drain(data, 1 << 30)


def test_many_members_and_frames_are_one_stream() -> None:
    parts = [bytes([number]) * 70_000 for number in range(5)]
    packer = zstandard.ZstdCompressor()
    assert drain(b"".join(map(gzip.compress, parts)), 1 << 20) == 350_000
    assert drain(b"".join(map(packer.compress, parts)), 1 << 20) == 350_000
    assert drain(b"plain bytes", 100) == 11
    assert drain(b"", 100) == 0


def test_a_flipped_bit_anywhere_is_refused_or_harmless() -> None:
    """A checksum or a rule catches it, or it changed an entry's fields only; no other exception, ever."""
    data = tar(member("a", DIR), member("a/b", content=b"content"), member("a/c", SYM, "b"))[:4096]
    for position in range(len(data)):
        broken = bytearray(data)
        broken[position] ^= 1
        try:
            found = read(bytes(broken))
        except VerificationError:
            continue
        assert len(found) == 3


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_noise_is_refused_or_empty(data: bytes) -> None:
    for prefix in (b"", b"\x1f\x8b\x08\0", zstandard.FRAME_HEADER):
        try:
            assert read(prefix + data) == []
        except VerificationError:
            continue


@settings(deadline=None)
@given(st.data())
def test_changed_headers_never_escape(data: st.DataObject) -> None:
    original = tar(member("a", DIR), member("a/b", LNK, "x" * 120), member("c" * 150, content=b"12"))
    broken = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    for at in range(0, len(broken) - 511, 512):  # with right checksums, so that the rules behind them are met
        block = broken[at : at + 512]
        if block[257:262] == b"ustar":
            broken[at + 148 : at + 156] = b"%06o\0 " % (sum(block[:148]) + 256 + sum(block[156:]))
    try:
        found = read(bytes(broken))
    except VerificationError:
        return
    for entry in found:
        assert not entry.path.startswith("/")
        assert ".." not in entry.path.split("/")
    assert all(first != second for first, second in pairwise(sorted(entry.path for entry in found)))
