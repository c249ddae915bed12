# SPDX-License-Identifier: Apache-2.0
"""Security descriptors: byte for byte what other programs write, and back."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewright.errors import VerificationError
from imagewright.oci.security import (
    DIRECTORY,
    FILE,
    USERS,
    Allowed,
    Descriptor,
    Inherit,
    sid_bytes,
)

KNOWN = {
    # moby/buildkit, util/winlayers/differ.go:
    # O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)
    # (A;CI;DC;;;BU)
    "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAA"
    "AxQA/wEfAAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAA"
    "AAAhAgAAAAIYAAQAAAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA": DIRECTORY,
    # The same file: O:BAG:SYD:(A;;FA;;;BA)(A;;FA;;;SY)(A;;0x1200a9;;;BU)
    "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgBMAAMAAAAAABgA/wEfAAECAAAAAAAFIAAAACACAAAA"
    "ABQA/wEfAAEBAAAAAAAFEgAAAAAAGACpABIAAQIAAAAAAAUgAAAAIQIAAA==": FILE,
    # google/go-containerregistry, pkg/v1/internal/windows: O:BUG:BU
    "AQAAgBQAAAAkAAAAAAAAAAAAAAABAgAAAAAABSAAAAAhAgAAAQIAAAAAAAUgAAAAIQIAAA==": Descriptor(USERS, USERS),
}


@pytest.mark.parametrize(("text", "descriptor"), KNOWN.items(), ids=("directory", "file", "owner alone"))
def test_descriptors_are_what_others_write(text: str, descriptor: Descriptor) -> None:
    assert base64.b64encode(descriptor.encode()).decode() == text
    assert Descriptor.parse(base64.b64decode(text)) == descriptor


SIDS = st.builds(
    lambda authority, parts: "-".join(map(str, ("S", 1, authority, *parts))),
    st.integers(0, (1 << 48) - 1),
    st.lists(st.integers(0, (1 << 32) - 1), min_size=1, max_size=15),
)
ENTRIES = st.builds(Allowed, SIDS, st.integers(0, (1 << 32) - 1), st.sampled_from([Inherit(n) for n in range(16)]))
DESCRIPTORS = st.builds(Descriptor, SIDS, SIDS, st.none() | st.lists(ENTRIES, max_size=5).map(tuple))


@given(DESCRIPTORS)
def test_what_is_written_is_read_again(descriptor: Descriptor) -> None:
    assert Descriptor.parse(descriptor.encode()) == descriptor


@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        found = Descriptor.parse(data)
    except VerificationError:
        return
    assert Descriptor.parse(found.encode()) == found


@given(DESCRIPTORS, st.integers(0, 400))
def test_one_that_is_cut_off_is_refused(descriptor: Descriptor, length: int) -> None:
    whole = descriptor.encode()
    if length < len(whole):
        with pytest.raises(VerificationError, match="security descriptor"):
            Descriptor.parse(whole[:length])


@pytest.mark.parametrize(
    "text", ["", "S-1-5", "S-2-5-18", "S-1-5-4294967296", "S-1-281474976710656-1", "s-1-5-18"]
)
def test_what_is_no_identifier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"S-1|no security identifier"):
        sid_bytes(text)
