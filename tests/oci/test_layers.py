# SPDX-License-Identifier: Apache-2.0
"""Layers: the bytes are the same everywhere, and Python's own tarfile reads what was meant."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import replace

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.errors import BuildError
from imagewright.model.digest import Digest
from imagewright.model.images import Compression
from imagewright.model.tree import Content, Entry, EntrySource, Kind
from imagewright.oci.compression import PIECE, pieces
from imagewright.oci.layers import Layer, LayerResult, write_layer
from imagewright.oci.reader import read_layer
from imagewright.oci.tar import archive, order

EPOCH = 1_700_000_000
Pair = tuple[Entry, bytes]


def source(pairs: list[Pair]) -> EntrySource:
    for entry, content in pairs:
        stream: Content = io.BytesIO(content) if entry.kind is Kind.FILE else None
        yield entry, stream


def file(path: str, content: bytes = b"", **fields: object) -> Pair:
    return Entry(path, Kind.FILE, 0o644, size=len(content), **fields), content  # type: ignore[arg-type]


def directory(path: str, mode: int = 0o755) -> Pair:
    return Entry(path, Kind.DIRECTORY, mode), b""


def write(pairs: list[Pair], **options: object) -> tuple[bytes, LayerResult]:
    sink = io.BytesIO()
    result = write_layer(source(pairs), sink.write, epoch=EPOCH, **options)  # type: ignore[arg-type]
    return sink.getvalue(), result


def read(data: bytes) -> list[Pair]:
    return [(entry, content.read() if content else b"") for entry, content in read_layer(io.BytesIO(data))]


def tar(pairs: list[Pair]) -> bytes:
    return b"".join(archive(source(pairs), epoch=EPOCH))


SAMPLE: list[Pair] = [
    directory("", 0o755),
    directory("dev", 0o755),
    (Entry("dev/null", Kind.CHARACTER, 0o666, device=(1, 3)), b""),
    (Entry("dev/sda", Kind.BLOCK, 0o660, gid=6, device=(8, 0)), b""),
    directory("etc"),
    file("etc/hostname", b"x\n", mtime=EPOCH - 5, uid=1000, gid=100),
    (Entry("etc/host", Kind.HARDLINK, 0o644, link="etc/hostname"), b""),
    (Entry("etc/mtab", Kind.SYMLINK, 0o777, link="../proc/self/mounts"), b""),
    (Entry("run", Kind.DIRECTORY, 0o1777), b""),
    (Entry("run/initctl", Kind.FIFO, 0o600), b""),
    file("usr", bytes(range(256)) * 20),
]
SAMPLE.sort(key=lambda pair: order(pair[0].path))
SAMPLE = [pair for pair in SAMPLE if pair[0].path != "etc/host"] + [
    (Entry("zlink", Kind.HARDLINK, 0o644, link="etc/hostname"), b"")
]


@pytest.mark.parametrize("compression", list(Compression))
def test_what_was_written_is_read(compression: Compression) -> None:
    data, result = write(SAMPLE, compression=compression)
    assert read(data) == SAMPLE
    assert result.digest == Digest.of(data)
    assert result.size == len(data)
    assert result.diff_id == Digest.of(tar(SAMPLE))
    assert result.uncompressed_size == len(tar(SAMPLE))
    assert result.entries == len(SAMPLE)


def test_the_bytes_are_these_and_stay_so() -> None:
    """A change here changes every layer that anybody ever built: bump the recipes' revision with it."""
    assert hashlib.sha256(tar(SAMPLE)).hexdigest() == TAR
    assert write(SAMPLE)[1].digest.hex == GZIP
    assert write(SAMPLE, compression=Compression.ZSTD)[1].digest.hex == ZSTD


TAR = "1066ace4bc62d58c970412b3aa991f64f4dc53096d1800418fd3b9a76a053b29"
GZIP = "e2b2041b505c5e9377bd0307c877498bae4a5bc3217007f5b53ebacddbf184e6"
ZSTD = "2faa6445fa33f4d2c7fb313419d2aefcbf7c30d79fbc4ed2465b337ba25dae18"


def test_the_gzip_header_says_nothing_of_time_or_system() -> None:
    data, _ = write(SAMPLE)
    assert data[:10] == bytes(
        [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 2, 255]
    )  # 2: the level is a high one (RFC 1952, 2.3.1)


@pytest.mark.parametrize("compression", list(Compression))
def test_threads_do_not_change_the_bytes(compression: Compression) -> None:
    noise = hashlib.shake_256(b"seed").digest(PIECE[compression] // 2) * 5
    pairs = [file("a", noise), file("b", noise[:-7])]
    one, first = write(pairs, compression=compression, jobs=1)
    for jobs in (2, 3, 7):
        other, result = write(pairs, compression=compression, jobs=jobs)
        assert other == one
        assert result == first


def test_how_contents_arrive_does_not_change_the_bytes() -> None:
    class Dripping(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 313) if size and size > 0 else size)

    content = hashlib.shake_256(b"x").digest(50_000)
    entry, _ = file("a", content)
    dripped = Layer([(entry, Dripping(content))], epoch=EPOCH)
    assert b"".join(dripped) == write([(entry, content)])[0]


