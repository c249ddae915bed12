# SPDX-License-Identifier: Apache-2.0
"""Layers that two images share: read once, with the same answer."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial

from imagewright.describe.remembered import RememberedLayers
from imagewright.describe.scan import Scan, scan
from imagewright.model.digest import Digest
from imagewright.model.tree import Content, Entry, EntryStream, Kind

LOWER, UPPER = Digest("a" * 64), Digest("b" * 64)
FILES = {
    LOWER: {
        "var/lib/dpkg/info/lib.list": b"/usr/lib/lib\n",
        "usr/lib/lib": b"x" * 5000,
        "var/lib/dpkg/status": b"",
    },
    UPPER: {"etc/motd": b"hello"},
}


class Layers:
    """Layers that count how often each was begun."""

    def __init__(self) -> None:
        self.begun: list[Digest] = []

    def begin(self, digest: Digest) -> EntryStream:
        self.begun.append(digest)
        yield Entry("usr", Kind.DIRECTORY, 0o755), None
        for path, content in sorted(FILES[digest].items()):
            yield Entry(path, Kind.FILE, 0o644, size=len(content)), io.BytesIO(content)
        yield Entry("usr/link", Kind.SYMLINK, 0o777, link="lib"), None


def described(layers: Layers, shared: RememberedLayers) -> Scan:
    def streams() -> Iterator[EntryStream]:
        for digest in (LOWER, UPPER):
            yield shared.read(digest, partial(layers.begin, digest))

    return scan(streams(), digests=True, without=(0,))


def test_a_shared_layer_is_read_once_and_says_the_same_twice() -> None:
    layers, shared = Layers(), RememberedLayers({LOWER})
    one, two = described(layers, shared), described(layers, shared)
    assert layers.begun == [LOWER, UPPER, UPPER]
    assert one == two
    assert one.texts == {"var/lib/dpkg/info/lib.list": b"/usr/lib/lib\n"}
    assert [path for path, file in one.files.items() if file.digest] == ["etc/motd"]


def test_a_layer_that_was_not_read_to_its_end_is_read_again() -> None:
    layers, shared = Layers(), RememberedLayers({LOWER})
    entries = shared.read(LOWER, lambda: layers.begin(LOWER))
    first: tuple[Entry, Content] = next(entries)
    del entries
    again = list(shared.read(LOWER, lambda: layers.begin(LOWER)))
    assert layers.begun == [LOWER, LOWER]
    assert again[0] == first
    assert len(again) == 5
