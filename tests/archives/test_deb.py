# SPDX-License-Identifier: Apache-2.0
"""Reading packages: what is accepted is read exactly, everything else is refused."""

from __future__ import annotations

import gzip
import io
import lzma
import random
import stat
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewright.archives.debian.deb import DebLimits, Trigger, open_deb, read_control
from imagewright.archives.debian.tar import TarLimits, read_tar
from imagewright.errors import VerificationError
from imagewright.model.tree import Entry, Kind
from support.debs import make_ar, make_deb

CONTROL = b"Package: p\nVersion: 1\nArchitecture: all\nMaintainer: t\nDescription: d\n"
MTIME = 1_700_000_000


def member(
    name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", **values: object
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(content), MTIME
    for key, value in values.items():
        setattr(info, key, value)
    return info, content


def tar(*members: tuple[tarfile.TarInfo, bytes], kind: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def deb(data: bytes, control: bytes = CONTROL, **extra: bytes) -> bytes:
    files = [member("./control", content=control)] + [
        member(f"./{name}", content=text) for name, text in extra.items()
    ]
    return make_ar({"debian-binary": b"2.0\n", "control.tar": tar(*files), "data.tar": data})


def read(data: bytes, limits: DebLimits | None = None) -> list[tuple[Entry, bytes]]:
    package = open_deb(io.BytesIO(data), "p.deb", limits=limits)
    return [(entry, content.read() if content is not None else b"") for entry, content in package.entries()]


def read_raw(data: bytes, limits: TarLimits | None = None) -> list[tuple[Entry, bytes]]:
    found = read_tar(io.BytesIO(data).read, "t", limits=limits)
    return [(entry, content.read() if content is not None else b"") for entry, content in found]


@pytest.mark.parametrize("compression", ["", "gz", "xz", "zst"])
def test_reads_every_compression(tmp_path: Path, compression: str) -> None:
    path = make_deb(
        tmp_path,
        "hello",
        files={"usr/bin/hello": b"x" * 3_000_000, "etc/hello.conf": "a=1\n"},
        links={"usr/bin/hi": "hello"},
        scripts={"postinst": "#!/bin/sh\n", "conffiles": "/etc/hello.conf\n"},
        modes={"usr/bin/hello": 0o4755},
        compression=compression,
    )
    with path.open("rb") as file:
        package = open_deb(file, "hello")
        entries = {entry.path: (entry, content.read() if content else b"") for entry, content in package.entries()}
    assert list(entries) == ["", "etc", "etc/hello.conf", "usr", "usr/bin", "usr/bin/hello", "usr/bin/hi"]
    entry, content = entries["usr/bin/hello"]
    assert (entry.kind, entry.mode, entry.size, entry.mtime) == (Kind.FILE, 0o4755, 3_000_000, MTIME)
    assert content == b"x" * 3_000_000
    assert (entries["usr/bin/hi"][0].kind, entries["usr/bin/hi"][0].link) == (Kind.SYMLINK, "hello")
    control = package.control
    assert (control.name, control.version, control.architecture, control.stem) == (
        "hello",
        "1.0-1",
        "amd64",
        "hello",
    )
    assert control.conffiles == ("/etc/hello.conf",)
    assert control.modes["postinst"] == 0o755
    assert control.text.startswith("Package: hello\n")


def test_control_members() -> None:
    data = deb(
        tar(),
        CONTROL + b"Multi-Arch: same\n",
        triggers=b"# made by\ninterest-noawait /usr/share/x\nactivate-noawait ldconfig # why\n",
        shlibs=b"libz 1 zlib1g (>= 1:1.2)\nudeb: libz 1 zlib1g-udeb\nlibdb 5.3 libdb5.3\n",
    )
    control = read_control(io.BytesIO(data), "p")
    assert control.stem == "p:all"
    assert control.triggers == (
        Trigger("interest-noawait", "/usr/share/x"),
        Trigger("activate-noawait", "ldconfig"),
    )
    assert control.sonames == {"libz.so.1", "libz-1.so", "libdb.so.5.3", "libdb-5.3.so"}


def test_streams_one_after_the_other() -> None:
    whole = tar(member("./a", content=bytes(range(256)) * 8000))
    half = len(whole) // 2
    for suffix, pack in ((".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstandard.compress)):
        packed = pack(whole[:half]) + pack(whole[half:])
        data = make_ar(
            {
                "debian-binary": b"2.0\n",
                "control.tar": tar(member("control", content=CONTROL)),
                f"data.tar{suffix}": packed,
            }
        )
        assert read(data)[0][1] == bytes(range(256)) * 8000


def test_long_names_and_links() -> None:
    long, target = "d/" * 120 + "file", "x" * 300
    for kind in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        entries = read_raw(
            tar(member(f"./{long}", content=b"1"), member("./l", tarfile.SYMTYPE, linkname=target),
                member("./h", tarfile.LNKTYPE, linkname=f"./{long}"), kind=kind)
        )  # fmt: skip
        assert [entry.path for entry, _ in entries] == [long, "l", "h"]
        assert (entries[1][0].link, entries[2][0].link) == (target, long)
    prefixed = "p" * 100 + "/" + "n" * 90
    assert read_raw(tar(member(prefixed), kind=tarfile.USTAR_FORMAT))[0][0].path == prefixed


def test_attributes_and_large_numbers() -> None:
    info, content = member("./a", content=b"", uid=3_000_000, gid=2_500_000, mtime=2**34)
    info.pax_headers = {"SCHILY.xattr.user.b": "2", "SCHILY.xattr.security.capability": "1", "comment": "nothing"}
    entry = read_raw(tar((info, content), kind=tarfile.PAX_FORMAT))[0][0]
    assert (entry.uid, entry.gid, entry.mtime) == (3_000_000, 2_500_000, 2**34)
    assert entry.xattrs == (("security.capability", b"1"), ("user.b", b"2"))
    info.pax_headers = {}
    entry = read_raw(tar((info, content), kind=tarfile.GNU_FORMAT))[0][0]  # base 256
    assert (entry.uid, entry.gid, entry.mtime) == (3_000_000, 2_500_000, 2**34)


def test_content_ends_with_its_entry() -> None:
    stream = read_tar(io.BytesIO(tar(member("a", content=b"12345"), member("b", content=b"67"))).read, "t")
    _, first = next(stream)
    assert first is not None
    assert first.read(2) == b"12"
    _, second = next(stream)
    assert first.read() == b""
    assert second is not None
    buffer = bytearray(5)
    assert second.readinto(buffer) == 2  # type: ignore[attr-defined]
    assert buffer[:2] == b"67"


LINK = {"linkname": "x"}
REFUSED: dict[str, Callable[[], bytes]] = {
    "traversal": lambda: tar(member("./../etc/passwd")),
    "traversal inside": lambda: tar(member("./usr/../../etc/passwd")),
    "dot inside": lambda: tar(member("./usr/./x")),
    "absolute": lambda: tar(member("/etc/passwd")),
    "absolute root": lambda: tar(member("/", tarfile.DIRTYPE)),
    "empty part": lambda: tar(member("./usr//x")),
    "twice": lambda: tar(member("./a"), member("./a")),
    "twice, written differently": lambda: tar(member("./a"), member("a")),
    "directory twice": lambda: tar(member("./a", tarfile.DIRTYPE), member("./a/", tarfile.DIRTYPE)),
    "character device": lambda: tar(member("./null", tarfile.CHRTYPE)),
    "block device": lambda: tar(member("./sda", tarfile.BLKTYPE)),
    "hard link to nothing": lambda: tar(member("./a", tarfile.LNKTYPE, linkname="./b")),
    "hard link outside": lambda: tar(member("./a", tarfile.LNKTYPE, linkname="/etc/shadow")),
    "hard link up": lambda: tar(member("./a", tarfile.LNKTYPE, linkname="../../etc/shadow")),
    "hard link to a link": lambda: tar(
        member("./l", tarfile.SYMTYPE, **LINK), member("./a", tarfile.LNKTYPE, linkname="./l")
    ),
    "symbolic link to nothing": lambda: tar(member("./a", tarfile.SYMTYPE, linkname="")),
    "root as a link": lambda: tar(member("./", tarfile.SYMTYPE, **LINK)),
    "root as a file": lambda: tar(member("./")),
    "unknown type": lambda: tar(member("./a", b"Z")),
    "sparse": lambda: tar(member("./a", tarfile.GNUTYPE_SPARSE)),
    "directory with content": lambda: _patched(tar(member("./a", tarfile.DIRTYPE)), 124, b"00000000005\0"),
    "checksum": lambda: _patched(tar(member("./a")), 0, b"./b", checksum=False),
    "number that is none": lambda: _patched(tar(member("./a")), 100, b"00006x4\0"),
    "negative time": lambda: _patched(tar(member("./a")), 136, b"\xff" * 12),
    "cut short in a header": lambda: tar(member("./a"))[:700],
    "cut short in a file": lambda: tar(member("./a", content=b"x" * 4000))[:2000],
    "no end": lambda: tar(member("./a"))[:512],
    "more after the end": lambda: tar(member("./a")) + tar(member("./b")),
    "NUL in a name": lambda: tar(_pax("path", "a\0b"), kind=tarfile.PAX_FORMAT),
    "unknown extension": lambda: tar(_pax("GNU.sparse.major", "1"), kind=tarfile.PAX_FORMAT),
    "size that is none": lambda: tar(_pax("mtime", "x"), kind=tarfile.PAX_FORMAT),
    "global extension": lambda: _patched(tar(_pax("path", "/etc/passwd"), kind=tarfile.PAX_FORMAT), 156, b"g"),
}  # fmt: skip


def _patched(data: bytes, at: int, new: bytes, *, checksum: bool = True) -> bytes:
    block = bytearray(data[:512])
    block[at : at + len(new)] = new
    if checksum:
        block[148:156] = b"        "
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def _pax(key: str, value: str) -> tuple[tarfile.TarInfo, bytes]:
    info, content = member("./a")
    info.pax_headers = {key: value}
    return info, content


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(name: str) -> None:
    with pytest.raises(VerificationError):
        read(deb(REFUSED[name]()))


def test_a_file_below_a_link_is_read_as_it_stands() -> None:
    """Where links lead is for whoever unpacks to say: the reader has no tree."""
    entries = read(deb(tar(member("./l", tarfile.SYMTYPE, linkname="/etc"), member("./l/passwd"))))
    assert [entry.path for entry, _ in entries] == ["l", "l/passwd"]


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (TarLimits(entries=2), tar(member("a"), member("b"), member("c"))),
        (TarLimits(total=4096), tar(member("a", content=bytes(5000)))),
        (TarLimits(path=20), tar(member("a" * 21))),
        (TarLimits(path=20), tar(member("a", tarfile.SYMTYPE, linkname="b" * 21))),
        (TarLimits(extension=100), tar(member("a" * 200))),
    ],
)
def test_bounds(limits: TarLimits, data: bytes) -> None:
    with pytest.raises(VerificationError):
        read_raw(data, limits)


@pytest.mark.parametrize(
    ("suffix", "pack"), [(".gz", gzip.compress), (".xz", lzma.compress), (".zst", zstandard.compress)]
)
def test_a_bomb_costs_little(suffix: str, pack: Callable[[bytes], bytes]) -> None:
    info, _ = member("./a")
    info.size = 64 << 20
    bomb = pack(info.tobuf() + bytes(64 << 20))
    data = make_ar(
        {
            "debian-binary": b"2.0\n",
            "control.tar": tar(member("control", content=CONTROL)),
            f"data.tar{suffix}": bomb,
        }
    )
    limits = DebLimits(data=TarLimits(total=32 << 20))

    def swallow() -> None:
        for _, content in open_deb(io.BytesIO(data), "p", limits=limits).entries():
            while content is not None and content.read(1 << 20):
                pass

    tracemalloc.start()
    with pytest.raises(VerificationError, match="more than"):
        swallow()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def _ar(*members: tuple[str, bytes], size: str | None = None, end: bytes = b"`\n") -> bytes:
    out = b"!<arch>\n"
    for name, data in members:
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{size or len(data):<10}".encode() + end + data
        out += b"\n" * (len(data) % 2)
    return out


GOOD = (("debian-binary", b"2.0\n"), ("control.tar", tar(member("control", content=CONTROL))), ("data.tar", tar()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\3\4",
        _ar(),
        _ar(GOOD[0]),
        _ar(GOOD[0], GOOD[2]),
        _ar(GOOD[1], GOOD[2]),
        _ar(GOOD[0], GOOD[2], GOOD[1]),
        _ar(*GOOD, ("data.tar", tar())),
        _ar(("debian-binary", b"3.0\n"), *GOOD[1:]),
        _ar(*GOOD[:2], ("data.tar.lzma", b"x")),
        _ar(*GOOD[:2], ("data.tar.gz", b"nonsense")),
        _ar(*GOOD[:2], ("data.tar.xz", lzma.compress(GOOD[2][1])[:-20])),
        _ar(*GOOD[:2], ("data.tar.zst", b"nonsense")),
        _ar(*GOOD, size="-1"),
        _ar(*GOOD, size="0x10"),
        _ar(*GOOD, size="9999999999"),
        _ar(*GOOD, end=b"xx"),
        _ar(*GOOD, ("a/b", b"")),
        _ar(*GOOD, ("", b"")),
        _ar(*GOOD) + b"trailing",
        _ar(*GOOD, *[(f"_{number}", b"") for number in range(20)]),
    ],
)
def test_refuses_what_is_no_package(data: bytes) -> None:
    with pytest.raises(VerificationError):
        read(data)


def test_members_beginning_with_an_underscore_are_passed_over() -> None:
    assert read(_ar(GOOD[0], ("_gpgbuilder", b"sig"), *GOOD[1:], ("_x", b"y"))) == []


@pytest.mark.parametrize(
    "control",
    [
        b"",
        b"Package: p\n",
        b"Package: ../p\nVersion: 1\nArchitecture: all\n",
        b"Package: p\nVersion: 1/2\nArchitecture: all\n",
        b"Package: p\nVersion: 1\nArchitecture: all\0\n",
        b"Package: p\r\nVersion: 1\r\nArchitecture: all\r\n",
        b"Package: p\nVersion: 1\nVersion: 2\nArchitecture: all\n",
        CONTROL + b"\nPackage: q\n",
        b"\xff\xfe",
        b"no colon\n",
    ],
)
def test_refuses_control_files(control: bytes) -> None:
    with pytest.raises(VerificationError):
        read(deb(tar(), control))


def test_refuses_odd_control_members() -> None:
    for bad in (
        tar(member("control", content=CONTROL), member("sub/x")),
        tar(member("control", content=CONTROL), member("post inst")),
        tar(member("control", content=CONTROL), member("x", tarfile.SYMTYPE, linkname="/etc/passwd")),
        tar(member("other")),
    ):
        with pytest.raises(VerificationError):
            read_control(
                io.BytesIO(make_ar({"debian-binary": b"2.0\n", "control.tar": bad, "data.tar": tar()})), "p"
            )


NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/\n"), min_size=1, max_size=150
).filter(lambda name: name not in {".", ".."} and len(name.encode()) < 250)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(
    files=st.dictionaries(PATHS, st.tuples(st.binary(max_size=2000), st.integers(0, 0o7777)), max_size=6),
    kind=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    piece=st.integers(1, 3000),
)
@settings(max_examples=150, deadline=None)
def test_reads_what_others_write(files: dict[str, tuple[bytes, int]], kind: int, piece: int) -> None:
    data = tar(*(member(f"./{path}", content=text, mode=mode) for path, (text, mode) in files.items()), kind=kind)
    source = io.BytesIO(data)
    found = {}
    for entry, content in read_tar(lambda size: source.read(min(size, piece)), "t"):
        assert content is not None
        found[entry.path] = (content.read(), entry.mode)
    assert found == files


@given(seed=st.integers(0, 2**32), flips=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_damage_is_refused_or_harmless(seed: int, flips: int) -> None:
    """Whatever is done to a package, reading it ends soon, and with our own error or with proper paths."""
    rng = random.Random(seed)
    data = bytearray(
        deb(
            tar(member("./usr/bin/x", content=b"abc"), member("./l", tarfile.SYMTYPE, linkname="usr"),
                member("./h", tarfile.LNKTYPE, linkname="./usr/bin/x"), member("./" + "n" * 200)),
            triggers=b"interest x\n",
        )
    )  # fmt: skip
    for _ in range(flips):
        data[rng.randrange(len(data))] = rng.choice([0, 0x20, 0x2F, 0x2E, 0x39, 0xFF, rng.randrange(256)])
    if rng.random() < 0.3:
        del data[rng.randrange(len(data)) :]
    try:
        entries = read(bytes(data))
    except VerificationError:
        return
    for entry, content in entries:
        assert not entry.path.startswith("/")
        assert ".." not in entry.path.split("/")
        assert len(content) == entry.size
        assert stat.S_IMODE(entry.mode) == entry.mode