def test_a_gzip_layer_is_members_that_gzip_joins() -> None:
    pairs = [file("a", bytes(3 * PIECE[Compression.GZIP]))]
    data, _ = write(pairs)
    assert gzip.decompress(data) == tar(pairs)
    assert data.count(b"\x1f\x8b\x08\0\0\0\0\0\2\xff") == 4


def test_a_zstd_layer_is_frames_that_zstd_joins() -> None:
    pairs = [file("a", bytes(2 * PIECE[Compression.ZSTD]))]
    data, _ = write(pairs, compression=Compression.ZSTD)
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    assert reader.read() == tar(pairs)
    assert data.count(zstandard.FRAME_HEADER) == 3


def test_times_are_clamped() -> None:
    pairs = [file("a", mtime=EPOCH - 1), file("b", mtime=EPOCH + 1), file("c", mtime=-5), file("d", mtime=2**40)]
    assert [entry.mtime for entry, _ in read(tar(pairs))] == [EPOCH - 1, EPOCH, 0, EPOCH]


def test_no_names_of_users_and_no_other_times() -> None:
    with tarfile.open(fileobj=io.BytesIO(tar(SAMPLE))) as opened:
        for member in opened:
            assert (member.uname, member.gname) == ("", "")
            assert not {"atime", "ctime", "mtime"} & set(member.pax_headers)


def test_pax_only_where_it_is_needed() -> None:
    assert b"PaxHeader" not in tar(SAMPLE)
    assert b"PaxHeader" not in tar([file("a" * 100)])
    assert b"PaxHeader" not in tar([file("p" * 155 + "/" + "n" * 100)])
    assert b"PaxHeader" in tar([file("p" * 156 + "/" + "n" * 100)])
    assert b"PaxHeader" in tar([file("a" * 101)])
    assert b"PaxHeader" in tar([file("ä")])
    assert b"PaxHeader" not in tar([file("a", uid=0o7777777)])
    assert b"PaxHeader" in tar([file("a", uid=0o10000000)])


def test_an_archive_ends_with_two_empty_blocks() -> None:
    assert tar([]) == bytes(1024)
    assert tar([file("a", b"x")])[-1024:] == bytes(1024)


def test_sizes_beyond_eight_gigabytes_are_written_in_pax() -> None:
    size = 8 << 30
    chunks = archive([(Entry("big", Kind.FILE, 0o644, size=size), Zeros(size))], epoch=EPOCH)
    head = next(chunks)
    assert b"size=%d\n" % size in head
    with tarfile.open(fileobj=io.BytesIO(head + bytes(512))) as opened:
        member = opened.next()
        assert member is not None
        assert member.size == size


class Zeros(io.BytesIO):
    def __init__(self, size: int) -> None:
        super().__init__()
        self.left = size

    def read(self, size: int | None = -1) -> bytes:
        count = self.left if size is None or size < 0 else min(size, self.left)
        self.left -= count
        return bytes(count)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([file("b"), file("a")], "sorted"),
        ([file("a"), file("a")], "twice"),
        ([file("a/b"), directory("a")], "sorted"),
        ([file("a/../b")], "no path"),
        ([file("/a")], "no path"),
        ([file("a//b")], "no path"),
        ([file("./a")], "no path"),
        ([file("a/")], "no path"),
        ([file("a\0b")], "no path"),
        ([file("")], "root"),
        ([file(".wh.a")], "remove another"),
        ([directory("a/.wh..wh..opq")], "remove another"),
        ([(Entry("a", Kind.HARDLINK, 0o644, link="b"), b""), file("b")], "earlier file"),
        ([directory("a"), (Entry("b", Kind.HARDLINK, 0o644, link="a"), b"")], "earlier file"),
        ([file("a", uid=-1)], "negative"),
        ([file("a", b"x"), (replace(file("b")[0], mode=0o100644), b"")], "mode"),
        ([(Entry("a", Kind.CHARACTER, 0o644, device=(1 << 24, 0)), b"")], "device"),
    ],
)
def test_what_must_not_be_written_is_refused(pairs: list[Pair], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        tar(pairs)


@pytest.mark.parametrize(("size", "content"), [(3, b"ab"), (3, b"abcd"), (0, b"a"), (1, b"")])
def test_a_content_of_another_size_is_refused(size: int, content: bytes) -> None:
    with pytest.raises(BuildError, match=r"bytes|content"):
        tar([(Entry("a", Kind.FILE, 0o644, size=size), content)])


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_failing_source_fails_the_layer(jobs: int) -> None:
    def entries() -> EntrySource:
        yield Entry("a", Kind.FILE, 0o644, size=5 << 20), Zeros(5 << 20)
        raise BuildError("the file went away")

    layer = Layer(entries(), epoch=EPOCH, jobs=jobs)
    with pytest.raises(BuildError, match="went away"):
        list(layer)
    with pytest.raises(BuildError, match="before it was written"):
        _ = layer.result


def test_a_bad_epoch_is_refused() -> None:
    with pytest.raises(BuildError, match="epoch"):
        list(archive([], epoch=-1))


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40))
def test_pieces_are_the_same_bytes(chunks: list[bytes], size: int) -> None:
    cut = list(pieces(chunks, size))
    assert b"".join(cut) == b"".join(chunks)
    assert all(len(piece) == size for piece in cut[:-1])
    assert all(cut)


