# SPDX-License-Identifier: Apache-2.0
"""Tables of contents: what a layer has, written and read again, and bounded."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import VerificationError
from imagewright.model.tree import Content, Entry, EntryStream, Kind
from imagewright.oci import toc
from imagewright.oci.toc import TocEntry, parse_toc, read_toc, write_toc


def layer(*files: tuple[str, bytes]) -> EntryStream:
    yield Entry("usr", Kind.DIRECTORY, 0o755), None
    for path, content in files:
        yield Entry(path, Kind.FILE, 0o644, size=len(content)), io.BytesIO(content)


def written(entries: Iterator[TocEntry] | list[TocEntry]) -> io.BytesIO:
    return io.BytesIO(b"".join(write_toc(entries)))


def test_what_is_kept_has_its_content_and_every_file_its_digest() -> None:
    found = list(read_toc(layer(("a", b"one"), ("b", b"two"), ("c", b"")), {"b", "c"}.__contains__))
    sums = [hashlib.sha256(data).digest() for data in (b"one", b"two", b"")]
    assert [(one.entry.path, one.digest, one.content) for one in found] == [
        ("usr", b"", None),
        ("a", sums[0], None),
        ("b", sums[1], b"two"),
        ("c", sums[2], b""),
    ]
    assert list(parse_toc(written(found))) == found


TEXT = st.text(max_size=12) | st.binary(max_size=8).map(lambda data: data.decode("utf-8", "surrogateescape"))
PAIRS = st.lists(st.tuples(TEXT, st.binary(max_size=9)), max_size=3).map(tuple)
NUMBER = st.integers(0, 1 << 40)
ENTRIES = st.builds(
    Entry,
    TEXT,
    st.sampled_from(Kind),
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    NUMBER,
    TEXT,
    st.tuples(NUMBER, NUMBER),
    PAIRS,
    PAIRS,
)


@given(
    st.lists(
        st.builds(TocEntry, ENTRIES, st.binary(max_size=32), st.none() | st.binary(max_size=2000)), max_size=9
    )
)
def test_any_table_survives_being_written(entries: list[TocEntry]) -> None:
    assert list(parse_toc(written(entries))) == entries


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toc, "MAXIMUM_CONTENT", 4)
    monkeypatch.setattr(toc, "MAXIMUM_CONTENTS", 10)
    assert list(read_toc(layer(("a", b"12345")), lambda path: False))
    with pytest.raises(VerificationError, match="a has 5 bytes"):
        list(read_toc(layer(("a", b"12345")), lambda path: True))
    with pytest.raises(VerificationError, match="more than 10 bytes"):
        list(read_toc(layer(("a", b"1234"), ("b", b"1234"), ("c", b"1234")), lambda path: True))


def test_a_large_file_is_not_held_in_memory() -> None:
    class Long(io.RawIOBase):
        left = 64 << 20

        def read(self, size: int = -1, /) -> bytes:
            assert 0 < size <= 1 << 20
            taken = min(size, self.left)
            self.left -= taken
            return bytes(taken)

    content: Content = Long()  # type: ignore[assignment]  # read() is all that a content needs
    entry = Entry("a", Kind.FILE, 0o644, size=64 << 20)
    (found,) = read_toc(iter([(entry, content)]), lambda path: False)
    assert found.digest == hashlib.sha256(bytes(64 << 20)).digest()