# --- any tree at all ---

TYPES = {
    Kind.FILE: tarfile.REGTYPE,
    Kind.DIRECTORY: tarfile.DIRTYPE,
    Kind.SYMLINK: tarfile.SYMTYPE,
    Kind.HARDLINK: tarfile.LNKTYPE,
    Kind.FIFO: tarfile.FIFOTYPE,
}

NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=60
).filter(lambda name: name not in (".", "..") and not name.startswith(".wh.") and len(name.encode()) <= 255)
PATHS = st.lists(st.one_of(NAMES, st.sampled_from(["a", "a" * 99, "n" * 200, "ä" * 60])), min_size=1, max_size=4)
XATTRS = st.dictionaries(st.sampled_from(["user.a", "security.capability"]), st.binary(max_size=30), max_size=2)


@st.composite
def trees(draw: st.DrawFn) -> list[Pair]:
    pairs: dict[str, Pair] = {}
    files: list[str] = []
    for parts in sorted(draw(st.lists(PATHS, max_size=8))):
        path = "/".join(parts)
        if any(path.startswith(f"{other}/") and pairs[other][0].kind is not Kind.DIRECTORY for other in pairs):
            continue
        kind = draw(
            st.sampled_from([Kind.FILE, Kind.FILE, Kind.DIRECTORY, Kind.SYMLINK, Kind.FIFO, Kind.HARDLINK])
        )
        link, content = "", b""
        if kind is Kind.HARDLINK:
            earlier = [name for name in files if order(name) < order(path)]
            if not earlier:
                continue
            link = draw(st.sampled_from(earlier))
        elif kind is Kind.SYMLINK:
            link = draw(st.one_of(NAMES, st.sampled_from(["/etc/passwd", "../" * 50 + "x"])))
        elif kind is Kind.FILE:
            content = draw(st.binary(max_size=1200))
            files.append(path)
        entry = Entry(
            path=path,
            kind=kind,
            mode=draw(st.integers(0, 0o7777)),
            uid=draw(st.one_of(st.integers(0, 70_000), st.just(1 << 31))),
            gid=draw(st.one_of(st.integers(0, 70_000), st.just((1 << 32) - 2))),
            mtime=draw(st.integers(0, EPOCH)),
            size=len(content),
            link=link,
            xattrs=tuple(sorted(draw(XATTRS).items())),
        )
        pairs.setdefault(path, (entry, content))
    kept = sorted(pairs.values(), key=lambda pair: order(pair[0].path))
    names = {entry.path for entry, _ in kept if entry.kind is Kind.FILE}
    solid = {entry.path for entry, _ in kept if entry.kind is not Kind.DIRECTORY}
    return [
        pair
        for pair in kept
        if not any(pair[0].path.startswith(f"{other}/") for other in solid)
        and (pair[0].kind is not Kind.HARDLINK or pair[0].link in names)
    ]


@settings(deadline=None)
@given(trees(), st.sampled_from(Compression))
def test_any_tree_survives_the_round_trip(pairs: list[Pair], compression: Compression) -> None:
    data, _ = write(pairs, compression=compression)
    assert read(data) == pairs


@settings(deadline=None)
@given(trees())
def test_tarfile_reads_any_tree_as_it_was_meant(pairs: list[Pair]) -> None:
    with tarfile.open(fileobj=io.BytesIO(tar(pairs)), encoding="utf-8", errors="surrogateescape") as opened:
        members = opened.getmembers()
        assert len(members) == len(pairs)
        for member, (entry, content) in zip(members, pairs, strict=True):
            assert member.name == entry.path
            assert member.type == TYPES[entry.kind]
            assert (member.mode, member.uid, member.gid, member.mtime, member.linkname) == (
                entry.mode, entry.uid, entry.gid, entry.mtime, entry.link,
            )  # fmt: skip
            found = opened.extractfile(member) if entry.kind is Kind.FILE else None
            assert (found.read() if found else b"") == content
            xattrs = {
                key[13:]: value for key, value in member.pax_headers.items() if key.startswith("SCHILY.xattr.")
            }
            decoded = {key: value.decode("utf-8", "surrogateescape") for key, value in entry.xattrs}
            assert xattrs == decoded


@settings(deadline=None)
@given(trees())
def test_what_tarfile_writes_is_read_as_it_was_meant(pairs: list[Pair]) -> None:
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w", format=form) as opened:
            for entry, content in pairs:
                member = tarfile.TarInfo(entry.path)
                member.type, member.linkname, member.size = TYPES[entry.kind], entry.link, entry.size
                member.mode, member.uid, member.gid, member.mtime = entry.mode, entry.uid, entry.gid, entry.mtime
                opened.addfile(member, io.BytesIO(content))
        plain = [(replace(entry, xattrs=()), content) for entry, content in pairs]
        assert read(sink.getvalue()) == plain
